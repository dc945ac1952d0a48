/** How noisy a benchmark is from run to run, and what change could therefore be seen at all. */
import { criticalT } from "./student.ts";
import { median, quantile, robustDeviation } from "./robust.ts";
import { CHANGE_SETTINGS } from "./settings.ts";

export interface NoiseProfile {
  /** Runs of the newest level: those after the last change. */
  readonly runs: number;
  /** Median of that level, in the series' unit. */
  readonly level: number;
  /** Robust relative deviation between runs of one level: 0.01 is 1 %. */
  readonly relativeDeviation: number;
  /** Ninety of hundred runs lie nearer to their level than this; far above 1.6 deviations means heavy tails or modes. */
  readonly relativeReach90: number;
  /** The smallest change, as a share, that is seen in half of the cases within `detectableAfterRuns` runs. */
  readonly smallestDetectable: number;
}

/** Runs after a change for which `smallestDetectable` is told. */
export const DETECTABLE_AFTER_RUNS = 8;

/** `levels`: logs of the values, cut at the changes; the newest last. None of them empty. */
export function noiseProfile(levels: readonly (readonly number[])[]): NoiseProfile {
  const newest = levels.at(-1);
  if (newest === undefined) throw new RangeError("the noise of no runs");
  const residuals = levels.flatMap((level) => {
    const middle = median(level);
    return level.map((value) => value - middle);
  });
  const deviation = robustDeviation(residuals);
  const runs = residuals.length;
  const t = criticalT(1 - CHANGE_SETTINGS.maxP, Math.max(1, runs - 2));
  const wanted = t * deviation * Math.sqrt(1 / DETECTABLE_AFTER_RUNS + 1 / Math.max(1, newest.length));
  return {
    runs: newest.length,
    level: Math.exp(median(newest)),
    relativeDeviation: Math.expm1(deviation),
    relativeReach90: Math.expm1(quantile(residuals.map(Math.abs), 0.9)),
    smallestDetectable: Math.expm1(Math.max(wanted, CHANGE_SETTINGS.minDifference)),
  };
}
