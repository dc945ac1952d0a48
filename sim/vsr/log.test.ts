import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { OPERATION, Operation } from "../database/operation.ts";
import { brokenChain, brokenLink } from "../invariants/hash-chain.ts";
import {
  CORRUPTIBLE_BITS,
  FORGOTTEN,
  ROOT,
  Superblock,
  corrupted,
  entryAfter,
  isIntact,
  readLog,
  type Entry,
} from "./log.ts";

function chain(length: number, view = 0): Entry[] {
  const log = [ROOT];
  for (let op = 1; op <= length; op++) {
    log.push(entryAfter(log[op - 1]!, view, new Operation(OPERATION.write, 0, op, 0, op, 1, 0)));
  }
  return log;
}

describe("the hash chain", () => {
  test("a flipped bit anywhere in an entry is found", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 20 }), fc.integer({ min: 0, max: CORRUPTIBLE_BITS - 1 }), (op, bit) => {
        const log = chain(20);
        if (brokenChain(log, 0) !== null || !isIntact(log[op]!)) return false;
        log[op] = corrupted(log[op]!, bit);
        return brokenChain(log, 0) === `the checksum of op ${op} does not fit its content`;
      }),
    );
  });

  test("an entry of another history does not continue this one", () => {
    expect(brokenLink(chain(3)[3]!, chain(4, 1)[4]!)).toBe("op 4 does not continue op 3");
    expect(brokenLink(chain(3)[2]!, chain(4)[4]!)).toBe("op 4 does not continue op 2");
    expect(brokenLink(chain(3)[3]!, chain(4)[4]!)).toBe(null);
  });
});

describe("readLog", () => {
  const read = (slots: (Entry | null)[], head: number, logView = 0): { length: number; corrupt: boolean } => {
    const { log, corrupt } = readLog({ slots: [null, ...slots] }, new Superblock(1, 0, logView, head));
    return { length: log.length - 1, corrupt };
  };
  const entries = chain(4).slice(1);

  test("an intact log", () => {
    expect(read(entries, 0)).toEqual({ length: 4, corrupt: false });
  });

  test("a missing end was never synced", () => {
    expect(read([entries[0]!, null, entries[2]!], 1)).toEqual({ length: 1, corrupt: false });
  });

  test("a missing slot that the superblock vouches for is corruption", () => {
    expect(read([entries[0]!, null, entries[2]!], 2).corrupt).toBe(true);
    expect(read([entries[0]!], 2).corrupt).toBe(true);
  });

  test("a bad checksum is corruption, wherever it is", () => {
    expect(read([entries[0]!, corrupted(entries[1]!, 3), entries[2]!], 0)).toEqual({ length: 1, corrupt: true });
    expect(read([null, corrupted(entries[1]!, 3)], 0).corrupt).toBe(true);
  });

  test("behind the head only entries of the log view count", () => {
    const newer = entryAfter(entries[1]!, 2, new Operation(OPERATION.write, 0, 9, 0, 9, 1, 0));
    expect(read(entries, 2, 2)).toEqual({ length: 2, corrupt: false });
    expect(read([entries[0]!, entries[1]!, newer], 2, 2)).toEqual({ length: 3, corrupt: false });
    expect(read([entries[0]!, entries[1]!, newer, entries[3]!], 4, 2)).toEqual({ length: 3, corrupt: false });
  });

  test("behind a checkpoint only what follows its entry counts", () => {
    const behind = (slots: (Entry | null)[], head: number): { log: Entry[]; corrupt: boolean } =>
      readLog({ slots: [null, ...slots] }, new Superblock(1, 0, 0, head, 2), entries[1]);
    expect(behind([null, null, entries[2]!], 2)).toEqual({
      log: [FORGOTTEN, FORGOTTEN, entries[1]!, entries[2]!],
      corrupt: false,
    });
    expect(behind([], 2).corrupt).toBe(false);
    expect(behind([null, null, null, entries[3]!], 3).corrupt).toBe(true);
  });

  test("an entry in the slot of another one is corruption", () => {
    expect(read([entries[0]!, entries[2]!], 0)).toEqual({ length: 1, corrupt: true });
  });
});
