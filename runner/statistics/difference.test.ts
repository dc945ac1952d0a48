import { expect, test } from "@jest/globals";
import { differenceOf, intervalOf, type DifferenceSettings } from "./difference.ts";
import { twoSidedP } from "./student.ts";

/** Everything off: the textbook's Welch test. */
const PLAIN: DifferenceSettings = {
  priorDegrees: 0,
  winsoriseDeviations: 1e9,
  winsoriseKeep: 1,
  maxAutocorrelation: 0,
};
test("with everything off it is Welch's test, worked out by hand", () => {
  // Means 3 and 7, variances 2.5 and 12.5: t = 4 / sqrt(0.5 + 2.5), degrees = 3² / (0.5² / 4 + 2.5² / 4).
  const found = differenceOf([1, 2, 3, 4, 5], [4, 5, 6, 7, 13], PLAIN);
  expect(found.difference).toBe(4);
  expect(found.standardError).toBeCloseTo(Math.sqrt(3), 12);
  expect(found.degrees).toBeCloseTo(9 / 1.625, 12);
  expect(found.p).toBeCloseTo(twoSidedP(4 / Math.sqrt(3), 9 / 1.625), 12);
  const { lower, upper } = intervalOf(found, 0.95);
  expect((lower + upper) / 2).toBeCloseTo(4, 9);
  expect(intervalOf(found, 1 - found.p).lower).toBeCloseTo(0, 6);
});

test("three values that happen to agree are a sure change for Welch, not with a prior", () => {
  const noisy = [0, 3, -3, 2, -2, 1, -1, 3, -3, 0, 2, -2];
  const agreeing = [2.5, 2.51, 2.49];
  expect(differenceOf(noisy, agreeing, PLAIN).p).toBeLessThan(0.01);
  expect(differenceOf(noisy, agreeing, { ...PLAIN, priorDegrees: 8 }).p).toBeGreaterThan(0.05);
});

test("one wild value neither makes a change nor hides one", () => {
  const calm = [0, 1, -1, 0.5, -0.5, 1, -1, 0, 0.5, -0.5];
  const drawn = { ...PLAIN, winsoriseDeviations: 3.5, winsoriseKeep: 0.9 };
  const same = [...calm.slice(0, 9), 40];
  const slower = same.map((value) => value + 3);
  expect(differenceOf(calm, same, drawn).difference).toBeLessThan(0.6);
  expect(differenceOf(calm, same, PLAIN).difference).toBeGreaterThan(4);
  expect(differenceOf(calm, slower, PLAIN).p).toBeGreaterThan(0.05);
  expect(differenceOf(calm, slower, drawn).p).toBeLessThan(1e-4);
});

test("runs that resemble their neighbours are worth less", () => {
  const wave = Array.from({ length: 20 }, (_, index) => Math.sin(index / 3));
  const moved = wave.map((value) => value + 1);
  const believed = differenceOf(wave, moved, { ...PLAIN, maxAutocorrelation: 0.6 });
  expect(believed.inflation).toBeCloseTo(4, 9);
  expect(believed.standardError).toBeCloseTo(2 * differenceOf(wave, moved, PLAIN).standardError, 9);
});

test("equal values on both sides: no difference, or one that is sure", () => {
  expect(differenceOf([5, 5, 5, 5], [5, 5, 5, 5], PLAIN).p).toBe(1);
  expect(differenceOf([5, 5, 5, 5], [6, 6, 6, 6], PLAIN).p).toBeLessThan(1e-6);
  expect(() => differenceOf([1], [1, 2], PLAIN)).toThrow("two values on each side are needed");
});
