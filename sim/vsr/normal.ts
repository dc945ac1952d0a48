/**
 * Normal operation ("Viewstamped Replication Revisited" section 4) and catching up (section 5.2).
 *
 * Unlike the paper, where state is in memory, an entry is on disk before it is acknowledged, by backups
 * and by the primary itself. Lost messages need no resending of prepares: the primary's heartbeat names
 * its newest op, a backup that lacks entries asks for them, one that has them acknowledges again.
 */
import { OPERATION, type Operation } from "../database/operation.ts";
import { commitUpTo } from "./commit.ts";
import { installLog } from "./journal.ts";
import { entryAfter, follows, type Entry } from "./log.ts";
import { commitHeartbeat, getState, newState, prepare, prepareOk, reply, type Message } from "./messages.ts";
import {
  MAX_LOG_ENTRIES,
  STATUS,
  faultsTolerated,
  isPrimary,
  mayVote,
  primaryOf,
  type Outputs,
  type ReplicaState,
} from "./state.ts";

/** A request of a client: only the primary acts on it. */
export function onRequest(state: ReplicaState, message: Message, outputs: Outputs): void {
  if (state.status !== STATUS.normal || !isPrimary(state) || !mayVote(state)) return;
  const operation = message.operation!;
  const client = operation.client;
  const database = state.database;
  const registering = operation.kind === OPERATION.register;
  if (database.requests[client] === operation.request) {
    // Executed before: the answer was lost.
    if (registering || database.sessions[client] === operation.session) {
      outputs.send(message.from, reply(state.replica, state.view, operation.request, database.results[client]!));
    }
    return;
  }
  if (operation.request <= state.prepared[client]! || !database.accepts(operation)) return;
  if (state.log.length >= MAX_LOG_ENTRIES) return;
  state.prepared[client] = operation.request;
  appendAsPrimary(state, operation, outputs);
}

function appendAsPrimary(state: ReplicaState, operation: Operation, outputs: Outputs): void {
  const entry = entryAfter(state.log[state.op]!, state.view, operation);
  state.log.push(entry);
  outputs.broadcast(prepare(state.replica, state.view, state.commit, entry));
  state.heartbeatAtUs = state.nowUs + state.configuration.timeouts.heartbeatUs;
}

export function onPrepare(state: ReplicaState, message: Message, outputs: Outputs): void {
  if (!isCurrentBackup(state, message, outputs)) return;
  const entry = message.entry!;
  if (entry.op === state.op + 1 && follows(state.log[state.op]!, entry)) state.log.push(entry);
  else if (entry.op > state.op) askForState(state, message, outputs);
  else if (entry.op <= state.acknowledgedOp) acknowledgeAgain(state, outputs);
  commitUpTo(state, message.commit, outputs);
}

/** The primary's heartbeat. */
export function onCommit(state: ReplicaState, message: Message, outputs: Outputs): void {
  if (!isCurrentBackup(state, message, outputs)) return;
  if (message.op > state.op) askForState(state, message, outputs);
  else if (state.acknowledgedOp > message.commit) acknowledgeAgain(state, outputs);
  commitUpTo(state, message.commit, outputs);
}

/**
 * True for a message of the primary of the view in which this replica is a normal backup. From a view
 * that is newer, or that began while this replica was not listening, the log is asked for.
 */
function isCurrentBackup(state: ReplicaState, message: Message, outputs: Outputs): boolean {
  if (state.status === STATUS.recovering || message.view < state.view) return false;
  if (message.view > state.view || state.status === STATUS.viewChange) {
    if (!isPrimary(state) || message.view > state.view) askForState(state, message, outputs);
    return false;
  }
  if (isPrimary(state)) return false;
  heardFromPrimary(state);
  return true;
}

export function heardFromPrimary(state: ReplicaState): void {
  const { viewChangeUs, viewChangeSpreadUs } = state.configuration.timeouts;
  state.viewChangeAtUs = state.nowUs + viewChangeUs + state.replica * viewChangeSpreadUs;
  state.viewChangeAttempts = 0;
}

/** Backup: acknowledges what has become durable. */
export function acknowledgeDurable(state: ReplicaState, outputs: Outputs): void {
  if (!mayVote(state)) return;
  if (isPrimary(state)) {
    state.acknowledged[state.replica] = state.syncedOp;
    commitAcknowledged(state, outputs);
  } else if (state.syncedOp > state.acknowledgedOp) {
    state.acknowledgedOp = state.syncedOp;
    acknowledgeAgain(state, outputs);
  }
}

