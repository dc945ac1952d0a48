import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { Random } from "./random.ts";

const GOLDEN = [3896525996, 3971019165, 2781912304];
const half = fc.integer({ min: 0, max: 0xffffffff });

describe("Random", () => {
  test("the sequence of a seed never changes", () => {
    const random = new Random(17, 0, 1);
    expect([random.next(), random.next(), random.next()]).toEqual(GOLDEN);
  });

  test("both halves of the seed and the stream matter", () => {
    const first = (low: number, high: number, stream: number): number => new Random(low, high, stream).next();
    expect(new Set([first(1, 0, 1), first(0, 1, 1), first(1, 0, 2), first(1, 1, 1)]).size).toBe(4);
  });

  test("numbers stay within their bounds", () => {
    fc.assert(
      fc.property(half, half, fc.integer({ min: 1, max: 0xffffffff }), (low, high, bound) => {
        const random = new Random(low, high, 1);
        for (let draw = 0; draw < 20; draw++) {
          const value = random.below(bound);
          const uniform = random.next();
          const between = random.between(5, 9);
          const exponential = random.exponential(bound % 1_000_000);
          if (!Number.isInteger(value) || value < 0 || value >= bound) return false;
          if (!Number.isInteger(uniform) || uniform < 0 || uniform > 0xffffffff) return false;
          if (between < 5 || between > 9 || !Number.isInteger(exponential) || exponential < 1) return false;
        }
        return true;
      }),
    );
  });

  test("chances and means are what they say", () => {
    const random = new Random(3, 0, 1);
    let hits = 0;
    let sum = 0;
    for (let draw = 0; draw < 100_000; draw++) {
      if (random.chance(250_000)) hits += 1;
      sum += random.exponential(1000);
    }
    expect(Math.abs(hits - 25_000)).toBeLessThan(600);
    expect(Math.abs(sum / 100_000 - 1000)).toBeLessThan(30);
    expect(random.chance(0)).toBe(false);
    expect(random.chance(1_000_000)).toBe(true);
  });
});
