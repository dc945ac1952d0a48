/**
 * Change points of a series: E-divisive in windows, made sure by a test, as Hunter does it (Fleming et al. 2023).
 *
 * E-divisive alone cuts the whole series first and loses a young, small shift at the end of a long history.
 * So windows are cut on their own with a loose limit (weak change points); then each weak one is tested between
 * its neighbours, and the weakest are dropped until all that are left hold the strict limits.
 */
import { bestSplit } from "./divisive.ts";
import { differenceOf, type Difference, type DifferenceSettings } from "./difference.ts";

export interface ChangePointSettings extends DifferenceSettings {
  /** Runs needed on each side of a change. */
  readonly minSegment: number;
  /** Length of a window, in runs; windows overlap by half. */
  readonly window: number;
  /** A cut with a larger p is not followed up. */
  readonly weakP: number;
  /** A change with a larger p is noise. */
  readonly maxP: number;
  /** A smaller difference is no change, however sure; in the values' unit. */
  readonly minDifference: number;
}

export interface ChangePoint extends Difference {
  /** The first index after the change. */
  readonly index: number;
  /** The stretch of level values that the change was tested on: [from, index) against [index, to). */
  readonly from: number;
  readonly to: number;
}

/** In order. `values`: oldest first; the caller bounds their number (the time is quadratic in a window). */
export function changePoints(values: readonly number[], settings: ChangePointSettings): ChangePoint[] {
  let indexes = weakPoints(values, settings);
  for (;;) {
    const tested = testedPoints(values, indexes, settings);
    const dropped = weakest(tested, settings);
    if (dropped === undefined) return tested;
    indexes = indexes.filter((index) => index !== dropped.index);
  }
}

function weakPoints(values: readonly number[], settings: ChangePointSettings): number[] {
  const found = new Set<number>();
  const step = Math.max(1, Math.floor(settings.window / 2));
  // From the newest back, so that the newest runs always stand in a full window.
  for (let end = values.length; end > 0; end -= step) {
    const from = Math.max(0, end - settings.window);
    divide(values, from, end, settings, found);
    if (from === 0) break;
  }
  return [...found].sort((a, b) => a - b);
}

/** Cuts [from, to) and goes on in both parts while the cuts pass the loose limit. */
function divide(
  values: readonly number[],
  from: number,
  to: number,
  settings: ChangePointSettings,
  found: Set<number>,
): void {
  const split = bestSplit(values.slice(from, to), settings.minSegment);
  if (split === undefined) return;
  const index = from + split.index;
  // Parts may still hold several levels, which looks like autocorrelation: it is left to the strict test.
  const loose = { ...settings, maxAutocorrelation: 0 };
  const { p } = differenceOf(values.slice(from, index), values.slice(index, to), loose);
  if (p > settings.weakP) return;
  found.add(index);
  divide(values, from, index, settings, found);
  divide(values, index, to, settings, found);
}

/** Each against its neighbouring stretches, at most one window long. Overlapping windows may cut too near. */
function testedPoints(
  values: readonly number[],
  indexes: readonly number[],
  settings: ChangePointSettings,
): ChangePoint[] {
  return indexes.map((index, place) => {
    const from = Math.max(indexes[place - 1] ?? 0, index - settings.window);
    const to = Math.min(indexes[place + 1] ?? values.length, index + settings.window);
    if (index - from < 2 || to - index < 2)
      return { index, from, to, difference: 0, standardError: 0, degrees: 1, p: 1, inflation: 1 };
    return { index, from, to, ...differenceOf(values.slice(from, index), values.slice(index, to), settings) };
  });
}

/** The one to drop next: the least sure of those above the limit, then the smallest of those too small. */
function weakest(tested: readonly ChangePoint[], settings: ChangePointSettings): ChangePoint | undefined {
  const tooShort = tested.filter(({ index, from, to }) => Math.min(index - from, to - index) < settings.minSegment);
  const unsure = tested.filter(({ p }) => p > settings.maxP);
  const candidates = tooShort.length > 0 ? tooShort : unsure;
  if (candidates.length > 0) return candidates.reduce((worst, one) => (one.p > worst.p ? one : worst));
  const small = tested.filter(({ difference }) => Math.abs(difference) < settings.minDifference);
  if (small.length === 0) return undefined;
  return small.reduce((least, one) => (Math.abs(one.difference) < Math.abs(least.difference) ? one : least));
}
