/** The disk of an explored replica: a value that never changes, so that many worlds can share it. */
import { JOB, type Outputs } from "../vsr/state.ts";
import { Superblock, corrupted, type Entry } from "../vsr/log.ts";
import type { DiskContent } from "../vsr/recovery.ts";
import type { Fingerprint } from "./fingerprint.ts";

const NOTHING_UNSYNCED: ReadonlyMap<number, Entry | null> = new Map();

export class ExploredDisk implements DiskContent {
  readonly slots: readonly (Entry | null)[];
  readonly superblock: Superblock;
  /** Written, not synced; by op number. */
  readonly unsynced: ReadonlyMap<number, Entry | null>;
  readonly unsyncedSuperblock: Superblock | null;

  constructor(
    slots: readonly (Entry | null)[],
    superblock: Superblock,
    unsynced: ReadonlyMap<number, Entry | null>,
    unsyncedSuperblock: Superblock | null,
  ) {
    this.slots = slots;
    this.superblock = superblock;
    this.unsynced = unsynced;
    this.unsyncedSuperblock = unsyncedSuperblock;
  }

  /** There are no checkpoints in an exploration: no log grows long enough. */
  readonly checkpoints = [];

  get superblocks(): readonly Superblock[] {
    return [this.superblock];
  }

  written(outputs: Outputs): ExploredDisk {
    if (outputs.diskSuperblock !== null) {
      return new ExploredDisk(this.slots, this.superblock, this.unsynced, outputs.diskSuperblock);
    }
    const unsynced = new Map(this.unsynced);
    outputs.diskEntries.forEach((entry, index) => unsynced.set(outputs.diskFirstOp + index, entry));
    return new ExploredDisk(this.slots, this.superblock, unsynced, this.unsyncedSuperblock);
  }

  synced(job: number): ExploredDisk {
    if (job === JOB.syncSuperblock) {
      return new ExploredDisk(this.slots, this.unsyncedSuperblock ?? this.superblock, this.unsynced, null);
    }
    const slots = this.slots.slice();
    for (const [op, entry] of this.unsynced) {
      while (slots.length <= op) slots.push(null);
      slots[op] = entry;
    }
    return new ExploredDisk(slots, this.superblock, NOTHING_UNSYNCED, this.unsyncedSuperblock);
  }

  crashed(): ExploredDisk {
    return new ExploredDisk(this.slots, this.superblock, NOTHING_UNSYNCED, null);
  }

  /** The newest slot does not fit its checksum any more; null when there is none. */
  spoiled(): ExploredDisk | null {
    const op = this.slots.length - 1;
    const entry = this.slots[op] ?? null;
    if (op < 1 || entry === null) return null;
    const slots = this.slots.slice();
    slots[op] = corrupted(entry, 1);
    return new ExploredDisk(slots, this.superblock, this.unsynced, this.unsyncedSuperblock);
  }
}

/** What every replica begins with. */
export const FORMATTED_DISK = new ExploredDisk([null], new Superblock(0, 0, 0, 0), NOTHING_UNSYNCED, null);

export function addDisk(fingerprint: Fingerprint, disk: ExploredDisk): void {
  for (const entry of disk.slots) {
    fingerprint.add(entry === null ? 0 : entry.operation.value + 1);
    if (entry !== null) fingerprint.addEntry(entry);
  }
  fingerprint.add(disk.superblock.view);
  fingerprint.add(disk.superblock.logView);
  fingerprint.add(disk.superblock.head);
  for (const [op, entry] of disk.unsynced) {
    fingerprint.add(op);
    if (entry !== null) fingerprint.addEntry(entry);
  }
}
