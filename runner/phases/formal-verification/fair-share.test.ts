import { expect, test } from "@jest/globals";
import fc from "fast-check";
import { fairShareMs } from "./fair-share.ts";

test.each<[leftMs: number, wantsMs: [number, ...number[]], share: number]>([
  [100, [30], 30],
  [100, [300], 100],
  [100, [30, 40], 30],
  [90, [900, 900, 900], 30],
  // The small one takes 10; the other two share 90.
  [100, [900, 10, 900], 45],
  [100, [10, 900, 900], 10],
  [0, [10, 10], 0],
  [-5, [10], 0],
])("%i ms for %j: %i for the first", (leftMs, wantsMs, share) => {
  expect(fairShareMs(leftMs, wantsMs)).toBe(share);
});

const wants = fc.tuple(fc.nat(5_000), fc.nat(5_000), fc.nat(5_000), fc.nat(5_000));

test("all together never use more than there is, and nobody gets less than an even part that he wants", () => {
  fc.assert(
    fc.property(fc.nat(10_000), wants, (leftMs, wantsMs) => {
      const shares = wantsMs.map((own, index) =>
        fairShareMs(leftMs, [own, ...wantsMs.filter((_, other) => other !== index)]),
      );
      const sum = shares.reduce((total, share) => total + share, 0);
      expect(sum).toBeLessThanOrEqual(leftMs + 1e-6);
      expect(sum).toBeCloseTo(
        Math.min(
          leftMs,
          wantsMs.reduce((total, want) => total + want, 0),
        ),
        6,
      );
      shares.forEach((share, index) => {
        expect(share).toBeGreaterThanOrEqual(Math.min(wantsMs[index]!, leftMs / wantsMs.length) - 1e-6);
      });
    }),
  );
});

test("whoever uses all of his share leaves the others theirs", () => {
  fc.assert(
    fc.property(fc.nat(10_000), wants, (budgetMs, wantsMs) => {
      const [first, ...others] = wantsMs;
      let leftMs = budgetMs;
      const used: number[] = [];
      for (let rest: readonly number[] = [first, ...others]; rest.length > 0; rest = rest.slice(1)) {
        const share = fairShareMs(leftMs, rest as [number, ...number[]]);
        used.push(share);
        leftMs -= share;
      }
      used.forEach((share, index) => {
        expect(share).toBeCloseTo(
          fairShareMs(budgetMs, [wantsMs[index]!, ...wantsMs.filter((_, other) => other !== index)]),
          6,
        );
      });
    }),
  );
});
