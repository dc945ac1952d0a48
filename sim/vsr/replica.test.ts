import { describe, expect, test } from "@jest/globals";
import { OPERATION, Operation } from "../database/operation.ts";
import { ROOT, Superblock, corrupted, entryAfter } from "./log.ts";
import {
  MESSAGE,
  prepare,
  prepareOk,
  recovery,
  recoveryResponse,
  request,
  startViewChange,
  type Message,
} from "./messages.ts";
import { startReplica } from "./recovery.ts";
import { INPUT, Input, TIMER, step } from "./replica.ts";
import { DEFAULT_TIMEOUTS, JOB, NO_BUGS, Outputs, ReplicaState, STATUS, type ReplicaConfiguration } from "./state.ts";

const configuration: ReplicaConfiguration = {
  replicaCount: 3,
  keys: 1,
  clients: 2,
  timeouts: DEFAULT_TIMEOUTS,
  bugs: NO_BUGS,
};
const operation = new Operation(OPERATION.register, 0, 0, 0, 0, 0);
const first = entryAfter(ROOT, 0, operation);

/** One step; returns the kinds of the messages sent. */
function act(state: ReplicaState, kind: number, message: Message | null, outputs = new Outputs()): number[] {
  const input = new Input();
  input.kind = kind;
  input.message = message;
  input.timer = TIMER.viewChange;
  outputs.clear();
  step(state, input, outputs);
  return outputs.messages.map((sent) => sent.kind);
}

describe("a backup", () => {
  test("acknowledges an entry only when its fsync has ended", () => {
    const backup = new ReplicaState(1, configuration);
    expect(act(backup, INPUT.message, prepare(0, 0, 0, first))).toEqual([]);
    expect(backup.job).toBe(JOB.writeLog);
    expect(act(backup, INPUT.diskDone, null)).toEqual([]);
    expect(backup.job).toBe(JOB.syncLog);
    expect(act(backup, INPUT.diskDone, null)).toEqual([MESSAGE.prepareOk]);
  });

  test("with the canary it does not wait", () => {
    const backup = new ReplicaState(1, { ...configuration, bugs: { skipFsync: true } });
    act(backup, INPUT.message, prepare(0, 0, 0, first));
    expect(act(backup, INPUT.diskDone, null)).toEqual([MESSAGE.prepareOk]);
  });

  test("asks for entries that it lacks", () => {
    const backup = new ReplicaState(1, configuration);
    const second = entryAfter(first, 0, new Operation(OPERATION.register, 0, 0, 1, 0, 0));
    expect(act(backup, INPUT.message, prepare(0, 0, 0, second))).toEqual([MESSAGE.getState]);
    expect(backup.op).toBe(0);
  });

  test("says nothing of a new view before the view is on its disk", () => {
    const backup = new ReplicaState(1, configuration);
    expect(act(backup, INPUT.timer, null)).toEqual([]);
    expect(act(backup, INPUT.diskDone, null)).toEqual([]);
    expect(act(backup, INPUT.diskDone, null)).toEqual([MESSAGE.startViewChange]);
    expect(backup.durable.view).toBe(1);
  });
});

describe("a primary", () => {
  test("commits with its own fsync and one acknowledgement, not before", () => {
    const primary = new ReplicaState(0, configuration);
    expect(act(primary, INPUT.message, request(3, operation))).toEqual([MESSAGE.prepare]);
    expect(act(primary, INPUT.message, prepareOk(1, 0, 1))).toEqual([]);
    act(primary, INPUT.diskDone, null);
    expect(primary.commit).toBe(0);
    expect(act(primary, INPUT.diskDone, null)).toEqual([MESSAGE.reply]);
    expect(primary.commit).toBe(1);
  });

  test("does not count an acknowledgement of another view", () => {
    const primary = new ReplicaState(0, configuration);
    act(primary, INPUT.message, request(3, operation));
    act(primary, INPUT.diskDone, null);
    act(primary, INPUT.diskDone, null);
    act(primary, INPUT.message, prepareOk(1, 3, 1));
    expect(primary.commit).toBe(0);
    act(primary, INPUT.message, prepareOk(1, 0, 1));
    expect(primary.commit).toBe(1);
  });

  test("numbers a request once, and repeats the answer to one that was executed", () => {
    const primary = new ReplicaState(0, configuration);
    act(primary, INPUT.message, request(3, operation));
    expect(act(primary, INPUT.message, request(3, operation))).toEqual([]);
    act(primary, INPUT.diskDone, null);
    act(primary, INPUT.diskDone, null);
    act(primary, INPUT.message, prepareOk(1, 0, 1));
    expect(act(primary, INPUT.message, request(3, operation))).toEqual([MESSAGE.reply]);
    expect(primary.op).toBe(1);
  });
});

