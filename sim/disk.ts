/**
 * The simulated disk of one replica: a log of slots, two copies of a superblock, two areas for checkpoints.
 *
 * A write that has ended is only in the cache; an fsync makes it durable. A crash decides for every write
 * that was not synced whether it is lost, kept, or torn. A torn or rotten slot keeps its checksum but not
 * its content. The two superblock copies are written one after the other, the older or worse one first,
 * so that a crash can spoil at most one of them.
 */
import { spoiledCheckpoint, type Checkpoint } from "./vsr/checkpoint.ts";
import {
  CORRUPTIBLE_BITS,
  Superblock,
  corrupted,
  isIntactSuperblock,
  newestSuperblock,
  type Entry,
} from "./vsr/log.ts";
import type { DiskContent } from "./vsr/recovery.ts";
import { JOB, type Outputs } from "./vsr/state.ts";
import type { Random } from "./random.ts";

/** Of 1,000,000 unsynced slots in a crash, so many survive although nobody asked for it. */
const KEPT_PER_MILLION = 350_000;
const TORN_PER_MILLION = 350_000;

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
  readonly checkpoints: (Checkpoint | null)[] = [null, null];
  job: number = JOB.none;
  private jobFirstOp = 0;
  private jobEntries: readonly (Entry | null)[] = [];
  private jobSuperblock: Superblock | null = null;
  private readonly unsyncedOps: number[] = [];
  private readonly unsyncedEntries: (Entry | null)[] = [];
  private unsyncedSuperblock: Superblock | null = null;
  private jobCheckpoint: Checkpoint | null = null;
  private jobArea = 0;
  private unsyncedCheckpoint: Checkpoint | null = null;

  /** Starts the write or fsync that a step asked for; it ends when `complete` is called. */
  begin(outputs: Outputs): void {
    if (this.job !== JOB.none) throw new Error("the disk was given a second job");
    this.job = outputs.diskJob;
    this.jobFirstOp = outputs.diskFirstOp;
    this.jobEntries = outputs.diskEntries;
    this.jobSuperblock = outputs.diskSuperblock;
    this.jobCheckpoint = outputs.diskCheckpoint;
    if (this.job === JOB.writeCheckpoint) this.jobArea = outputs.diskArea;
  }

  complete(): void {
    const job = this.job;
    this.job = JOB.none;
    this.writeToCache(job);
    if (job === JOB.syncLog) this.syncLog();
    else if (job === JOB.syncSuperblock) this.syncSuperblock();
    else if (job === JOB.syncCheckpoint) this.syncCheckpoint();
  }

  private writeToCache(job: number): void {
    if (job === JOB.writeLog) this.cacheEntries();
    else if (job === JOB.writeSuperblock) this.unsyncedSuperblock = this.jobSuperblock;
    else if (job === JOB.writeCheckpoint) this.unsyncedCheckpoint = this.jobCheckpoint;
  }

  /** Frees the slots of what a checkpoint stands for. */
  trim(toOp: number): void {
    for (let op = Math.min(toOp, this.slots.length - 1); op > 0 && this.slots[op] !== null; op--) this.slots[op] = null;
    for (let index = 0; index < this.unsyncedOps.length; index++) {
      if (this.unsyncedOps[index]! <= toOp) this.unsyncedEntries[index] = null;
    }
  }

  /** The content as a reader sees it while the machine runs: the cache over what is durable. */
  read(): DiskContent {
    const slots = this.slots.slice();
    for (let index = 0; index < this.unsyncedOps.length; index++) {
      placeSlot(slots, this.unsyncedOps[index]!, this.unsyncedEntries[index] ?? null);
    }
    return { slots, superblocks: this.superblocks.slice(), checkpoints: this.checkpoints };
  }

  /** Loses the power. Slots are torn only if `mayTear`. */
  crash(random: Random, mayTear: boolean): CrashOutcome {
    // What was on its way to the disk fares like what was in its cache.
    const job = this.job;
    this.job = JOB.none;
    this.writeToCache(job);
    const outcome: CrashOutcome = { lost: 0, kept: 0, torn: 0 };
    for (let index = 0; index < this.unsyncedOps.length; index++) {
      const op = this.unsyncedOps[index]!;
      const entry = this.unsyncedEntries[index] ?? null;
      if (random.chance(KEPT_PER_MILLION)) {
        placeSlot(this.slots, op, entry);
        outcome.kept += 1;
      } else if (mayTear && entry !== null && random.chance(TORN_PER_MILLION)) {
        placeSlot(this.slots, op, corrupted(entry, random.below(CORRUPTIBLE_BITS)));
        outcome.torn += 1;
      } else {
        outcome.lost += 1;
      }
    }
    this.crashCheckpoint(random);
    if (this.unsyncedSuperblock !== null) this.crashSuperblock(this.unsyncedSuperblock, random);
    this.unsyncedOps.length = 0;
    this.unsyncedEntries.length = 0;
    this.unsyncedSuperblock = null;
    return outcome;
  }

  /** A durable slot that is in use, or 0. */
  private usedSlot(random: Random): number {
    const first = (newestSuperblock(this.superblocks)?.checkpointOp ?? 0) + 1;
    if (this.slots.length <= first) return 0;
    const op = random.between(first, this.slots.length - 1);
    return this.slots[op] === null ? 0 : op;
  }

  /** Flips a bit in one durable slot; false when there is none. */
  rotSlot(random: Random): boolean {
    const op = this.usedSlot(random);
    if (op === 0) return false;
    this.slots[op] = corrupted(this.slots[op]!, random.below(CORRUPTIBLE_BITS));
    return true;
  }

  /** A write went to the slot of another entry, and its own slot never got it; false when there are no two. */
  misdirect(random: Random): boolean {
    const op = this.usedSlot(random);
    const other = this.usedSlot(random);
    if (op === 0 || other === 0 || op === other) return false;
    this.slots[other] = this.slots[op]!;
    this.slots[op] = null;
    return true;
  }

  /** Spoils the checkpoint that the superblock names; false when there is none. */
  rotCheckpoint(): boolean {
    const superblock = newestSuperblock(this.superblocks);
    if (superblock === undefined || superblock.checkpointOp === 0) return false;
    const checkpoint = this.checkpoints[superblock.checkpointArea] ?? null;
    if (checkpoint === null) return false;
    this.checkpoints[superblock.checkpointArea] = spoiledCheckpoint(checkpoint);
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

  private syncCheckpoint(): void {
    if (this.unsyncedCheckpoint !== null) this.checkpoints[this.jobArea] = this.unsyncedCheckpoint;
    this.unsyncedCheckpoint = null;
  }

  /** The area is not named by the superblock: whatever becomes of it does no harm. */
  private crashCheckpoint(random: Random): void {
    if (this.unsyncedCheckpoint === null) return;
    const fate = random.below(3);
    if (fate === 0) this.checkpoints[this.jobArea] = this.unsyncedCheckpoint;
    if (fate === 1) this.checkpoints[this.jobArea] = spoiledCheckpoint(this.unsyncedCheckpoint);
    this.unsyncedCheckpoint = null;
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
  const { sequence, view, logView, head, checkpointOp, checkpointArea, checksum } = superblock;
  return new Superblock(sequence, view, logView, head ^ 0x40000, checkpointOp, checkpointArea, checksum);
}

function placeSlot(slots: (Entry | null)[], op: number, entry: Entry | null): void {
  while (slots.length <= op) slots.push(null);
  slots[op] = entry;
}