function acknowledgeAgain(state: ReplicaState, outputs: Outputs): void {
  if (!mayVote(state) || state.acknowledgedOp === 0) return;
  const primary = primaryOf(state.view, state.configuration.replicaCount);
  outputs.send(primary, prepareOk(state.replica, state.view, state.acknowledgedOp));
}

export function onPrepareOk(state: ReplicaState, message: Message, outputs: Outputs): void {
  if (state.status !== STATUS.normal || message.view !== state.view || !isPrimary(state)) return;
  if (message.op <= state.acknowledged[message.from]!) return;
  state.acknowledged[message.from] = message.op;
  commitAcknowledged(state, outputs);
}

/** Commits what f + 1 replicas, this one among them, have on disk. */
function commitAcknowledged(state: ReplicaState, outputs: Outputs): void {
  const quorum = faultsTolerated(state) + 1;
  let target = state.acknowledged[state.replica]!;
  while (target > state.commit) {
    let holders = 0;
    for (const op of state.acknowledged) if (op >= target) holders += 1;
    if (holders >= quorum) break;
    target -= 1;
  }
  commitUpTo(state, target, outputs);
}

export function sendHeartbeat(state: ReplicaState, outputs: Outputs): void {
  outputs.broadcast(commitHeartbeat(state.replica, state.view, state.op, state.commit));
  state.heartbeatAtUs = state.nowUs + state.configuration.timeouts.heartbeatUs;
}

/** Section 5.2: asks the sender for the log of its view; what is committed here is common to all views. */
function askForState(state: ReplicaState, message: Message, outputs: Outputs): void {
  if (state.nowUs < state.transferAtUs) return;
  state.transferAtUs = state.nowUs + (state.configuration.timeouts.heartbeatUs >> 1);
  const sameView = message.view === state.view && state.status === STATUS.normal;
  const firstOp = sameView ? state.op + 1 : state.commit + 1;
  outputs.send(message.from, getState(state.replica, message.view, firstOp));
}

export function onGetState(state: ReplicaState, message: Message, outputs: Outputs): void {
  if (state.status !== STATUS.normal || message.view !== state.view || message.op > state.op + 1) return;
  const entries = state.log.slice(message.op);
  outputs.send(message.from, newState(state.replica, state.view, message.op, state.op, state.commit, entries));
}

export function onNewState(state: ReplicaState, message: Message, outputs: Outputs): void {
  if (state.status === STATUS.recovering || message.view < state.view) return;
  if (message.view === state.view && state.status === STATUS.normal) {
    if (isPrimary(state)) return;
    for (const entry of message.log!) appendIfNext(state, entry);
  } else if (!installNewState(state, message, outputs)) {
    return;
  }
  heardFromPrimary(state);
  commitUpTo(state, message.commit, outputs);
}

function appendIfNext(state: ReplicaState, entry: Entry): void {
  if (entry.op === state.op + 1 && follows(state.log[state.op]!, entry)) state.log.push(entry);
}

/** Enters the sender's view with its log. */
function installNewState(state: ReplicaState, message: Message, outputs: Outputs): boolean {
  const firstOp = message.logView;
  // The prefix must be committed here, or it could belong to a history that was abandoned.
  if (firstOp > state.commit + 1) return false;
  if (primaryOf(message.view, state.configuration.replicaCount) === state.replica) return false;
  const first = message.log![0];
  if (first !== undefined && !follows(state.log[firstOp - 1]!, first)) {
    outputs.panic = `the log of view ${message.view} does not continue what is committed here`;
    return false;
  }
  const log = state.log.slice(0, firstOp).concat(message.log!);
  if (!installLog(state, log, message.view, false)) {
    outputs.panic = `state transfer to view ${message.view} would undo a committed operation`;
    return false;
  }
  outputs.installed = true;
  enterNormal(state);
  return true;
}

/** After a log was installed: a clean slate for the new view. */
export function enterNormal(state: ReplicaState): void {
  state.status = STATUS.normal;
  state.acknowledgedOp = 0;
  state.startViewChangeVotes = 0;
  state.doViewChanges.fill(null);
  state.recoveryResponses.fill(null);
}
