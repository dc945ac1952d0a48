import { describe, expect, test } from "@jest/globals";
import { OPERATION, Operation } from "../database/operation.ts";
import { spoiledCheckpoint } from "./checkpoint.ts";
import { FORGOTTEN, ROOT, Superblock, corrupted, entryAfter } from "./log.ts";
import {
  MESSAGE,
  checkpointMessage,
  entriesMessage,
  evicted,
  getState,
  newState,
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
  database: { tenants: 1, keysPerTenant: 1, clients: 2, sessions: 2 },
  checkpointInterval: 0,
  timeouts: DEFAULT_TIMEOUTS,
  bugs: NO_BUGS,
};
const operation = new Operation(OPERATION.register, 0, 0, 0, 0, 0, 0);
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

/** Lets the disk end all that it was given. */
function finishDisk(state: ReplicaState): void {
  while (state.job !== JOB.none) act(state, INPUT.diskDone, null);
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
    const backup = new ReplicaState(1, { ...configuration, bugs: { ...NO_BUGS, skipFsync: true } });
    act(backup, INPUT.message, prepare(0, 0, 0, first));
    expect(act(backup, INPUT.diskDone, null)).toEqual([MESSAGE.prepareOk]);
  });

  test("asks for entries that it lacks", () => {
    const backup = new ReplicaState(1, configuration);
    const second = entryAfter(first, 0, new Operation(OPERATION.register, 0, 0, 1, 0, 0, 0));
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
    const content = { slots: [null, slot], superblocks: [superblock, superblock], checkpoints: [null, null] };
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
    act(state, INPUT.message, recoveryResponse(2, 0, 7, 0, first));
    expect(state.status).toBe(STATUS.recovering);
    act(state, INPUT.message, recoveryResponse(0, 0, 6, 1, first));
    expect(state.status).toBe(STATUS.recovering);
    expect(act(state, INPUT.message, recoveryResponse(0, 0, 7, 1, first))).toEqual([MESSAGE.requestEntries]);
    act(state, INPUT.message, entriesMessage(2, 0, [corrupted(first, 0)]));
    expect(state.status).toBe(STATUS.recovering);
    act(state, INPUT.message, entriesMessage(2, 0, [first]));
    expect([state.status, state.op, state.commit]).toEqual([STATUS.normal, 1, 1]);
    expect(state.job).toBe(JOB.writeLog);
  });

  test("the answer of the primary alone is not enough: it may be the primary of an old view", () => {
    const { state } = start(1, corrupted(first, 0));
    act(state, INPUT.message, recoveryResponse(0, 0, 7, 1, first));
    expect(state.status).toBe(STATUS.recovering);
    act(state, INPUT.message, recoveryResponse(2, 3, 7, 1, first));
    expect(state.status).toBe(STATUS.recovering);
    act(state, INPUT.message, recoveryResponse(0, 3, 7, 1, first));
    act(state, INPUT.message, entriesMessage(0, 3, [first]));
    expect([state.status, state.view]).toEqual([STATUS.normal, 3]);
  });

  test("recovering, it does not accept a view older than its promise", () => {
    const { state } = start(1, corrupted(first, 0), 2);
    act(state, INPUT.message, recoveryResponse(2, 0, 7, 0, first));
    act(state, INPUT.message, recoveryResponse(0, 0, 7, 0, first));
    expect(state.status).toBe(STATUS.recovering);
    const healthy = new ReplicaState(0, configuration);
    act(healthy, INPUT.message, recovery(1, 2, 7));
    expect([healthy.status, healthy.view]).toEqual([STATUS.viewChange, 2]);
  });

  test("without an intact superblock it refuses to start", () => {
    const outputs = new Outputs();
    const bad = new Superblock(1, 0, 0, 0, 0, 0, 12345);
    startReplica(
      0,
      configuration,
      { slots: [null], superblocks: [bad, bad], checkpoints: [null, null] },
      0,
      7,
      outputs,
    );
    expect(outputs.panic).toBe("no copy of the superblock is intact: the promises of this replica are lost");
  });
});

