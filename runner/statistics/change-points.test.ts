import { expect, test } from "@jest/globals";
import fc from "fast-check";
import { changePoints } from "./change-points.ts";
import { stretchOf } from "./location.ts";
import { CHANGE_SETTINGS } from "./settings.ts";

/** Noise of 1 % without a generator: a fixed pattern whose neighbours do not resemble each other. */
const PATTERN = [0.3, -1.2, 0.8, -0.4, 1.5, -0.9, 0.1, -0.2, 1.1, -1.4, 0.6, -0.7, 0.9, -0.1, -0.5, 0.4];
const level = (value: number, length: number): number[] =>
  Array.from({ length }, (_, index) => value + 0.01 * PATTERN[index % PATTERN.length]!);
const indexesOf = (values: readonly number[]): number[] =>
  changePoints(values, CHANGE_SETTINGS).map(({ index }) => index);

test("a step up and a step down later are both found where they are", () => {
  expect(indexesOf([...level(0, 30), ...level(0.1, 20), ...level(0, 20)])).toStrictEqual([30, 50]);
});

test("a young step at the end of a long history is found", () => {
  expect(indexesOf([...level(0, 180), ...level(0.08, 5)])).toStrictEqual([180]);
});

test("two runs after a step are no change yet, however large", () => {
  expect(indexesOf([...level(0, 30), ...level(0.3, 2)])).toStrictEqual([]);
});

test("a step that is sure and smaller than the least that counts is none", () => {
  const tiny = (value: number): number[] => level(0, 40).map((noise) => value + noise / 10);
  expect(indexesOf([...tiny(0), ...tiny(0.015)])).toStrictEqual([]);
  expect(indexesOf([...tiny(0), ...tiny(0.025)])).toStrictEqual([40]);
});

test("no noise, no change: constant and short series", () => {
  expect(indexesOf(Array<number>(50).fill(3))).toStrictEqual([]);
  expect(indexesOf([])).toStrictEqual([]);
  expect(indexesOf([1, 2, 3])).toStrictEqual([]);
});

test("laws: a change of unit moves nothing, and every change holds the limits", () => {
  const series = fc.array(fc.double({ min: -0.3, max: 0.3, noNaN: true }), { minLength: 0, maxLength: 70 });
  fc.assert(
    fc.property(series, fc.integer({ min: -5, max: 5 }), (values, unit) => {
      const found = changePoints(values, CHANGE_SETTINGS);
      const moved = changePoints(
        values.map((value) => value + unit),
        CHANGE_SETTINGS,
      );
      expect(moved.map(({ index }) => index)).toStrictEqual(found.map(({ index }) => index));
      for (const change of found) {
        const { index, from, to, p, difference } = change;
        const { earliest, latest } = stretchOf(values, change);
        expect([from < earliest, earliest <= index, index <= latest, latest < to]).not.toContain(false);
        expect(p).toBeLessThanOrEqual(CHANGE_SETTINGS.maxP);
        expect(Math.abs(difference)).toBeGreaterThanOrEqual(CHANGE_SETTINGS.minDifference);
        expect(Math.min(index - from, to - index)).toBeGreaterThanOrEqual(CHANGE_SETTINGS.minSegment);
      }
    }),
    { seed: 7 },
  );
});

test("the stretch holds the place: one run for a large step, several for a small one", () => {
  const stretch = (size: number, noise: number): { earliest: number; latest: number } => {
    const values = [...level(0, 30), ...level(size / noise, 20)].map((value) => value * noise);
    return stretchOf(values, changePoints(values, CHANGE_SETTINGS)[0]!);
  };
  expect(stretch(0.2, 1)).toStrictEqual({ earliest: 30, latest: 30 });
  const { earliest, latest } = stretch(0.06, 4);
  expect(earliest).toBeLessThanOrEqual(30);
  expect(latest).toBeGreaterThanOrEqual(30);
  expect(latest - earliest).toBeGreaterThan(0);
});

test("however unsure, a change lies between two runs of its stretch", () => {
  const values = [...level(0, 12), ...level(0.1, 12)];
  const unsure = { ...changePoints(values, CHANGE_SETTINGS)[0]!, inflation: 1e9 };
  expect(stretchOf(values, unsure)).toStrictEqual({ earliest: 1, latest: 23 });
});
