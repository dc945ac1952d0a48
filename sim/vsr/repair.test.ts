/** A log put together from its end downwards, on what a replica has itself. */
import { expect, test } from "@jest/globals";
import { Database } from "../database/database.ts";
import { OPERATION, Operation } from "../database/operation.ts";
import { adoptCheckpoint } from "./adopt.ts";
import { Checkpoint } from "./checkpoint.ts";
import { ROOT, entryAfter, type Entry } from "./log.ts";
import { assemble, takeEntries } from "./repair.ts";
import { REPAIR_FOR, Repair } from "./repair-state.ts";
import { DEFAULT_TIMEOUTS, NO_BUGS, Outputs, ReplicaState } from "./state.ts";

const CHECKPOINT_OP = 32;
const HEAD_OP = 40;
const database = { tenants: 1, keysPerTenant: 4, clients: 1, sessions: 1 };

/** A history up to `HEAD_OP`, of writes of this value. */
function history(value: number): Entry[] {
  const entries = [ROOT];
  for (let op = 1; op <= HEAD_OP; op++) {
    entries.push(entryAfter(entries[op - 1]!, 1, new Operation(OPERATION.write, 0, value, 0, op, 1, 0)));
  }
  return entries;
}

/** A replica that stands on the checkpoint and has nothing above it. */
function behind(entries: readonly Entry[]): ReplicaState {
  const configuration = {
    replicaCount: 3,
    database,
    checkpointInterval: CHECKPOINT_OP,
    timeouts: DEFAULT_TIMEOUTS,
    bugs: NO_BUGS,
  };
  const state = new ReplicaState(2, configuration);
  const checkpoint = new Checkpoint(entries[CHECKPOINT_OP]!, new Database(database, NO_BUGS));
  adoptCheckpoint(state, checkpoint, new Outputs());
  return state;
}

const ours = history(8);
const repairTo = (entry: Entry): Repair => new Repair(REPAIR_FOR.newState, 7, HEAD_OP, entry, 1);

test("entries from below the checkpoint, asked for before it came, are left alone", () => {
  const state = behind(ours);
  const repair = repairTo(ours[HEAD_OP]!);
  expect(takeEntries(state, repair, ours.slice(CHECKPOINT_OP - 8))).toBe(true);
  expect(repair.collected.map(({ op }) => op)).toEqual([40, 39, 38, 37, 36, 35, 34, 33]);
  expect(assemble(state, repair)).toEqual({
    log: [...state.log, ...ours.slice(CHECKPOINT_OP + 1)],
    checkpoint: null,
  });
});

test("a log that differs from what is committed here is a conflict, wherever the difference is", () => {
  const state = behind(ours);
  const others = history(16);
  const repair = repairTo(others[HEAD_OP]!);
  expect(takeEntries(state, repair, others.slice(CHECKPOINT_OP + 1))).toBe(true);
  expect(assemble(state, repair)).toBe("conflict");
});

test("nothing is taken that was not asked for", () => {
  const state = behind(ours);
  const repair = repairTo(ours[HEAD_OP]!);
  expect(takeEntries(state, repair, ours.slice(CHECKPOINT_OP, HEAD_OP))).toBe(false);
  expect(takeEntries(state, repair, history(16))).toBe(false);
  expect(assemble(state, repair)).toBe("missing");
});
