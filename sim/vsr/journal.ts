/**
 * The journal: which write goes to the disk next, so that a promise is never sent before it is durable.
 *
 * One job at a time, in this order:
 *   1. a view number that grew (before StartViewChange, DoViewChange, and before the log of an older view
 *      is overwritten);
 *   2. log entries;
 *   3. the log view, once the whole log installed for it is synced (before any vote in that view).
 * A job is a write and then an fsync; entries appended meanwhile go together in the next one.
 */
import { Superblock, isSame, type Entry } from "./log.ts";
import { JOB, STATUS, type Outputs, type ReplicaState } from "./state.ts";

/** Starts the next job, if none is running and there is something to write. */
export function writeJournal(state: ReplicaState, outputs: Outputs): void {
  // A recovering replica leaves its disk as it is until it has a log to put there.
  if (state.job !== JOB.none || state.status === STATUS.recovering) return;
  const installedLogSynced = state.syncedOp >= state.head && state.clearTo === 0;
  const logViewGrew = state.logView !== state.durable.logView && installedLogSynced;
  if (state.view !== state.durable.view || logViewGrew || state.superblockRepairNeeded) {
    const logView = installedLogSynced ? state.logView : state.durable.logView;
    const head = installedLogSynced ? state.head : state.durable.head;
    const superblock = new Superblock(state.durable.sequence + 1, state.view, logView, head);
    state.job = JOB.writeSuperblock;
    state.jobSuperblock = superblock;
    outputs.diskJob = JOB.writeSuperblock;
    outputs.diskSuperblock = superblock;
  } else if (state.dirtyOp <= state.op || state.clearTo > 0) {
    state.job = JOB.writeLog;
    state.jobOp = state.op;
    state.jobClearTo = state.clearTo;
    outputs.diskJob = JOB.writeLog;
    outputs.diskFirstOp = state.dirtyOp;
    outputs.diskEntries = state.log.slice(state.dirtyOp);
    for (let op = state.op + 1; op <= state.clearTo; op++) outputs.diskEntries.push(null);
    state.dirtyOp = state.op + 1;
  }
}

/** A write or an fsync has ended. True when something is durable that was not before. */
export function onDiskDone(state: ReplicaState, outputs: Outputs): boolean {
  switch (state.job) {
    case JOB.writeLog:
      if (state.configuration.bugs.skipFsync) return logIsDurable(state);
      state.job = JOB.syncLog;
      outputs.diskJob = JOB.syncLog;
      return false;
    case JOB.writeSuperblock:
      state.job = JOB.syncSuperblock;
      outputs.diskJob = JOB.syncSuperblock;
      return false;
    case JOB.syncLog:
      return logIsDurable(state);
    case JOB.syncSuperblock:
      state.job = JOB.none;
      state.durable = state.jobSuperblock!;
      state.jobSuperblock = null;
      state.superblockRepairNeeded = false;
      return true;
    default:
      throw new Error("the disk finished a job that was not running");
  }
}

function logIsDurable(state: ReplicaState): boolean {
  state.job = JOB.none;
  state.syncedOp = Math.max(state.syncedOp, state.jobOp);
  if (state.jobClearTo > 0 && state.jobClearTo === state.clearTo) state.clearTo = 0;
  return true;
}

/**
 * Replaces the log by that of `view`. Only slots that differ are written again, all of them after a
 * recovery (`rewriteAll`), because then the disk is not to be trusted.
 *
 * Returns false, and changes nothing, when a committed operation would be undone.
 */
export function installLog(state: ReplicaState, log: readonly Entry[], view: number, rewriteAll: boolean): boolean {
  const shared = Math.min(state.log.length, log.length);
  let firstDifferent = 1;
  while (firstDifferent < shared && isSame(state.log[firstDifferent]!, log[firstDifferent]!)) firstDifferent += 1;
  if (firstDifferent <= state.commit) return false;
  const firstDirty = rewriteAll ? 1 : firstDifferent;
  state.log = log.slice();
  state.view = view;
  state.logView = view;
  state.head = log.length - 1;
  state.dirtyOp = Math.min(state.dirtyOp, firstDirty);
  state.syncedOp = Math.min(state.syncedOp, firstDirty - 1);
  // What the running job still writes of the old log does not count.
  state.jobOp = Math.min(state.jobOp, firstDirty - 1);
  return true;
}
