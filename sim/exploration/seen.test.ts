import { expect, test } from "@jest/globals";
import fc from "fast-check";
import { SeenWorlds } from "./seen.ts";

test("knows what it was given, and nothing else", () => {
  // Few values, so that many come twice, and some next to each other in the table.
  const half = fc.oneof(fc.nat({ max: 3 }), fc.constantFrom(0, 0xffffffff, 0x10000, -1));
  fc.assert(
    fc.property(fc.array(fc.tuple(half, half), { maxLength: 200 }), (worlds) => {
      const seen = new SeenWorlds();
      const known = new Map<string, number>();
      for (const [low, high] of worlds) {
        // One fingerprint stands for a free place, and is taken for its neighbour.
        const key = low === 0 && high === 0 ? "1,0" : `${low >>> 0},${high >>> 0}`;
        const expected = known.has(key) ? -1 : known.size;
        expect(seen.add(low, high, 0, 0)).toBe(expected);
        if (expected >= 0) known.set(key, expected);
      }
      expect(seen.size).toBe(known.size);
    }),
  );
});

test("keeps everything while it grows, and how each was reached", () => {
  const seen = new SeenWorlds();
  const count = 200_000;
  const low = (world: number): number => Math.imul(world + 1, 0x9e3779b1) >>> 0;
  // World n is reached from world n / 3.
  for (let world = 0; world < count; world++) seen.add(low(world), world, Math.floor(world / 3), world % 3);
  expect(seen.size).toBe(count);
  let again = 0;
  for (let world = 0; world < count; world++) if (seen.add(low(world), world, 0, 0) >= 0) again += 1;
  expect(again).toBe(0);
  expect(seen.pathTo(0)).toEqual([]);
  expect(seen.pathTo(150_000)).toEqual(
    (150_000)
      .toString(3)
      .split("")
      .map((digit) => Number(digit)),
  );
});
