/**
 * Fingerprints of 128 bits, by which the exploration recognises a state it has seen. Four lanes, two by
 * each of the mixers of hash.ts with seeds of their own.
 *
 * Left out is what cannot change the safety of anything later: clocks and timers (every timer may fire at
 * any time), sequence numbers of superblocks, and the database, which the log and the commit number decide.
 */
import { HIGH_SEED, LOW_SEED, finish, mixHigh, mixLow } from "../hash.ts";
import type { Entry } from "../vsr/log.ts";
import type { Message } from "../vsr/messages.ts";
import { STATUS, isPrimary, type ReplicaState } from "../vsr/state.ts";

export class Fingerprint {
  a = LOW_SEED;
  b = HIGH_SEED;
  c = LOW_SEED ^ 0x5bd1e995;
  d = HIGH_SEED ^ 0x27d4eb2f;

  add(word: number): void {
    this.a = mixLow(this.a, word);
    this.b = mixHigh(this.b, word);
    this.c = mixLow(this.c, word ^ 0x3c6ef372);
    this.d = mixHigh(this.d, word ^ 0x1f83d9ab);
  }

  /** No more may be added afterwards. */
  finish(): this {
    this.a = finish(this.a);
    this.b = finish(this.b);
    this.c = finish(this.c);
    this.d = finish(this.d);
    return this;
  }

  addEntry(entry: Entry): void {
    this.add(entry.hashLow);
    this.add(entry.hashHigh);
  }

  addOther(other: Fingerprint): void {
    this.add(other.a);
    this.add(other.b);
    this.add(other.c);
    this.add(other.d);
  }

  /** Adds a set, whose order means nothing: the sum of its members' lanes. */
  addSum(members: readonly { readonly fingerprint: Fingerprint }[]): void {
    let a = 0;
    let b = 0;
    let c = 0;
    let d = 0;
    for (const { fingerprint } of members) {
      a = (a + fingerprint.a) | 0;
      b = (b + fingerprint.b) | 0;
      c = (c + fingerprint.c) | 0;
      d = (d + fingerprint.d) | 0;
    }
    this.add(a);
    this.add(b);
    this.add(c);
    this.add(d);
  }

  /** As a key of a Set: eight characters of 16 bits. */
  key(): string {
    const { a, b, c, d } = this;
    return String.fromCharCode(a & 0xffff, a >>> 16, b & 0xffff, b >>> 16, c & 0xffff, c >>> 16, d & 0xffff, d >>> 16);
  }
}

export function addMessage(fingerprint: Fingerprint, message: Message): void {
  fingerprint.add(message.kind * 64 + message.from);
  fingerprint.add(message.view);
  fingerprint.add(message.op);
  fingerprint.add(message.commit);
  fingerprint.add(message.logView);
  fingerprint.add(message.nonce);
  fingerprint.add(message.hashLow);
  fingerprint.add(message.hashHigh);
  if (message.entry !== null) fingerprint.addEntry(message.entry);
  if (message.log !== null) {
    fingerprint.add(message.log.length);
    // The newest entry vouches for all before it.
    const newest = message.log.at(-1);
    if (newest !== undefined) fingerprint.addEntry(newest);
  }
}

export function addReplica(fingerprint: Fingerprint, state: ReplicaState): void {
  fingerprint.add(state.status);
  fingerprint.add(state.view);
  fingerprint.add(state.logView);
  fingerprint.add(state.log.length);
  fingerprint.addEntry(state.log.at(-1)!);
  fingerprint.add(state.commit);
  fingerprint.add(state.head);
  fingerprint.add(state.durable.view);
  fingerprint.add(state.durable.logView);
  fingerprint.add(state.durable.head);
  fingerprint.add(state.superblockRepairNeeded ? 1 : 0);
  fingerprint.add(state.syncedOp);
  fingerprint.add(state.dirtyOp);
  fingerprint.add(state.clearTo);
  fingerprint.add(state.job);
  fingerprint.add(state.jobOp);
  fingerprint.add(state.jobClearTo);
  const job = state.jobSuperblock;
  if (job !== null) {
    fingerprint.add(job.view);
    fingerprint.add(job.logView);
    fingerprint.add(job.head);
  }
  fingerprint.add(state.acknowledgedOp);
  if (isPrimary(state) && state.status === STATUS.normal) {
    for (const op of state.acknowledged) fingerprint.add(op);
    for (const request of state.prepared) fingerprint.add(request);
  }
  fingerprint.add(state.nonce);
  const { repair } = state;
  fingerprint.add(repair === null ? -1 : repair.purpose);
  if (repair !== null) {
    fingerprint.add(repair.view);
    fingerprint.add(repair.commit);
    fingerprint.add(repair.head.op);
    fingerprint.add(repair.head.hashLow);
    fingerprint.add(repair.head.hashHigh);
    fingerprint.add(repair.source);
    fingerprint.add(repair.collected.length);
  }
  fingerprint.add(state.startViewChangeVotes);
  fingerprint.add((state.startViewChangeSent ? 1 : 0) + (state.doViewChangeSent ? 2 : 0));
  for (const message of state.doViewChanges) {
    fingerprint.add(message === null ? 0 : 1);
    if (message !== null) addMessage(fingerprint, message);
  }
  for (const message of state.recoveryResponses) {
    fingerprint.add(message === null ? 0 : 1);
    if (message !== null) addMessage(fingerprint, message);
  }
}
