/**
 * Messages of Viewstamped Replication Revisited (Liskov and Cowling, MIT-CSAIL-TR-2012-021), sections 4
 * to 5.2. One class for all kinds: every message has the same shape, which keeps the hot path fast.
 * Messages and the entries in them are never changed after sending and may be shared.
 */
import type { Operation } from "../database/operation.ts";
import type { Checkpoint } from "./checkpoint.ts";
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
  requestEntries: 12,
  entries: 13,
  checkpoint: 14,
  evicted: 15,
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
  "request_entries",
  "entries",
  "checkpoint",
  "evicted",
] as const;

/** The number and the hash of an entry: enough to know it, and all below it, when it comes. */
export interface Head {
  readonly op: number;
  readonly hashLow: number;
  readonly hashHigh: number;
}

/** Entries in one message, at most. */
export const MAX_ENTRIES_PER_MESSAGE = 32;

export class Message {
  readonly kind: number;
  readonly from: number;
  readonly view: number;
  /**
   * prepareOk: the highest op the sender has on disk. commit, doViewChange, startView, newState,
   * recoveryResponse: the sender's newest op. getState: the first op wanted. requestEntries: the last op
   * wanted. reply: the result. evicted: the session that is gone.
   */
  readonly op: number;
  /** The sender's commit number. reply: the request number. requestEntries: the first op wanted. */
  readonly commit: number;
  /**
   * doViewChange: the last view in which the sender's status was normal. newState: the first op sent.
   * getState: the view of the sender's log, -1 when it is not the one it asks about.
   */
  readonly logView: number;
  /** recovery and recoveryResponse: ties an answer to its question. */
  readonly nonce: number;
  /** Hash of the entry `op`, which vouches for the whole log below it. */
  readonly hashLow: number;
  readonly hashHigh: number;
  /** request. */
  readonly operation: Operation | null;
  /** prepare. */
  readonly entry: Entry | null;
  /** newState and entries: a range of a log; null in a newState that only names its end. */
  readonly log: readonly Entry[] | null;
  readonly checkpoint: Checkpoint | null;
  /** reply to a scan: the values read. */
  readonly rows: readonly number[] | null;

  constructor(
    kind: number,
    from: number,
    view: number,
    op: number,
    commit: number,
    logView: number,
    nonce: number,
    head: Head | null,
    operation: Operation | null,
    entry: Entry | null,
    log: readonly Entry[] | null,
    checkpoint: Checkpoint | null,
    rows: readonly number[] | null,
  ) {
    this.kind = kind;
    this.from = from;
    this.view = view;
    this.op = op;
    this.commit = commit;
    this.logView = logView;
    this.nonce = nonce;
    this.hashLow = head === null ? 0 : head.hashLow;
    this.hashHigh = head === null ? 0 : head.hashHigh;
    this.operation = operation;
    this.entry = entry;
    this.log = log;
    this.checkpoint = checkpoint;
    this.rows = rows;
  }
}

/** A message without entries. */
function plain(
  kind: number,
  from: number,
  view: number,
  op = 0,
  commit = 0,
  logView = 0,
  nonce = 0,
  head: Head | null = null,
): Message {
  return new Message(kind, from, view, op, commit, logView, nonce, head, null, null, null, null, null);
}

export function request(from: number, operation: Operation): Message {
  return new Message(MESSAGE.request, from, 0, 0, 0, 0, 0, null, operation, null, null, null, null);
}

export function reply(
  from: number,
  view: number,
  requestNumber: number,
  result: number,
  rows: readonly number[] | null,
): Message {
  return new Message(MESSAGE.reply, from, view, result, requestNumber, 0, 0, null, null, null, null, null, rows);
}

/** To a client whose session was taken: it must open another one. */
export function evicted(from: number, view: number, session: number): Message {
  return plain(MESSAGE.evicted, from, view, session);
}

export function prepare(from: number, view: number, commit: number, entry: Entry): Message {
  return new Message(MESSAGE.prepare, from, view, entry.op, commit, 0, 0, null, null, entry, null, null, null);
}

export function prepareOk(from: number, view: number, op: number): Message {
  return plain(MESSAGE.prepareOk, from, view, op);
}

export function commitHeartbeat(from: number, view: number, op: number, commit: number): Message {
  return plain(MESSAGE.commit, from, view, op, commit);
}

export function startViewChange(from: number, view: number): Message {
  return plain(MESSAGE.startViewChange, from, view);
}

/** `head` is the newest entry of the sender's log. */
export function doViewChange(from: number, view: number, logView: number, commit: number, head: Head): Message {
  return plain(MESSAGE.doViewChange, from, view, head.op, commit, logView, 0, head);
}

export function startView(from: number, view: number, commit: number, head: Head): Message {
  return plain(MESSAGE.startView, from, view, head.op, commit, 0, 0, head);
}

export function recovery(from: number, view: number, nonce: number): Message {
  return plain(MESSAGE.recovery, from, view, 0, 0, 0, nonce);
}

export function recoveryResponse(from: number, view: number, nonce: number, commit: number, head: Head): Message {
  return plain(MESSAGE.recoveryResponse, from, view, head.op, commit, 0, nonce, head);
}

/** `continues`: the sender is in that view, and its log up to `firstOp` is that of the view. */
export function getState(from: number, view: number, firstOp: number, continues: boolean): Message {
  return plain(MESSAGE.getState, from, view, firstOp, 0, continues ? view : -1);
}

/** `entries` from `firstOp` on, or null when only the end of the log is named. */
export function newState(
  from: number,
  view: number,
  firstOp: number,
  commit: number,
  head: Head,
  entries: readonly Entry[] | null,
): Message {
  return new Message(MESSAGE.newState, from, view, head.op, commit, firstOp, 0, head, null, null, entries, null, null);
}

/** Asks for the entries from `firstOp` to `last`. */
export function requestEntries(from: number, view: number, firstOp: number, last: Head): Message {
  return plain(MESSAGE.requestEntries, from, view, last.op, firstOp, 0, 0, last);
}

export function entriesMessage(from: number, view: number, entries: readonly Entry[]): Message {
  return new Message(MESSAGE.entries, from, view, 0, 0, 0, 0, null, null, null, entries, null, null);
}

export function checkpointMessage(from: number, view: number, checkpoint: Checkpoint): Message {
  return new Message(MESSAGE.checkpoint, from, view, checkpoint.op, 0, 0, 0, null, null, null, null, checkpoint, null);
}
