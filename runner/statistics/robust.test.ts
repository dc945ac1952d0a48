import { expect, test } from "@jest/globals";
import { mean, median, quantile, robustDeviation } from "./robust.ts";

test("median, quantiles and mean of known values", () => {
  expect(median([3, 1, 2])).toBe(2);
  expect(median([4, 1, 2, 3])).toBe(2.5);
  expect(quantile([10, 20, 30, 40, 50], 0.9)).toBe(46);
  expect(mean([1, 2, 6])).toBe(3);
});

test("one wild value does not move the spread", () => {
  expect(robustDeviation([1, 2, 3, 4, 5])).toBeCloseTo(1.4826, 12);
  expect(robustDeviation([1, 2, 3, 4, 5000])).toBeCloseTo(1.4826, 12);
});

test("nothing has no median and no mean", () => {
  expect(() => median([])).toThrow("a quantile of nothing");
  expect(() => mean([])).toThrow("the mean of nothing");
});
