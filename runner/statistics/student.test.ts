import { expect, test } from "@jest/globals";
import { criticalT, twoSidedP } from "./student.ts";

/** Tables of Student's t, two-sided (NIST/SEMATECH e-Handbook 1.3.6.7.2, twice the upper tail). */
test.each([
  [1, 0.05, 12.706],
  [2, 0.01, 9.925],
  [5, 0.05, 2.571],
  [10, 0.001, 4.587],
  [30, 0.01, 2.75],
  [100, 0.05, 1.984],
])("%p degrees of freedom: p = %p at t = %p", (degrees, p, t) => {
  expect(criticalT(1 - p, degrees)).toBeCloseTo(t, 3);
  expect(twoSidedP(t, degrees)).toBeCloseTo(p, 4);
  expect(twoSidedP(-t, degrees)).toBe(twoSidedP(t, degrees));
});

test("closed forms: one degree is Cauchy, two have a formula", () => {
  for (const t of [0.1, 1, 3, 50]) {
    expect(twoSidedP(t, 1)).toBeCloseTo(1 - (2 * Math.atan(t)) / Math.PI, 12);
    expect(twoSidedP(t, 2)).toBeCloseTo(1 - t / Math.sqrt(2 + t * t), 12);
  }
});

test("no difference is sure to be no difference, an endless one sure to be one", () => {
  expect(twoSidedP(0, 7)).toBe(1);
  expect(twoSidedP(Infinity, 7)).toBe(0);
  expect(() => twoSidedP(1, 0)).toThrow("degrees of freedom must be above 0");
  expect(() => twoSidedP(NaN, 3)).toThrow("t is not a number");
  expect(() => criticalT(1, 3)).toThrow("a confidence lies between 0 and 1");
});
