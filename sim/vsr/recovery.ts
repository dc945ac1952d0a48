/**
 * Starting from a disk, and recovering from one that lost what was acknowledged ("Viewstamped Replication
 * Revisited" section 4.3; why a bad disk needs a protocol: Alagappan et al., "Protocol-Aware Recovery for
 * Consensus-Based Storage", FAST 2018).
 *
 * The view number survives in the superblock, so a recovering replica never falls behind its own promises
 * (without that the protocol is unsafe: Michael et al., "Recovering Shared Objects Without Stable
 * Storage", DISC 2017). It takes part in nothing until it has the log of the newest view on its disk.
 */
import { isIntactCheckpoint, type Checkpoint } from "./checkpoint.ts";
import { writeJournal } from "./journal.ts";
import { Superblock, isIntactSuperblock, newestSuperblock, readLog, type LogContent } from "./log.ts";
import { recovery, recoveryResponse, type Message } from "./messages.ts";
import { heardFromPrimary } from "./standing.ts";
import { adoptCheckpoint } from "./adopt.ts";
import { REPAIR_FOR } from "./repair-state.ts";
import { beginRepair } from "./repairing.ts";
import {
  ReplicaState,
  STATUS,
  faultsTolerated,
  isPrimary,
  primaryOf,
  type Outputs,
  type ReplicaConfiguration,
} from "./state.ts";
import { advanceViewChange, beginViewChange } from "./view-change.ts";

/** What a replica reads from its disk when it starts. */
export interface DiskContent extends LogContent {
  readonly superblocks: readonly Superblock[];
  /** Two areas; the superblock names one of them. */
  readonly checkpoints: readonly (Checkpoint | null)[];
}

export interface Start {
  readonly state: ReplicaState;
  /** True when the log on disk cannot be trusted and the recovery protocol was begun. */
  readonly recovering: boolean;
}

/**
 * A replica as it comes up again from what is on its disk. `nonce` was never used before. (A replica that
 * starts for the first time, on a formatted disk, is `new ReplicaState`.)
 */
export function startReplica(
  replica: number,
  configuration: ReplicaConfiguration,
  content: DiskContent,
  nowUs: number,
  nonce: number,
  outputs: Outputs,
): Start {
  const state = new ReplicaState(replica, configuration);
  state.nowUs = nowUs;
  const superblock = newestSuperblock(content.superblocks);
  if (superblock === undefined) {
    outputs.panic = "no copy of the superblock is intact: the promises of this replica are lost";
    return { state, recovering: true };
  }
  state.nonce = nonce;
  state.durable = superblock;
  state.superblockRepairNeeded = content.superblocks.some(
    (copy) => copy.sequence !== superblock.sequence || !isIntactSuperblock(copy),
  );
  state.view = superblock.view;
  state.logView = superblock.logView;
  state.head = superblock.head;
  const checkpoint = checkpointOf(state, content, outputs);
  if (checkpoint === undefined) {
    // The superblock must not name what cannot be read.
    const { sequence, view, logView, head, checkpointArea } = superblock;
    state.durable = new Superblock(sequence, view, logView, head, 0, checkpointArea);
    state.superblockRepairNeeded = true;
    beginRecovery(state, content.slots.length - 1, outputs);
    return { state, recovering: true };
  }
  const { log, corrupt } = readLog(content, superblock, checkpoint?.anchor);
  if (corrupt) {
    beginRecovery(state, content.slots.length - 1, outputs);
    return { state, recovering: true };
  }
  state.log = log;
  state.syncedOp = state.op;
  state.dirtyOp = state.op + 1;
  // The log may be shorter than when it was installed: it was being replaced when the replica stopped.
  state.head = Math.min(state.head, state.op);
  if (state.view > state.logView) {
    beginViewChange(state, state.view);
  } else if (isPrimary(state)) {
    // It may have sent prepares that its own disk lost: it must not number requests in this view again.
    beginViewChange(state, state.view + 1);
  } else {
    state.acknowledgedOp = state.syncedOp;
    heardFromPrimary(state);
  }
  advanceViewChange(state, outputs);
  writeJournal(state, outputs);
  return { state, recovering: false };
}

/** The checkpoint that the superblock names, adopted; null when it names none, undefined when it cannot be read. */
function checkpointOf(state: ReplicaState, content: DiskContent, outputs: Outputs): Checkpoint | null | undefined {
  const { checkpointOp, checkpointArea } = state.durable;
  if (checkpointOp === 0) return null;
  const checkpoint = content.checkpoints[checkpointArea] ?? null;
  if (checkpoint?.op !== checkpointOp || !isIntactCheckpoint(checkpoint)) return undefined;
  adoptCheckpoint(state, checkpoint, outputs);
  state.checkpoint = checkpoint;
  state.pendingCheckpoint = null;
  return checkpoint;
}

function beginRecovery(state: ReplicaState, lastSlot: number, outputs: Outputs): void {
  state.status = STATUS.recovering;
  state.syncedOp = state.base;
  state.dirtyOp = state.base + 1;
  state.clearTo = lastSlot;
  resendRecovery(state, outputs);
}

export function resendRecovery(state: ReplicaState, outputs: Outputs): void {
  state.resendAtUs = state.nowUs + state.configuration.timeouts.resendUs;
  outputs.broadcast(recovery(state.replica, state.view, state.nonce));
}

export function onRecovery(state: ReplicaState, message: Message, outputs: Outputs): void {
  if (state.status !== STATUS.normal) return;
  if (message.view > state.view) {
    // The sender promised not to go back; the others must come to its view, or a newer one.
    beginViewChange(state, message.view);
    return;
  }
  const response = recoveryResponse(state.replica, state.view, message.nonce, state.commit, state.newest);
  outputs.send(message.from, response);
}

/** Section 4.3: f + 1 answers, among them one of the primary of the newest view in them. */
export function onRecoveryResponse(state: ReplicaState, message: Message, outputs: Outputs): void {
  if (state.status !== STATUS.recovering || message.nonce !== state.nonce) return;
  const earlier = state.recoveryResponses[message.from];
  if (earlier !== null && earlier !== undefined && earlier.view > message.view) return;
  state.recoveryResponses[message.from] = message;
  let answers = 0;
  let newestView = state.view;
  for (const response of state.recoveryResponses) {
    if (response === null) continue;
    answers += 1;
    newestView = Math.max(newestView, response.view);
  }
  if (state.configuration.bugs.recoversFromAnyone) {
    if (state.repair === null) beginRepair(state, REPAIR_FOR.recovery, message, outputs);
    return;
  }
  const primary = primaryOf(newestView, state.configuration.replicaCount);
  const answer = state.recoveryResponses[primary] ?? null;
  if (answers <= faultsTolerated(state) || answer?.view !== newestView) return;
  // Under way already, unless the newest view has grown since.
  if (state.repair !== null && state.repair.view >= newestView) return;
  beginRepair(state, REPAIR_FOR.recovery, answer, outputs);
}
