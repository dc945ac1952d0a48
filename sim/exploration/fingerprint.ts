/**
 * Fingerprints of replicas and messages, by which the exploration recognises one it has seen: 128 bits in four
 * lanes, two by each of the mixers of hash.ts with seeds of their own. Each can be taken under a renaming of
 * the clients (symmetry.ts).
 *
 * Left out is what cannot change the safety of anything later: clocks and timers (every timer may fire at
 * any time), sequence numbers of superblocks, and the database, which the log and the commit number decide.
 */
import { HIGH_SEED, LOW_SEED, finish, mixHigh, mixLow } from "../hash.ts";
import type { Entry } from "../vsr/log.ts";
import type { Message } from "../vsr/messages.ts";
import { STATUS, isPrimary, type ReplicaState } from "../vsr/state.ts";
import type { Images, Symmetry } from "./symmetry.ts";

export class Fingerprint {
  a = LOW_SEED;
  b = HIGH_SEED;
  c = LOW_SEED ^ 0x5bd1e995;
  d = HIGH_SEED ^ 0x27d4eb2f;
  private readonly symmetry: Symmetry;
  private readonly renaming: number;

  /** `renaming` is the number of one of the symmetry's. */
  constructor(symmetry: Symmetry, renaming: number) {
    this.symmetry = symmetry;
    this.renaming = renaming;
  }

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
    this.addHash(entry.hashLow, entry.hashHigh);
  }

  /** Of an entry, or 0 where there is none. */
  addHash(low: number, high: number): void {
    const images = this.symmetry.imagesOf(low, high);
    this.add(images?.[2 * this.renaming] ?? low);
    this.add(images?.[2 * this.renaming + 1] ?? high);
  }

  /** A table with a place for each client. */
  addPerClient(values: readonly number[]): void {
    const renaming = this.symmetry.renamings[this.renaming]!;
    const renamed = values.slice();
    values.forEach((value, client) => (renamed[renaming[client]!] = value));
    for (const value of renamed) this.add(value);
  }

  /** As a key of a Set: eight characters of 16 bits. */
  key(): string {
    const { a, b, c, d } = this;
    return String.fromCharCode(a & 0xffff, a >>> 16, b & 0xffff, b >>> 16, c & 0xffff, c >>> 16, d & 0xffff, d >>> 16);
  }
}

/** What `fill` says of something, under every renaming; the first is its key. */
export function fingerprinted(
  symmetry: Symmetry,
  fill: (fingerprint: Fingerprint) => void,
): { readonly key: string; readonly images: Images } {
  const images = new Int32Array(2 * symmetry.renamings.length);
  let key = "";
  symmetry.renamings.forEach((_, renaming) => {
    const fingerprint = new Fingerprint(symmetry, renaming);
    fill(fingerprint);
    fingerprint.finish();
    if (renaming === 0) key = fingerprint.key();
    images[2 * renaming] = fingerprint.a;
    images[2 * renaming + 1] = fingerprint.b;
  });
  return { key, images };
}

export function addMessage(fingerprint: Fingerprint, message: Message): void {
  fingerprint.add(message.kind * 64 + message.from);
  fingerprint.add(message.view);
  fingerprint.add(message.op);
  fingerprint.add(message.commit);
  fingerprint.add(message.logView);
  fingerprint.add(message.nonce);
  fingerprint.addHash(message.hashLow, message.hashHigh);
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
    fingerprint.addPerClient(state.prepared);
  }
  fingerprint.add(state.nonce);
  const { repair } = state;
  fingerprint.add(repair === null ? -1 : repair.purpose);
  if (repair !== null) {
    fingerprint.add(repair.view);
    fingerprint.add(repair.commit);
    fingerprint.add(repair.head.op);
    fingerprint.addHash(repair.head.hashLow, repair.head.hashHigh);
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
