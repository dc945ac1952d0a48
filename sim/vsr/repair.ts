/**
 * Log repair: a replica learns the end of a log (its number and its hash, in a DoViewChange, a StartView, a
 * NewState or a RecoveryResponse) and fetches from the others the entries it lacks.
 *
 * The hash of an entry vouches for all before it. So a log is put together from its end downwards: the
 * entry of the known hash names the hash of the one before, until an entry is reached that this replica has,
 * or the anchor of a checkpoint that another one sends, because it has forgotten what is below. Any replica
 * may serve any entry: what arrives either has the hash that was asked for, or is thrown away.
 */
import { isIntactCheckpoint, type Checkpoint } from "./checkpoint.ts";
import { FORGOTTEN, isIntact, isSame, type Entry } from "./log.ts";
import type { Repair } from "./repair-state.ts";
import {
  MAX_ENTRIES_PER_MESSAGE,
  checkpointMessage,
  entriesMessage,
  requestEntries,
  type Head,
  type Message,
} from "./messages.ts";
import { STATUS, type Outputs, type ReplicaState } from "./state.ts";

function matches(entry: Entry | undefined, head: Head): boolean {
  return entry !== undefined && entry.hashLow === head.hashLow && entry.hashHigh === head.hashHigh;
}

/** A log as it was put together, and what it stands on. */
export interface RepairedLog {
  readonly log: Entry[];
  readonly checkpoint: Checkpoint | null;
}

/**
 * How far the repair is: the whole log, "missing" while entries are, or "conflict" when it would undo what
 * is committed here.
 */
export function assemble(state: ReplicaState, repair: Repair): RepairedLog | "missing" | "conflict" {
  const { wanted, checkpoint, collected } = repair;
  if (meetsOwnLog(state, repair)) {
    if (repair.head.op < state.commit) return "conflict";
    return { log: state.log.slice(0, wanted.op + 1).concat(collected.toReversed()), checkpoint: null };
  }
  if (checkpoint !== null && checkpoint.op > state.commit) {
    const kept = repair.head.op - checkpoint.op;
    const standsOnIt =
      kept < collected.length ? isSame(collected[kept]!, checkpoint.anchor) : matches(checkpoint.anchor, wanted);
    if (standsOnIt && kept <= collected.length) {
      const log = new Array<Entry>(checkpoint.op).fill(FORGOTTEN);
      log.push(checkpoint.anchor, ...collected.slice(0, kept).reverse());
      return { log, checkpoint };
    }
  }
  return wanted.op <= state.commit ? "conflict" : "missing";
}

/** Asks for what is needed next; everybody, if `everybody`. */
export function askForEntries(state: ReplicaState, repair: Repair, everybody: boolean, outputs: Outputs): void {
  const message = requestEntries(state.replica, repair.view, state.commit + 1, repair.wanted);
  if (everybody || repair.source === state.replica) outputs.broadcast(message);
  else outputs.send(repair.source, message);
}

/** Serves entries, or the checkpoint when they are forgotten. Not while recovering: what is here is not trusted. */
export function onRequestEntries(state: ReplicaState, message: Message, outputs: Outputs): void {
  if (state.status === STATUS.recovering || message.from === state.replica) return;
  const { op, commit: firstOp } = message;
  const { checkpoint } = state;
  if (firstOp <= state.base && checkpoint !== null) {
    outputs.send(message.from, checkpointMessage(state.replica, message.view, checkpoint));
  }
  if (op <= state.base || !matches(state.log[op], message)) return;
  const from = Math.max(firstOp, state.base + 1, op - MAX_ENTRIES_PER_MESSAGE + 1);
  outputs.send(message.from, entriesMessage(state.replica, message.view, state.log.slice(from, op + 1)));
}

/** True when the entry that the repair needs next is here. */
function meetsOwnLog(state: ReplicaState, { wanted }: Repair): boolean {
  return wanted.op >= state.base && matches(state.log[wanted.op], wanted);
}

/**
 * Takes what the repair lacks from a range of entries; what lies below the place where it meets the own log may be
 * forgotten here, and is not needed. True when something was taken.
 */
export function takeEntries(state: ReplicaState, repair: Repair, entries: readonly Entry[]): boolean {
  let taken = false;
  for (let index = entries.length - 1; index >= 0 && !meetsOwnLog(state, repair); index--) {
    const entry = entries[index]!;
    if (entry.op !== repair.wanted.op || !matches(entry, repair.wanted) || !isIntact(entry)) continue;
    repair.collected.push(entry);
    taken = true;
  }
  return taken;
}

/** Takes a checkpoint for the repair to stand on. True when it was taken. */
export function acceptCheckpoint(state: ReplicaState, repair: Repair, checkpoint: Checkpoint): boolean {
  if (checkpoint.op <= state.commit || checkpoint.op > repair.head.op) return false;
  if (repair.checkpoint !== null && repair.checkpoint.op >= checkpoint.op) return false;
  if (!isIntactCheckpoint(checkpoint)) return false;
  repair.checkpoint = checkpoint;
  return true;
}
