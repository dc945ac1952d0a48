import { expect, test } from "@jest/globals";
import fc from "fast-check";
import { bestSplit } from "./divisive.ts";

/** The definition, cubic: what the sums that are carried along must equal. */
function splitByDefinition(
  values: readonly number[],
  minimum: number,
): { index: number; statistic: number } | undefined {
  const averageDistance = (some: readonly number[], others: readonly number[], pairs: number): number =>
    some.flatMap((one) => others.map((other) => Math.abs(one - other))).reduce((sum, one) => sum + one, 0) / pairs;
  let best: { index: number; statistic: number } | undefined;
  for (let index = minimum; index <= values.length - minimum; index += 1) {
    const left = values.slice(0, index);
    const right = values.slice(index);
    const [n, m] = [left.length, right.length];
    const distance =
      2 * averageDistance(left, right, n * m) -
      averageDistance(left, left, n * (n - 1)) -
      averageDistance(right, right, m * (m - 1));
    const statistic = ((n * m) / (n + m)) * distance;
    if (best === undefined || statistic > best.statistic + 1e-9) best = { index, statistic };
  }
  return best;
}

test("the running sums give what the definition gives", () => {
  const values = fc.array(fc.integer({ min: -1000, max: 1000 }), { minLength: 0, maxLength: 25 });
  fc.assert(
    fc.property(values, fc.integer({ min: 2, max: 5 }), (series, minimum) => {
      const fast = bestSplit(series, minimum);
      const slow = splitByDefinition(series, minimum);
      expect(fast === undefined).toBe(slow === undefined);
      if (fast !== undefined && slow !== undefined) expect(fast.statistic).toBeCloseTo(slow.statistic, 6);
    }),
  );
});

test("a plain step is cut where it is", () => {
  expect(bestSplit([1, 1, 1, 1, 5, 5, 5], 2)).toStrictEqual({ index: 4, statistic: ((4 * 3) / 7) * 8 });
});

test("no room for two parts is no cut, and a part of one value is refused", () => {
  expect(bestSplit([1, 2, 3], 2)).toBeUndefined();
  expect(() => bestSplit([1, 2, 3], 1)).toThrow("a part of one value has no spread");
});
