import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { OPERATION, Operation } from "./database/operation.ts";
import { SimulatedDisk } from "./disk.ts";
import { Random } from "./random.ts";
import { ROOT, Superblock, entryAfter, isIntact, newestSuperblock, type Entry } from "./vsr/log.ts";
import { JOB, Outputs } from "./vsr/state.ts";

function chain(length: number): Entry[] {
  const log = [ROOT];
  for (let op = 1; op <= length; op++) {
    log.push(entryAfter(log[op - 1]!, 0, new Operation(OPERATION.write, 0, op, 0, op, 1, 0)));
  }
  return log.slice(1);
}

function jobOf(job: number, entries: Entry[], superblock: Superblock | null): Outputs {
  const outputs = new Outputs();
  outputs.diskJob = job;
  outputs.diskFirstOp = 1;
  outputs.diskEntries = entries;
  outputs.diskSuperblock = superblock;
  return outputs;
}

function perform(disk: SimulatedDisk, job: number, entries: Entry[], superblock: Superblock | null): void {
  disk.begin(jobOf(job, entries, superblock));
  disk.complete();
}

describe("SimulatedDisk", () => {
  test("what was synced survives every crash", () => {
    for (let seed = 0; seed < 50; seed++) {
      const disk = new SimulatedDisk();
      perform(disk, JOB.writeLog, chain(3), null);
      perform(disk, JOB.syncLog, [], null);
      expect(disk.crash(new Random(seed, 0, 1), true)).toEqual({ lost: 0, kept: 0, torn: 0 });
      expect(disk.slots.slice(1)).toEqual(chain(3));
    }
  });

  test("what was only written is lost, kept or torn; torn only if allowed", () => {
    const total = { lost: 0, kept: 0, torn: 0 };
    for (let seed = 0; seed < 100; seed++) {
      const disk = new SimulatedDisk();
      perform(disk, JOB.writeLog, chain(3), null);
      expect(disk.read().slots.slice(1)).toEqual(chain(3));
      const { lost, kept, torn } = disk.crash(new Random(seed, 0, 1), seed % 2 === 0);
      expect(lost + kept + torn).toBe(3);
      const bad = disk.slots.filter((entry) => entry !== null && !isIntact(entry)).length;
      expect(bad).toBe(torn);
      if (seed % 2 === 1) expect(torn).toBe(0);
      total.lost += lost;
      total.kept += kept;
      total.torn += torn;
    }
    expect(Math.min(total.lost, total.kept, total.torn)).toBeGreaterThan(10);
  });

  test("a copy of the superblock is always intact, and never older than the last one synced", () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 1_000_000 }), fc.array(fc.integer({ min: 0, max: 3 })), (seed, steps) => {
        const disk = new SimulatedDisk();
        const random = new Random(seed, 0, 1);
        let synced = 0;
        let newest = 0;
        for (const [index, step] of steps.entries()) {
          if (step === 3) {
            disk.rotSuperblock(random);
          } else {
            newest = Math.max(newest, newestSuperblock(disk.superblocks)!.sequence) + 1;
            disk.begin(jobOf(JOB.writeSuperblock, [], new Superblock(newest, index, 0, 0)));
            if (step > 0) disk.complete();
            if (step === 2) {
              perform(disk, JOB.syncSuperblock, [], null);
              synced = newest;
            }
            disk.crash(random, true);
          }
          const found = newestSuperblock(disk.superblocks);
          if (found === undefined || found.sequence < synced) return false;
          // As a replica does that finds its copies different.
          if (disk.superblocks[0]!.checksum !== disk.superblocks[1]!.checksum || step === 3) {
            newest = found.sequence + 1;
            perform(disk, JOB.writeSuperblock, [], new Superblock(newest, found.view, 0, 0));
            perform(disk, JOB.syncSuperblock, [], null);
            synced = newest;
          }
        }
        return true;
      }),
    );
  });
});