describe("starting from a disk", () => {
  const start = (replica: number, slot: typeof first, view = 0): { state: ReplicaState; outputs: Outputs } => {
    const outputs = new Outputs();
    const superblock = new Superblock(1, view, 0, 0);
    const content = { slots: [null, slot], superblocks: [superblock, superblock] };
    return { state: startReplica(replica, configuration, content, 0, 7, outputs).state, outputs };
  };

  test("a primary never goes on in its old view", () => {
    const { state } = start(0, first);
    expect([state.status, state.view, state.op]).toEqual([STATUS.viewChange, 1, 1]);
  });

  test("a backup goes on with what is on its disk", () => {
    const { state } = start(1, first);
    expect([state.status, state.view, state.op]).toEqual([STATUS.normal, 0, 1]);
  });

  test("a view change that was under way goes on", () => {
    const { state, outputs } = start(2, first, 4);
    expect([state.status, state.view]).toEqual([STATUS.viewChange, 4]);
    expect(outputs.messages.map(({ kind }) => kind)).toEqual([MESSAGE.startViewChange]);
  });

  test("with a bad disk it takes part in nothing until the primary of the newest view has answered", () => {
    const { state, outputs } = start(1, corrupted(first, 0));
    expect(outputs.messages.map(({ kind, nonce }) => [kind, nonce])).toEqual([[MESSAGE.recovery, 7]]);
    expect(act(state, INPUT.message, startViewChange(2, 1))).toEqual([]);
    expect(act(state, INPUT.message, prepare(0, 0, 0, first))).toEqual([]);
    act(state, INPUT.message, recoveryResponse(2, 0, 7, 1, 0, null));
    expect(state.status).toBe(STATUS.recovering);
    act(state, INPUT.message, recoveryResponse(0, 0, 6, 1, 1, [ROOT, first]));
    expect(state.status).toBe(STATUS.recovering);
    act(state, INPUT.message, recoveryResponse(0, 0, 7, 1, 1, [ROOT, first]));
    expect([state.status, state.op, state.commit]).toEqual([STATUS.normal, 1, 1]);
    expect(state.job).toBe(JOB.writeLog);
  });

  test("the answer of the primary alone is not enough: it may be the primary of an old view", () => {
    const { state } = start(1, corrupted(first, 0));
    act(state, INPUT.message, recoveryResponse(0, 0, 7, 1, 1, [ROOT, first]));
    expect(state.status).toBe(STATUS.recovering);
    act(state, INPUT.message, recoveryResponse(2, 3, 7, 1, 1, null));
    expect(state.status).toBe(STATUS.recovering);
    act(state, INPUT.message, recoveryResponse(0, 3, 7, 1, 1, [ROOT, first]));
    expect([state.status, state.view]).toEqual([STATUS.normal, 3]);
  });

  test("recovering, it does not accept a view older than its promise", () => {
    const { state } = start(1, corrupted(first, 0), 2);
    act(state, INPUT.message, recoveryResponse(2, 0, 7, 1, 0, null));
    act(state, INPUT.message, recoveryResponse(0, 0, 7, 1, 0, [ROOT, first]));
    expect(state.status).toBe(STATUS.recovering);
    const healthy = new ReplicaState(0, configuration);
    act(healthy, INPUT.message, recovery(1, 2, 7));
    expect([healthy.status, healthy.view]).toEqual([STATUS.viewChange, 2]);
  });

  test("without an intact superblock it refuses to start", () => {
    const outputs = new Outputs();
    const bad = new Superblock(1, 0, 0, 0, 12345);
    startReplica(0, configuration, { slots: [null], superblocks: [bad, bad] }, 0, 7, outputs);
    expect(outputs.panic).toBe("no copy of the superblock is intact: the promises of this replica are lost");
  });
});
