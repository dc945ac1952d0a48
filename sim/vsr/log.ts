/**
 * Log entries, the hash chain over them, and what a replica can trust of a log read from its disk.
 *
 * An entry's hash covers its content and the hash of the entry before it, so that one hash vouches for
 * the whole history. The same hash is the checksum on disk.
 */
import { OPERATION, Operation } from "../database/operation.ts";
import { HIGH_SEED, LOW_SEED, finish, mixHigh, mixLow } from "../hash.ts";

export class Entry {
  readonly op: number;
  /** The view in which the entry was first prepared. */
  readonly view: number;
  readonly operation: Operation;
  readonly parentLow: number;
  readonly parentHigh: number;
  readonly hashLow: number;
  readonly hashHigh: number;

  constructor(
    op: number,
    view: number,
    operation: Operation,
    parentLow: number,
    parentHigh: number,
    hashLow: number,
    hashHigh: number,
  ) {
    this.op = op;
    this.view = view;
    this.operation = operation;
    this.parentLow = parentLow;
    this.parentHigh = parentHigh;
    this.hashLow = hashLow;
    this.hashHigh = hashHigh;
  }
}

function contentLow(op: number, view: number, operation: Operation, parentLow: number, parentHigh: number): number {
  let hash = mixLow(mixLow(mixLow(mixLow(LOW_SEED, parentLow), parentHigh), op), view);
  hash = mixLow(mixLow(mixLow(hash, operation.kind), operation.key), operation.value);
  return finish(mixLow(mixLow(mixLow(hash, operation.client), operation.request), operation.session));
}

function contentHigh(op: number, view: number, operation: Operation, parentLow: number, parentHigh: number): number {
  let hash = mixHigh(mixHigh(mixHigh(mixHigh(HIGH_SEED, parentLow), parentHigh), op), view);
  hash = mixHigh(mixHigh(mixHigh(hash, operation.kind), operation.key), operation.value);
  return finish(mixHigh(mixHigh(mixHigh(hash, operation.client), operation.request), operation.session));
}

/** The entry that follows `parent`. */
export function entryAfter(parent: Entry, view: number, operation: Operation): Entry {
  const op = parent.op + 1;
  const low = contentLow(op, view, operation, parent.hashLow, parent.hashHigh);
  const high = contentHigh(op, view, operation, parent.hashLow, parent.hashHigh);
  return new Entry(op, view, operation, parent.hashLow, parent.hashHigh, low, high);
}

/** Number 0: what every log begins with; never on disk, never sent. */
export const ROOT = new Entry(0, 0, new Operation(OPERATION.register, 0, 0, 0, 0, 0), 0, 0, 0x6b696d74, 0x65737401);

/** True when the checksum fits the content. */
export function isIntact(entry: Entry): boolean {
  return (
    entry.hashLow === contentLow(entry.op, entry.view, entry.operation, entry.parentLow, entry.parentHigh) &&
    entry.hashHigh === contentHigh(entry.op, entry.view, entry.operation, entry.parentLow, entry.parentHigh)
  );
}

/** True when `entry` follows `parent` directly in one and the same history. */
export function follows(parent: Entry, entry: Entry): boolean {
  return entry.op === parent.op + 1 && entry.parentLow === parent.hashLow && entry.parentHigh === parent.hashHigh;
}

export function isSame(a: Entry, b: Entry): boolean {
  return a.hashLow === b.hashLow && a.hashHigh === b.hashHigh && a.op === b.op;
}

/** A copy with one flipped bit in its value and the old checksum: what a bad disk returns. */
export function corrupted(entry: Entry, bit: number): Entry {
  const { kind, key, value, client, request, session } = entry.operation;
  const operation = new Operation(kind, key, value ^ (1 << bit), client, request, session);
  return new Entry(entry.op, entry.view, operation, entry.parentLow, entry.parentHigh, entry.hashLow, entry.hashHigh);
}

/**
 * The superblock: the promises of a replica that must survive a crash.
 *
 * `head` is the op number of the log as it was installed for `logView`. Behind it only entries prepared
 * in `logView` itself count; any other is left over from a log that was since replaced.
 */
export class Superblock {
  readonly sequence: number;
  readonly view: number;
  readonly logView: number;
  readonly head: number;
  readonly checksum: number;

  constructor(sequence: number, view: number, logView: number, head: number, checksum?: number) {
    this.sequence = sequence;
    this.view = view;
    this.logView = logView;
    this.head = head;
    this.checksum = checksum ?? superblockChecksum(sequence, view, logView, head);
  }
}

function superblockChecksum(sequence: number, view: number, logView: number, head: number): number {
  return finish(mixLow(mixLow(mixLow(mixLow(LOW_SEED, sequence), view), logView), head));
}

export function isIntactSuperblock(block: Superblock): boolean {
  return block.checksum === superblockChecksum(block.sequence, block.view, block.logView, block.head);
}

/** The newest intact copy; undefined when there is none. */
export function newestSuperblock(copies: readonly Superblock[]): Superblock | undefined {
  let newest: Superblock | undefined;
  for (const copy of copies) {
    if (isIntactSuperblock(copy) && (newest === undefined || copy.sequence > newest.sequence)) newest = copy;
  }
  return newest;
}

/** What a replica reads from its disk when it starts; slot 0 is unused. */
export interface DiskContent {
  readonly slots: readonly (Entry | null)[];
  readonly superblocks: readonly Superblock[];
}

/**
 * The part of a log read from disk that can be trusted: the longest chain from the root.
 *
 * `corrupt` when a slot's checksum does not fit, or a slot is empty that the superblock vouches for: the
 * replica may have acknowledged what it can no longer read. An entry whose checksum fits but which does
 * not continue the chain is no corruption: it is left over from a log that was being replaced, or behind
 * a write that was lost before it was synced and so never acknowledged.
 */
export function readLog(content: DiskContent, superblock: Superblock): { log: Entry[]; corrupt: boolean } {
  const log: Entry[] = [ROOT];
  let corrupt = false;
  let chained = true;
  for (let op = 1; op < content.slots.length; op++) {
    const entry = content.slots[op] ?? null;
    if (entry === null) {
      if (op <= superblock.head) corrupt = true;
      chained = false;
      continue;
    }
    if (!isIntact(entry)) {
      corrupt = true;
      chained = false;
      continue;
    }
    if (!chained) continue;
    const stale = op > superblock.head && entry.view !== superblock.logView;
    if (stale || !follows(log[op - 1]!, entry)) chained = false;
    else log.push(entry);
  }
  if (content.slots.length <= superblock.head) corrupt = true;
  return { log, corrupt };
}
