import { expect, test } from "@jest/globals";
import fc from "fast-check";
import type { ProofsProfile } from "../../../contracts/profile/formal-verification.ts";
import { kimberliteProfile } from "../../profiles/kimberlite/kimberlite.ts";
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

/** Minutes that each check of the profile kimberlite has of its hour; `usedOf`: what it uses of the time it is given. */
function hourOfKimberlite(architecture: "x64" | "arm64", usedOf: (name: string, givenMinutes: number) => number) {
  const { checks, canary, images } = kimberliteProfile().formal_verification as ProofsProfile;
  const here = [canary.check, ...checks].filter(({ architectures }) => architectures.includes(architecture));
  const withImage = new Set<string>();
  const wants = here.map((check) => {
    const image = "image" in check ? check.image : null;
    const isFirst = image !== null && !withImage.has(image);
    if (image !== null) withImage.add(image);
    return (check.deadline_seconds + (isFirst ? images[image]!.deadline_seconds : 0)) / 60;
  });
  let left = 60;
  return Object.fromEntries(
    here.map(({ name }, index) => {
      const given = fairShareMs(left, wants.slice(index) as [number, ...number[]]);
      left -= usedOf(name, given);
      return [name, Math.round(given * 10) / 10];
    }),
  );
}

test("the deadlines of the profile kimberlite are more than its hour, and starve nobody", () => {
  // All of them use all they are given, and no image is there yet.
  const worst = hourOfKimberlite("x64", (_, given) => given);
  expect(worst["planted-violation"]).toBe(2);
  expect(Math.min(...Object.values(worst))).toBe(2);
  expect(Math.min(...Object.values(hourOfKimberlite("arm64", (_, given) => given)).slice(1))).toBeGreaterThan(4);
});

test("where Kani is not installed, its part of the hour is Ivy's", () => {
  const usual = hourOfKimberlite("arm64", (name, given) => (name === "kani" ? 0 : Math.min(given, 2)));
  expect(usual["ivy-byzantine"]).toBeGreaterThan(40);
});
