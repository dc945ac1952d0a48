/**
 * Checkpoints: the whole state after one operation, so that the log below it need not be kept
 * ("Viewstamped Replication Revisited" section 5.1).
 *
 * A replica takes one whenever the number of an operation it executes is a multiple of the interval, writes
 * it to the area of its disk that the superblock does not name, and then the superblock that names it. The
 * log is kept back to the checkpoint before, for replicas that are only a little behind; who is further
 * behind is given the checkpoint itself (repair.ts).
 */
import type { Database } from "../database/database.ts";
import { HIGH_SEED, LOW_SEED, finish, mixHigh, mixLow } from "../hash.ts";
import { isIntact, type Entry } from "./log.ts";

/** Operations between two checkpoints. */
export const CHECKPOINT_INTERVAL = 32;

/** Never changed once made: it is shared between disks, messages and replicas. */
export class Checkpoint {
  readonly op: number;
  /** The entry of `op`: what the log continues. */
  readonly anchor: Entry;
  /** The state after `op`. Copied before anything is executed on it. */
  readonly database: Database;
  readonly checksum: number;

  constructor(anchor: Entry, database: Database, checksum?: number) {
    this.op = anchor.op;
    this.anchor = anchor;
    this.database = database;
    this.checksum = checksum ?? contentChecksum(anchor, database);
  }
}

function contentChecksum(anchor: Entry, database: Database): number {
  const { low, high } = database.recomputedHash();
  const hash = mixLow(mixLow(mixLow(LOW_SEED, anchor.op), anchor.hashLow), anchor.hashHigh);
  return finish(mixHigh(mixLow(mixLow(hash, low), high), HIGH_SEED));
}

export function isIntactCheckpoint(checkpoint: Checkpoint): boolean {
  return isIntact(checkpoint.anchor) && checkpoint.checksum === contentChecksum(checkpoint.anchor, checkpoint.database);
}

/** What a bad disk returns: the content of another checkpoint under this checksum. */
export function spoiledCheckpoint({ anchor, database, checksum }: Checkpoint): Checkpoint {
  return new Checkpoint(anchor, database, checksum ^ 0x100);
}
