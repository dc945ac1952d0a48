/**
 * Storage determinism: the committed log alone decides the state. Executing it from nothing must give the
 * state of every replica, hashed afresh, and the same log must be readable from every disk
 * (TigerBeetle's "storage determinism").
 */
import { Database, type DatabaseSize } from "../database/database.ts";
import { hashText } from "../hash.ts";
import { isSame, newestSuperblock, type Entry } from "../vsr/log.ts";
import type { DiskContent } from "../vsr/recovery.ts";
import { NO_BUGS } from "../vsr/state.ts";
import { brokenLink } from "./hash-chain.ts";

/** Executes a log (slot 0 is the root) on an empty database. */
export function replay(log: readonly Entry[], size: DatabaseSize): Database {
  const database = new Database(size, NO_BUGS);
  for (let op = 1; op < log.length; op++) database.execute(op, log[op]!.operation);
  return database;
}

/** The reason why a replica's state is not what the log says, or null. */
export function differingState(replica: number, expected: Database, actual: Database): string | null {
  const wanted = expected.recomputedHash();
  const found = actual.recomputedHash();
  if (found.low !== actual.hashLow || found.high !== actual.hashHigh) {
    return `the running hash of replica ${replica} is not the hash of its state`;
  }
  if (wanted.low === found.low && wanted.high === found.high) return null;
  const texts = `${hashText(found.low, found.high)}, but executing the log gives ${hashText(wanted.low, wanted.high)}`;
  return `replica ${replica} has state ${texts}`;
}

/** The reason why a disk does not hold the committed log behind its checkpoint, or null. */
export function differingDisk(replica: number, log: readonly Entry[], disk: DiskContent): string | null {
  const superblock = newestSuperblock(disk.superblocks);
  if (superblock === undefined) return `the disk of replica ${replica} has no superblock`;
  for (let op = superblock.checkpointOp + 1; op < log.length; op++) {
    const stored = disk.slots[op] ?? null;
    if (stored === null) return `the disk of replica ${replica} does not hold committed op ${op}`;
    const broken = brokenLink(log[op - 1]!, stored);
    if (broken !== null) return `on the disk of replica ${replica} ${broken}`;
    if (!isSame(stored, log[op]!)) return `the disk of replica ${replica} holds something else as op ${op}`;
  }
  return null;
}
