/**
 * The simulated disk of one replica: a log of slots and two copies of a superblock.
 *
 * A write that has ended is only in the cache; an fsync makes it durable. A crash decides for every write
 * that was not synced whether it is lost, kept, or torn. A torn or rotten slot keeps its checksum but not
 * its content. The two superblock copies are written one after the other, the older or worse one first,
 * so that a crash can spoil at most one of them.
 */
import { Superblock, corrupted, isIntactSuperblock, type DiskContent, type Entry } from "./vsr/log.ts";
import { JOB } from "./vsr/state.ts";
import type { Random } from "./random.ts";

/** Of 1,000,000 unsynced slots in a crash, so many survive although nobody asked for it. */
const KEPT_PER_MILLION = 350_000;
const TORN_PER_MILLION = 150_000;

export interface CrashOutcome {
  /** Unsynced slots that are gone. */
  lost: number;
  kept: number;
  torn: number;
}

export class SimulatedDisk implements DiskContent {
  /** What a read returns while the replica runs is also in `unsynced`; this is what survives. */
  readonly slots: (Entry | null)[] = [null];
  readonly superblocks: Superblock[] = [new Superblock(0, 0, 0, 0), new Superblock(0, 0, 0, 0)];
  job: number = JOB.none;
  private jobFirstOp = 0;
  private jobEntries: readonly (Entry | null)[] = [];
  private jobSuperblock: Superblock | null = null;
  private readonly unsyncedOps: number[] = [];
  private readonly unsyncedEntries: (Entry | null)[] = [];
  private unsyncedSuperblock: Superblock | null = null;

  /** Starts a write or an fsync; it ends when `complete` is called. */
  begin(job: number, firstOp: number, entries: readonly (Entry | null)[], superblock: Superblock | null): void {
    if (this.job !== JOB.none) throw new Error("the disk was given a second job");
    this.job = job;
    this.jobFirstOp = firstOp;
    this.jobEntries = entries;
    this.jobSuperblock = superblock;
  }

  complete(): void {
    const job = this.job;
    this.job = JOB.none;
    if (job === JOB.writeLog) this.cacheEntries();
    else if (job === JOB.writeSuperblock) this.unsyncedSuperblock = this.jobSuperblock;
    else if (job === JOB.syncLog) this.syncLog();
    else if (job === JOB.syncSuperblock) this.syncSuperblock();
  }

  /** The content as a reader sees it while the machine runs: the cache over what is durable. */
  read(): DiskContent {
    const slots = this.slots.slice();
    for (let index = 0; index < this.unsyncedOps.length; index++) {
      placeSlot(slots, this.unsyncedOps[index]!, this.unsyncedEntries[index] ?? null);
    }
    return { slots, superblocks: this.superblocks.slice() };
  }

  /** Loses the power. Slots are torn only if `mayTear`. */
  crash(random: Random, mayTear: boolean): CrashOutcome {
    // What was on its way to the disk fares like what was in its cache.
    const job = this.job;
    this.job = JOB.none;
    if (job === JOB.writeLog) this.cacheEntries();
    else if (job === JOB.writeSuperblock) this.unsyncedSuperblock = this.jobSuperblock;
    const outcome: CrashOutcome = { lost: 0, kept: 0, torn: 0 };
    for (let index = 0; index < this.unsyncedOps.length; index++) {
      const op = this.unsyncedOps[index]!;
      const entry = this.unsyncedEntries[index] ?? null;
      if (random.chance(KEPT_PER_MILLION)) {
        placeSlot(this.slots, op, entry);
        outcome.kept += 1;
      } else if (mayTear && entry !== null && random.chance(TORN_PER_MILLION)) {
        placeSlot(this.slots, op, corrupted(entry, random.below(31)));
        outcome.torn += 1;
      } else {
        outcome.lost += 1;
      }
    }
    if (this.unsyncedSuperblock !== null) this.crashSuperblock(this.unsyncedSuperblock, random);
    this.unsyncedOps.length = 0;
    this.unsyncedEntries.length = 0;
    this.unsyncedSuperblock = null;
    return outcome;
  }

  /** Flips a bit in one durable slot; false when there is none. */
  rotSlot(random: Random): boolean {
    if (this.slots.length <= 1) return false;
    const op = random.between(1, this.slots.length - 1);
    const entry = this.slots[op] ?? null;
    if (entry === null) return false;
    this.slots[op] = corrupted(entry, random.below(31));
    return true;
  }

  /** Flips a bit in one copy of the superblock; false when the other copy is not as good. */
  rotSuperblock(random: Random): boolean {
    const [first, second] = this.superblocks as [Superblock, Superblock];
    if (first.checksum !== second.checksum || !isIntactSuperblock(first) || !isIntactSuperblock(second)) return false;
    this.superblocks[random.below(2)] = torn(first);
    return true;
  }

  private cacheEntries(): void {
    for (let index = 0; index < this.jobEntries.length; index++) {
      this.unsyncedOps.push(this.jobFirstOp + index);
      this.unsyncedEntries.push(this.jobEntries[index] ?? null);
    }
  }

  private syncLog(): void {
    for (let index = 0; index < this.unsyncedOps.length; index++) {
      placeSlot(this.slots, this.unsyncedOps[index]!, this.unsyncedEntries[index] ?? null);
    }
    this.unsyncedOps.length = 0;
    this.unsyncedEntries.length = 0;
  }

  private syncSuperblock(): void {
    const superblock = this.unsyncedSuperblock;
    if (superblock === null) return;
    this.superblocks[0] = superblock;
    this.superblocks[1] = superblock;
    this.unsyncedSuperblock = null;
  }

  /** The copy to be written first: the one that is bad or older. */
  private firstCopy(): number {
    const [first, second] = this.superblocks as [Superblock, Superblock];
    if (!isIntactSuperblock(second)) return 1;
    if (!isIntactSuperblock(first)) return 0;
    return second.sequence < first.sequence ? 1 : 0;
  }

  private crashSuperblock(superblock: Superblock, random: Random): void {
    const first = this.firstCopy();
    const fate = random.below(5);
    if (fate === 1) this.superblocks[first] = torn(superblock);
    if (fate >= 2) this.superblocks[first] = superblock;
    if (fate === 3) this.superblocks[1 - first] = torn(superblock);
    if (fate === 4) this.superblocks[1 - first] = superblock;
  }
}

function torn(superblock: Superblock): Superblock {
  const { sequence, view, logView, head, checksum } = superblock;
  return new Superblock(sequence, view, logView, head ^ 0x40000, checksum);
}

function placeSlot(slots: (Entry | null)[], op: number, entry: Entry | null): void {
  while (slots.length <= op) slots.push(null);
  slots[op] = entry;
}
