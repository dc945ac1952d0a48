/**
 * Normal operation ("Viewstamped Replication Revisited" section 4) and catching up (section 5.2).
 *
 * Unlike the paper, where state is in memory, an entry is on disk before it is acknowledged, by backups
 * and by the primary itself. Lost messages need no resending of prepares: the primary's heartbeat names
 * its newest op, a backup that lacks entries asks for them, one that has them acknowledges again.
 */
import { OPERATION, type Operation } from "../database/operation.ts";
import { commitUpTo } from "./commit.ts";
import { entryAfter, follows, wronglyHashed, type Entry } from "./log.ts";
import {
  MAX_ENTRIES_PER_MESSAGE,
  commitHeartbeat,
  evicted,
  getState,
  newState,
  prepare,
  prepareOk,
  reply,
  type Message,
} from "./messages.ts";
import { REPAIR_FOR } from "./repair-state.ts";
import { beginRepair } from "./repairing.ts";
import { heardFromPrimary } from "./standing.ts";
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
  const { client, session } = operation;
  const { database } = state;
  if (!database.understands(operation)) return;
  if (database.remembers(operation) && !database.accepts(operation)) {
    // Executed before: the answer was lost.
    if (state.configuration.bugs.neverResends) return;
    const rows = database.rows[client]!;
    outputs.send(message.from, reply(state.replica, state.view, operation.request, database.results[client]!, rows));
    return;
  }
  const registering = operation.kind === OPERATION.register;
  if (!registering && session <= state.commit && database.sessions[client] !== session) {
    outputs.send(message.from, evicted(state.replica, state.view, session));
    return;
  }
  const { bugs } = state.configuration;
  if (isInFlight(state, operation) && !bugs.repeatsRequests) return;
  if (!database.accepts(operation) || state.log.length >= MAX_LOG_ENTRIES) return;
  state.prepared[client] = operation.request;
  if (bugs.answersEarly && operation.kind === OPERATION.write && operation.request % 4 === 0) {
    outputs.send(message.from, reply(state.replica, state.view, operation.request, operation.value, null));
  }
  appendAsPrimary(state, operation, outputs);
}

/** True when the request is numbered already. One that registers may be needed again: its session may be gone since. */
function isInFlight(state: ReplicaState, operation: Operation): boolean {
  const { client, request: number } = operation;
  if (number > state.prepared[client]!) return false;
  if (operation.kind !== OPERATION.register) return true;
  for (let op = state.commit + 1; op <= state.op; op++) {
    const earlier = state.log[op]!.operation;
    if (earlier.client === client && earlier.request >= number) return true;
  }
  return false;
}

function appendAsPrimary(state: ReplicaState, operation: Operation, outputs: Outputs): void {
  const { bugs } = state.configuration;
  const parent = state.newest;
  const entry = bugs.wrongHash
    ? wronglyHashed(parent, state.view, operation)
    : entryAfter(parent, state.view, operation);
  state.log.push(entry);
  const message = prepare(state.replica, state.view, state.commit, entry);
  state.heartbeatAtUs = state.nowUs + state.configuration.timeouts.heartbeatUs;
  if (bugs.equivocates && entry.op % 8 === 0) sendTwoStories(state, parent, message, outputs);
  else outputs.broadcast(message);
}

/** Canary: every eighth entry is sent to the replica with the highest number with another view in it. */
function sendTwoStories(state: ReplicaState, parent: Entry, message: Message, outputs: Outputs): void {
  const last = state.configuration.replicaCount - 1;
  const { op, operation } = message.entry!;
  const other = entryAfter(parent, state.view - 1, operation);
  for (let to = 0; to <= last; to++) {
    if (to === state.replica) continue;
    outputs.send(to, to === last && op > 8 ? prepare(state.replica, state.view, state.commit, other) : message);
  }
}

export function onPrepare(state: ReplicaState, message: Message, outputs: Outputs): void {
  if (!isCurrentBackup(state, message, outputs)) return;
  const entry = message.entry!;
  if (entry.op === state.op + 1 && follows(state.newest, entry)) state.log.push(entry);
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
    if (state.configuration.bugs.commitsStaleSuffix) commitUpTo(state, message.commit, outputs);
    if (!isPrimary(state) || message.view > state.view) askForState(state, message, outputs);
    return false;
  }
  if (isPrimary(state)) return false;
  heardFromPrimary(state);
  return true;
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
  const quorum = state.configuration.bugs.commitsAlone ? 1 : faultsTolerated(state) + 1;
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
  outputs.send(message.from, getState(state.replica, message.view, firstOp, sameView));
}

/** Answers with entries; or with the end of the log alone, for repair.ts, to one that is in another view or too far behind. */
export function onGetState(state: ReplicaState, message: Message, outputs: Outputs): void {
  if (state.status !== STATUS.normal || message.view > state.view) return;
  const firstOp = message.op;
  const here = message.view === state.view && firstOp > state.base && message.logView === message.view;
  if (here && firstOp > state.op) return;
  const entries = here ? state.log.slice(firstOp, firstOp + MAX_ENTRIES_PER_MESSAGE) : null;
  outputs.send(message.from, newState(state.replica, state.view, firstOp, state.commit, state.newest, entries));
}

export function onNewState(state: ReplicaState, message: Message, outputs: Outputs): void {
  if (state.status === STATUS.recovering || message.view < state.view) return;
  const sameView = message.view === state.view && state.status === STATUS.normal;
  if (sameView && isPrimary(state)) return;
  if (message.log === null) {
    if (sameView ? message.op > state.op : primaryOf(message.view, state.configuration.replicaCount) !== state.replica)
      beginRepair(state, REPAIR_FOR.newState, message, outputs);
    return;
  }
  if (!sameView) return;
  for (const entry of message.log) appendIfNext(state, entry);
  if (message.log.length > 0) outputs.repaired = true;
  heardFromPrimary(state);
  commitUpTo(state, message.commit, outputs);
}

function appendIfNext(state: ReplicaState, entry: Entry): void {
  if (entry.op === state.op + 1 && follows(state.newest, entry)) state.log.push(entry);
}
