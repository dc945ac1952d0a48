/**
 * The journal: which write goes to the disk next, so that a promise is never sent before it is durable.
 *
 * One job at a time, in this order:
 *   1. a view number that grew (before StartViewChange, DoViewChange, and before the log of an older view
 *      is overwritten);
 *   2. log entries;
 *   3. a checkpoint, to the area that the superblock does not name, and then the superblock that names it;
 *   4. the log view, once the whole log installed for it is synced (before any vote in that view).
 * A job is a write and then an fsync; entries appended meanwhile go together in the next one.
 */
import { adoptCheckpoint, forgetBelow } from "./adopt.ts";
import { Superblock, isSame, type Entry } from "./log.ts";
import type { RepairedLog } from "./repair.ts";
import { JOB, STATUS, type Outputs, type ReplicaState } from "./state.ts";

/** Starts the next job, if none is running and there is something to write. */
export function writeJournal(state: ReplicaState, outputs: Outputs): void {
  // A recovering replica leaves its disk as it is until it has a log to put there.
  if (state.job !== JOB.none || state.status === STATUS.recovering) return;
  const viewGrew = state.view !== state.durable.view;
  if (viewGrew || state.superblockRepairNeeded) {
    writeSuperblock(state, outputs);
  } else if (state.dirtyOp <= state.op || state.clearTo > 0) {
    writeEntries(state, outputs);
  } else if (state.pendingCheckpoint !== null) {
    writeCheckpoint(state, outputs);
  } else if (state.checkpointWritten || (state.logView !== state.durable.logView && isInstalledLogSynced(state))) {
    writeSuperblock(state, outputs);
  }
}

function isInstalledLogSynced(state: ReplicaState): boolean {
  const onCheckpoint = state.checkpointWritten ? state.jobCheckpoint!.op : state.durable.checkpointOp;
  return state.syncedOp >= state.head && state.clearTo === 0 && onCheckpoint >= state.base;
}

function writeSuperblock(state: ReplicaState, outputs: Outputs): void {
  const { durable } = state;
  const installed = isInstalledLogSynced(state);
  const logView = installed ? state.logView : durable.logView;
  const head = installed ? state.head : durable.head;
  const written = state.checkpointWritten ? state.jobCheckpoint : null;
  const superblock = new Superblock(
    durable.sequence + 1,
    state.view,
    logView,
    head,
    written === null ? durable.checkpointOp : written.op,
    written === null ? durable.checkpointArea : 1 - durable.checkpointArea,
  );
  state.job = JOB.writeSuperblock;
  state.jobSuperblock = superblock;
  outputs.diskJob = JOB.writeSuperblock;
  outputs.diskSuperblock = state.configuration.bugs.forgetsView ? withoutPromise(superblock) : superblock;
}

/** Canary: the last view that was normal instead of the one promised. */
function withoutPromise({ sequence, logView, head, checkpointOp, checkpointArea }: Superblock): Superblock {
  return new Superblock(sequence, logView, logView, head, checkpointOp, checkpointArea);
}

function writeEntries(state: ReplicaState, outputs: Outputs): void {
  state.job = JOB.writeLog;
  state.jobOp = state.op;
  state.jobClearTo = state.clearTo;
  outputs.diskJob = JOB.writeLog;
  outputs.diskFirstOp = state.dirtyOp;
  outputs.diskEntries = state.log.slice(state.dirtyOp);
  if (state.configuration.bugs.skipsSlots) skipSlots(outputs);
  for (let op = state.op + 1; op <= state.clearTo; op++) outputs.diskEntries.push(null);
  state.dirtyOp = state.op + 1;
}

/** Canary: the last entry of a write stays where it is, if its number is a multiple of eight. */
function skipSlots(outputs: Outputs): void {
  const { diskEntries } = outputs;
  if ((diskEntries.at(-1)?.op ?? 1) % 8 === 0) diskEntries.pop();
}

