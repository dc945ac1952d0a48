/**
 * View changes ("Viewstamped Replication Revisited" section 4.2), with the view number on disk before any
 * message of the new view is sent, and the log of the new view on disk before anyone votes in it.
 */
import { doViewChange, startView, startViewChange, type Message } from "./messages.ts";
import { acknowledgeDurable } from "./normal.ts";
import { REPAIR_FOR } from "./repair-state.ts";
import { beginRepair } from "./repairing.ts";
import { enterNormal } from "./standing.ts";
import { STATUS, faultsTolerated, isPrimary, primaryOf, type Outputs, type ReplicaState } from "./state.ts";

/** Timeouts double at most so often. */
const MAX_BACKOFF = 3;

/** Leaves the current view for a newer one. The messages follow once the view number is on disk. */
export function beginViewChange(state: ReplicaState, view: number): void {
  state.status = STATUS.viewChange;
  state.view = view;
  state.startViewChangeVotes = 1 << state.replica;
  state.startViewChangeSent = false;
  state.doViewChangeSent = false;
  state.doViewChanges.fill(null);
  state.repair = null;
  const { viewChangeUs, viewChangeSpreadUs, resendUs } = state.configuration.timeouts;
  const timeoutUs = viewChangeUs * 2 ** Math.min(state.viewChangeAttempts, MAX_BACKOFF);
  state.viewChangeAttempts += 1;
  state.viewChangeAtUs = state.nowUs + timeoutUs + state.replica * viewChangeSpreadUs;
  state.resendAtUs = state.nowUs + resendUs;
}

function viewIsDurable(state: ReplicaState): boolean {
  return state.durable.view === state.view && !state.superblockRepairNeeded;
}

/** Sends what the view change needs next, as far as it is durable. Safe to call at any time. */
export function advanceViewChange(state: ReplicaState, outputs: Outputs): void {
  if (state.status !== STATUS.viewChange || !viewIsDurable(state)) return;
  if (state.logView === state.view) {
    becomePrimaryWhenDurable(state, outputs);
    return;
  }
  if (!state.startViewChangeSent) {
    state.startViewChangeSent = true;
    outputs.broadcast(startViewChange(state.replica, state.view));
  }
  if (!state.doViewChangeSent && bitCount(state.startViewChangeVotes) > faultsTolerated(state)) {
    state.doViewChangeSent = true;
    sendDoViewChange(state, outputs);
  }
}

function sendDoViewChange(state: ReplicaState, outputs: Outputs): void {
  const message = doViewChange(state.replica, state.view, state.logView, state.commit, state.newest);
  if (isPrimary(state)) {
    state.doViewChanges[state.replica] = message;
    installWhenAgreed(state, outputs);
  } else {
    outputs.send(primaryOf(state.view, state.configuration.replicaCount), message);
  }
}

/** Sends the messages of this view change again: they may have been lost. */
export function resendViewChange(state: ReplicaState, outputs: Outputs): void {
  state.resendAtUs = state.nowUs + state.configuration.timeouts.resendUs;
  if (!viewIsDurable(state) || state.logView === state.view) return;
  outputs.broadcast(startViewChange(state.replica, state.view));
  if (state.doViewChangeSent && !isPrimary(state)) sendDoViewChange(state, outputs);
}

/** Joins a view change to a newer view. True when the message is of the view change under way here. */
function joins(state: ReplicaState, message: Message, outputs: Outputs): boolean {
  if (state.status === STATUS.recovering || message.view < state.view) return false;
  if (message.view > state.view) {
    state.viewChangeAttempts = 0;
    beginViewChange(state, message.view);
  }
  if (state.status === STATUS.viewChange) return true;
  // The sender missed that this view has begun.
  if (isPrimary(state)) {
    outputs.send(message.from, startView(state.replica, state.view, state.commit, state.newest));
  }
  return false;
}

export function onStartViewChange(state: ReplicaState, message: Message, outputs: Outputs): void {
  if (!joins(state, message, outputs)) return;
  state.startViewChangeVotes |= 1 << message.from;
  advanceViewChange(state, outputs);
}

export function onDoViewChange(state: ReplicaState, message: Message, outputs: Outputs): void {
  if (!joins(state, message, outputs)) return;
  state.startViewChangeVotes |= 1 << message.from;
  state.doViewChanges[message.from] = message;
  advanceViewChange(state, outputs);
  installWhenAgreed(state, outputs);
}

/** New primary: with f + 1 DoViewChanges, its own among them, takes the newest of their logs. */
function installWhenAgreed(state: ReplicaState, outputs: Outputs): void {
  // A log that is being put together already is as good as any that a later vote names.
  if (state.logView === state.view || state.repair !== null || state.doViewChanges[state.replica] === null) return;
  let votes = 0;
  let commit = 0;
  let best: Message | null = null;
  for (const message of state.doViewChanges) {
    if (message === null) continue;
    votes += 1;
    commit = Math.max(commit, message.commit);
    if (best === null || isNewer(message, best) !== state.configuration.bugs.shortestLog) best = message;
  }
  if (votes <= faultsTolerated(state) || best === null) return;
  beginRepair(state, REPAIR_FOR.viewChange, best, outputs, commit);
}

/** Section 4.2: the log of the newest normal view; among those of one view the longest. */
function isNewer(a: Message, b: Message): boolean {
  return a.logView > b.logView || (a.logView === b.logView && a.op > b.op);
}

/** The new view begins when its log is on the primary's disk. */
function becomePrimaryWhenDurable(state: ReplicaState, outputs: Outputs): void {
  if (state.durable.logView !== state.view) return;
  enterNormal(state);
  state.viewChangeAttempts = 0;
  state.acknowledged.fill(0);
  state.prepared.fill(-1);
  for (let op = state.commit + 1; op <= state.op; op++) {
    const { client, request } = state.log[op]!.operation;
    state.prepared[client] = Math.max(state.prepared[client]!, request);
  }
  outputs.becamePrimary = true;
  outputs.broadcast(startView(state.replica, state.view, state.commit, state.newest));
  state.heartbeatAtUs = state.nowUs + state.configuration.timeouts.heartbeatUs;
  acknowledgeDurable(state, outputs);
}

export function onStartView(state: ReplicaState, message: Message, outputs: Outputs): void {
  if (state.status === STATUS.recovering || message.view < state.view) return;
  if (message.view === state.view && (state.status === STATUS.normal || isPrimary(state))) return;
  beginRepair(state, REPAIR_FOR.startView, message, outputs);
}

function bitCount(bits: number): number {
  let count = 0;
  for (let rest = bits; rest !== 0; rest &= rest - 1) count += 1;
  return count;
}
