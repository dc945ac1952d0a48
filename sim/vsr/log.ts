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
  return finish(
    mixLow(mixLow(mixLow(mixLow(hash, operation.client), operation.request), operation.session), operation.tenant),
  );
}

function contentHigh(op: number, view: number, operation: Operation, parentLow: number, parentHigh: number): number {
  let hash = mixHigh(mixHigh(mixHigh(mixHigh(HIGH_SEED, parentLow), parentHigh), op), view);
  hash = mixHigh(mixHigh(mixHigh(hash, operation.kind), operation.key), operation.value);
  return finish(
    mixHigh(mixHigh(mixHigh(mixHigh(hash, operation.client), operation.request), operation.session), operation.tenant),
  );
}

/** The entry that follows `parent`. */
export function entryAfter(parent: Entry, view: number, operation: Operation): Entry {
  const op = parent.op + 1;
  const low = contentLow(op, view, operation, parent.hashLow, parent.hashHigh);
  const high = contentHigh(op, view, operation, parent.hashLow, parent.hashHigh);
  return new Entry(op, view, operation, parent.hashLow, parent.hashHigh, low, high);
}

/** Canary: the checksum of every eighth entry leaves out the value. */
export function wronglyHashed(parent: Entry, view: number, operation: Operation): Entry {
  const { kind, key, client, request, session, tenant } = operation;
  if ((parent.op + 1) % 8 !== 0) return entryAfter(parent, view, operation);
  const right = entryAfter(parent, view, new Operation(kind, key, 1, client, request, session, tenant));
  return new Entry(right.op, view, operation, parent.hashLow, parent.hashHigh, right.hashLow, right.hashHigh);
}

/** Number 0: what every log begins with; never on disk, never sent. */
export const ROOT = new Entry(0, 0, new Operation(OPERATION.register, 0, 0, 0, 0, 0, 0), 0, 0, 0x6b696d74, 0x65737401);

/** Stands where an entry was before a checkpoint made it needless; continues nothing and is continued by nothing. */
export const FORGOTTEN = new Entry(-2, -1, new Operation(OPERATION.register, 0, 0, 0, 0, 0, 0), 0, 0, 0, 0);

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

/**
 * A copy with one flipped bit somewhere and the old checksum: what a bad disk returns. `bit` counts through
 * the fields: 32 bits each of value, key, client, request, session, kind, parent, view.
 */
export function corrupted(entry: Entry, bit: number): Entry {
  const { kind, key, value, client, request, session, tenant } = entry.operation;
  const mask = 1 << (bit & 31);
  const field = bit >>> 5;
  const flip = (number: number, word: number): number => (field === number ? word ^ mask : word);
  const operation = new Operation(
    flip(5, kind),
    flip(1, key),
    flip(0, value),
    flip(2, client),
    flip(3, request),
    flip(4, session),
    tenant,
  );
  const parentLow = flip(6, entry.parentLow);
  const view = flip(7, entry.view);
  return new Entry(entry.op, view, operation, parentLow, entry.parentHigh, entry.hashLow, entry.hashHigh);
}

/** Bits that `corrupted` can flip. */
export const CORRUPTIBLE_BITS = 256;

/**
 * The superblock: the promises of a replica that must survive a crash.
 *
 * `head` is the op number of the log as it was installed for `logView`. Behind it only entries prepared
 * in `logView` itself count; any other is left over from a log that was since replaced. The log begins
 * behind `checkpointOp`, whose checkpoint is in `checkpointArea`.
 */
export class Superblock {
  readonly sequence: number;
  readonly view: number;
  readonly logView: number;
  readonly head: number;
  /** 0: there is none yet. */
  readonly checkpointOp: number;
  readonly checkpointArea: number;
  readonly checksum: number;

  constructor(
    sequence: number,
    view: number,
    logView: number,
    head: number,
    checkpointOp = 0,
    checkpointArea = 0,
    checksum?: number,
  ) {
    this.sequence = sequence;
    this.view = view;
    this.logView = logView;
    this.head = head;
    this.checkpointOp = checkpointOp;
    this.checkpointArea = checkpointArea;
    this.checksum = checksum ?? superblockChecksum(this);
  }
}

function superblockChecksum({ sequence, view, logView, head, checkpointOp, checkpointArea }: Superblock): number {
  const promises = mixLow(mixLow(mixLow(mixLow(LOW_SEED, sequence), view), logView), head);
  return finish(mixLow(mixLow(promises, checkpointOp), checkpointArea));
}

export function isIntactSuperblock(block: Superblock): boolean {
  return block.checksum === superblockChecksum(block);
}

/** The newest intact copy; undefined when there is none. */
export function newestSuperblock(copies: readonly Superblock[]): Superblock | undefined {
  let newest: Superblock | undefined;
  for (const copy of copies) {
    if (isIntactSuperblock(copy) && (newest === undefined || copy.sequence > newest.sequence)) newest = copy;
  }
  return newest;
}

/** What a replica reads of its log when it starts; slot 0 is unused. */
export interface LogContent {
  readonly slots: readonly (Entry | null)[];
}

/**
 * The part of a log read from disk that can be trusted: the longest chain from `anchor`, the root or the
 * entry of the checkpoint. What is below it is not read.
 *
 * `corrupt` when a slot's checksum does not fit or it is of another number, or a slot is empty that the
 * superblock vouches for: the replica may have acknowledged what it can no longer read. An entry whose
 * checksum fits but which does not continue the chain is no corruption: it is left over from a log that was
 * being replaced, or behind a write that was lost before it was synced and so never acknowledged.
 */
export function readLog(
  content: LogContent,
  superblock: Superblock,
  anchor: Entry = ROOT,
): { log: Entry[]; corrupt: boolean } {
  const log: Entry[] = [];
  for (let op = 0; op < anchor.op; op++) log.push(FORGOTTEN);
  log.push(anchor);
  let corrupt = false;
  let chained = true;
  for (let op = anchor.op + 1; op < content.slots.length; op++) {
    const entry = content.slots[op] ?? null;
    if (entry === null) {
      if (op <= superblock.head) corrupt = true;
      chained = false;
      continue;
    }
    if (entry.op !== op || !isIntact(entry)) {
      corrupt = true;
      chained = false;
      continue;
    }
    if (!chained) continue;
    const stale = op > superblock.head && entry.view !== superblock.logView;
    if (stale || !follows(log[op - 1]!, entry)) chained = false;
    else log.push(entry);
  }
  if (superblock.head > anchor.op && content.slots.length <= superblock.head) corrupt = true;
  return { log, corrupt };
}