function writeCheckpoint(state: ReplicaState, outputs: Outputs): void {
  state.job = JOB.writeCheckpoint;
  state.jobCheckpoint = state.pendingCheckpoint;
  state.pendingCheckpoint = null;
  outputs.diskJob = JOB.writeCheckpoint;
  outputs.diskCheckpoint = state.jobCheckpoint;
  outputs.diskArea = 1 - state.durable.checkpointArea;
}

/** A write or an fsync has ended. True when something is durable that was not before. */
export function onDiskDone(state: ReplicaState, outputs: Outputs): boolean {
  switch (state.job) {
    case JOB.writeLog:
      if (state.configuration.bugs.skipFsync) return logIsDurable(state);
      return sync(state, JOB.syncLog, outputs);
    case JOB.writeSuperblock:
      return sync(state, JOB.syncSuperblock, outputs);
    case JOB.writeCheckpoint:
      return sync(state, JOB.syncCheckpoint, outputs);
    case JOB.syncLog:
      return logIsDurable(state);
    case JOB.syncCheckpoint:
      state.job = JOB.none;
      state.checkpointWritten = true;
      return false;
    case JOB.syncSuperblock:
      superblockIsDurable(state, outputs);
      return true;
    default:
      throw new Error("the disk finished a job that was not running");
  }
}

function sync(state: ReplicaState, job: number, outputs: Outputs): boolean {
  state.job = job;
  outputs.diskJob = job;
  return false;
}

function logIsDurable(state: ReplicaState): boolean {
  state.job = JOB.none;
  state.syncedOp = Math.max(state.syncedOp, state.jobOp);
  if (state.jobClearTo > 0 && state.jobClearTo === state.clearTo) state.clearTo = 0;
  return true;
}

/** A new checkpoint makes the log below the one before it needless. */
function superblockIsDurable(state: ReplicaState, outputs: Outputs): void {
  state.job = JOB.none;
  const before = state.durable.checkpointOp;
  state.durable = state.jobSuperblock!;
  state.jobSuperblock = null;
  state.superblockRepairNeeded = false;
  if (state.durable.checkpointOp === before) return;
  state.checkpoint = state.jobCheckpoint;
  state.jobCheckpoint = null;
  state.checkpointWritten = false;
  forgetBelow(state, before);
  outputs.diskTrimTo = state.durable.checkpointOp;
}

/**
 * Replaces the log by that of `view`. Only slots that differ are written again, all of them after a
 * recovery (`rewriteAll`), because then the disk is not to be trusted.
 *
 * Returns false, and changes nothing, when a committed operation would be undone.
 */
export function installLog(
  state: ReplicaState,
  { log, checkpoint }: RepairedLog,
  view: number,
  rewriteAll: boolean,
  outputs: Outputs,
): boolean {
  let firstDifferent = checkpoint === null ? state.base + 1 : checkpoint.op + 1;
  if (checkpoint === null) {
    const shared = Math.min(state.log.length, log.length);
    while (firstDifferent < shared && isSame(state.log[firstDifferent]!, log[firstDifferent]!)) firstDifferent += 1;
    if (firstDifferent <= state.commit) return false;
  } else {
    adoptCheckpoint(state, checkpoint, outputs);
  }
  const firstDirty = rewriteAll ? state.base + 1 : firstDifferent;
  replaceLog(state, log, view, firstDirty);
  outputs.installed = true;
  return true;
}

function replaceLog(state: ReplicaState, log: Entry[], view: number, firstDirty: number): void {
  state.log = log;
  state.view = view;
  state.logView = view;
  state.head = log.length - 1;
  // Never below the base: what a checkpoint stands for is not written again.
  state.dirtyOp = Math.max(Math.min(state.dirtyOp, firstDirty), state.base + 1);
  state.syncedOp = Math.min(state.syncedOp, firstDirty - 1);
  // What the running job still writes of the old log does not count.
  state.jobOp = Math.min(state.jobOp, firstDirty - 1);
}
