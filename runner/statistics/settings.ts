/**
 * The limits of the change-point search, and why they are what they are. Each was chosen by
 * `npm run bench -- statistics`, which prints what it buys; docs/benchmarks.md has the table.
 */
import type { ChangePointSettings } from "./change-points.ts";

/** Values are natural logarithms, so that a difference is a ratio and equal for fast and slow benchmarks. */
export const CHANGE_SETTINGS: ChangePointSettings = {
  // Fewer runs of weight: three loud runs in a row look like a change. More: a change of spread goes unseen.
  priorDegrees: 8,
  winsoriseDeviations: 3.5,
  winsoriseKeep: 0.9,
  maxAutocorrelation: 0.6,
  // Three runs detect a shift of 10 % one cycle earlier and alarm three times as often on heavy tails.
  minSegment: 4,
  window: 50,
  weakP: 0.01,
  // The cut is chosen among all, and the series is looked at after each run: 0.05 would alarm in every series.
  maxP: 1e-4,
  minDifference: Math.log(1.02),
};

/** Runs that a series needs before anything is said of it. */
export const MIN_RUNS = 12;
/** Fewer runs are a history that begins, unless they were made over so many days: then it never gets anywhere. */
export const YOUNG_DAYS = 60;
/** Of the interval of a change, and of the stretch in which it happened. */
export const CONFIDENCE = 0.95;
/** A smallest detectable change above this is no statement: the series is too noisy. */
export const MAX_DETECTABLE = 0.25;