describe("catching up", () => {
  const register = (client: number, request: number): Operation =>
    new Operation(OPERATION.register, 0, 0, client, request, 0, 0);
  /** A primary that has committed `length` operations and keeps a checkpoint every second one. */
  function primaryWith(length: number): ReplicaState {
    const primary = new ReplicaState(0, { ...configuration, checkpointInterval: 2 });
    for (let op = 1; op <= length; op++) {
      act(primary, INPUT.message, request(3, register(0, op)));
      finishDisk(primary);
      act(primary, INPUT.message, prepareOk(1, 0, op));
      finishDisk(primary);
    }
    return primary;
  }

  test("a checkpoint lets the log below the one before it be forgotten", () => {
    const primary = primaryWith(5);
    expect([primary.commit, primary.durable.checkpointOp, primary.base]).toEqual([5, 4, 2]);
    expect(primary.log.slice(0, 2)).toEqual([FORGOTTEN, FORGOTTEN]);
  });

  test("entries that are there are sent; what is forgotten comes as a checkpoint", () => {
    const primary = primaryWith(5);
    const backup = new ReplicaState(1, { ...configuration, checkpointInterval: 2 });
    const outputs = new Outputs();
    act(primary, INPUT.message, getState(1, 0, 4, true), outputs);
    expect(outputs.messages[0]!.log).toEqual(primary.log.slice(4));
    // The backup has nothing: it is told where the log ends, and fetches it from there downwards.
    act(primary, INPUT.message, getState(1, 0, 1, true), outputs);
    expect(outputs.messages[0]!.log).toBe(null);
    act(backup, INPUT.message, outputs.messages[0]!, outputs);
    expect(outputs.messages.map(({ kind, op }) => [kind, op])).toEqual([[MESSAGE.requestEntries, 5]]);
    act(primary, INPUT.message, outputs.messages[0]!, outputs);
    expect(outputs.messages.map(({ kind }) => kind)).toEqual([MESSAGE.checkpoint, MESSAGE.entries]);
    const [checkpoint, entries] = [...outputs.messages];
    act(backup, INPUT.message, checkpoint!);
    act(backup, INPUT.message, entries!);
    expect([backup.op, backup.commit, backup.base]).toEqual([5, 5, 4]);
    expect(backup.database.recomputedHash()).toEqual(primary.database.recomputedHash());
    // It votes only once it could say the same after a crash.
    const kinds: number[] = [];
    const jobs: number[] = [];
    for (; kinds.length === 0 && jobs.length < 9; jobs.push(backup.job))
      kinds.push(...act(backup, INPUT.diskDone, null));
    expect([kinds, backup.durable.checkpointOp]).toEqual([[MESSAGE.prepareOk], 4]);
  });

  test("a spoiled checkpoint is not taken", () => {
    const primary = primaryWith(5);
    const backup = new ReplicaState(1, { ...configuration, checkpointInterval: 2 });
    act(backup, INPUT.message, newState(0, 0, 1, 5, primary.newest, null));
    act(backup, INPUT.message, checkpointMessage(0, 0, spoiledCheckpoint(primary.checkpoint!)));
    expect([backup.commit, backup.repair!.checkpoint]).toEqual([0, null]);
  });

  test("a client whose session was taken is told so, and not one whose session is not known yet", () => {
    const primary = primaryWith(3);
    const write = (session: number): Operation => new Operation(OPERATION.write, 0, 8, 1, 1, session, 0);
    const outputs = new Outputs();
    act(primary, INPUT.message, request(4, write(2)), outputs);
    expect(outputs.messages).toEqual([evicted(0, 0, 2)]);
    expect(act(primary, INPUT.message, request(4, write(9)))).toEqual([]);
  });
});
