/**
 * Messages of Viewstamped Replication Revisited (Liskov and Cowling, MIT-CSAIL-TR-2012-021), sections 4
 * to 5.2. One class for all kinds: every message has the same shape, which keeps the hot path fast.
 * Messages and the entries in them are never changed after sending and may be shared.
 */
import type { Operation } from "../database/operation.ts";
import type { Entry } from "./log.ts";

export const MESSAGE = {
  request: 0,
  reply: 1,
  prepare: 2,
  prepareOk: 3,
  commit: 4,
  startViewChange: 5,
  doViewChange: 6,
  startView: 7,
  recovery: 8,
  recoveryResponse: 9,
  getState: 10,
  newState: 11,
} as const;

export const MESSAGE_NAMES = [
  "request",
  "reply",
  "prepare",
  "prepare_ok",
  "commit",
  "start_view_change",
  "do_view_change",
  "start_view",
  "recovery",
  "recovery_response",
  "get_state",
  "new_state",
] as const;

export class Message {
  readonly kind: number;
  readonly from: number;
  readonly view: number;
  /**
   * prepareOk: the highest op the sender has on disk. commit, newState, recoveryResponse: the sender's
   * newest op. getState: the first op wanted. reply: the result.
   */
  readonly op: number;
  /** The sender's commit number. reply: the request number. */
  readonly commit: number;
  /** doViewChange: the last view in which the sender's status was normal. newState: the first op sent. */
  readonly logView: number;
  /** recovery and recoveryResponse: ties an answer to its question. */
  readonly nonce: number;
  /** request. */
  readonly operation: Operation | null;
  /** prepare. */
  readonly entry: Entry | null;
  /** Entries of a log: the whole of it, slot 0 included, except in newState (from `logView` on). */
  readonly log: readonly Entry[] | null;

  constructor(
    kind: number,
    from: number,
    view: number,
    op: number,
    commit: number,
    logView: number,
    nonce: number,
    operation: Operation | null,
    entry: Entry | null,
    log: readonly Entry[] | null,
  ) {
    this.kind = kind;
    this.from = from;
    this.view = view;
    this.op = op;
    this.commit = commit;
    this.logView = logView;
    this.nonce = nonce;
    this.operation = operation;
    this.entry = entry;
    this.log = log;
  }
}

export function request(from: number, operation: Operation): Message {
  return new Message(MESSAGE.request, from, 0, 0, 0, 0, 0, operation, null, null);
}

export function reply(from: number, view: number, requestNumber: number, result: number): Message {
  return new Message(MESSAGE.reply, from, view, result, requestNumber, 0, 0, null, null, null);
}

export function prepare(from: number, view: number, commit: number, entry: Entry): Message {
  return new Message(MESSAGE.prepare, from, view, entry.op, commit, 0, 0, null, entry, null);
}

export function prepareOk(from: number, view: number, op: number): Message {
  return new Message(MESSAGE.prepareOk, from, view, op, 0, 0, 0, null, null, null);
}

export function commitHeartbeat(from: number, view: number, op: number, commit: number): Message {
  return new Message(MESSAGE.commit, from, view, op, commit, 0, 0, null, null, null);
}

export function startViewChange(from: number, view: number): Message {
  return new Message(MESSAGE.startViewChange, from, view, 0, 0, 0, 0, null, null, null);
}

export function doViewChange(
  from: number,
  view: number,
  logView: number,
  commit: number,
  log: readonly Entry[],
): Message {
  return new Message(MESSAGE.doViewChange, from, view, log.length - 1, commit, logView, 0, null, null, log);
}

export function startView(from: number, view: number, commit: number, log: readonly Entry[]): Message {
  return new Message(MESSAGE.startView, from, view, log.length - 1, commit, 0, 0, null, null, log);
}

export function recovery(from: number, view: number, nonce: number): Message {
  return new Message(MESSAGE.recovery, from, view, 0, 0, 0, nonce, null, null, null);
}

/** `log` is null unless the sender is the primary of its view. */
export function recoveryResponse(
  from: number,
  view: number,
  nonce: number,
  op: number,
  commit: number,
  log: readonly Entry[] | null,
): Message {
  return new Message(MESSAGE.recoveryResponse, from, view, op, commit, 0, nonce, null, null, log);
}

export function getState(from: number, view: number, firstOp: number): Message {
  return new Message(MESSAGE.getState, from, view, firstOp, 0, 0, 0, null, null, null);
}

export function newState(
  from: number,
  view: number,
  firstOp: number,
  op: number,
  commit: number,
  entries: readonly Entry[],
): Message {
  return new Message(MESSAGE.newState, from, view, op, commit, firstOp, 0, null, null, entries);
}
