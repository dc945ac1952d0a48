/**
 * Where a change may have happened, beside where it most likely did: the commits to look at.
 *
 * All cuts whose fit is not much worse than the best one. For a step in normal noise the likelihood ratio between
 * the best cut and the true one stays below 7.35 in 95 of 100 cases (Siegmund 1988; Hansen 2000 gives the
 * distribution, (1 - exp(-x/2))^2). Wild values count no more than the limit says, or one of them would decide.
 */
import type { ChangePoint } from "./change-points.ts";
import { mean, median, quantile, robustDeviation } from "./robust.ts";
import { CHANGE_SETTINGS } from "./settings.ts";

const LIKELIHOOD_RATIO_95 = 7.35;
const SMALLEST_DEVIATION = 1e-9;

/** First indexes after the change: any from `earliest` to `latest` may be the true one. */
export function stretchOf(values: readonly number[], change: ChangePoint): { earliest: number; latest: number } {
  const { index, from, to } = change;
  const before = median(values.slice(from, index));
  const after = median(values.slice(index, to));
  const residuals = values.slice(from, to).map((value, place) => value - (from + place < index ? before : after));
  const sizes = residuals.map(Math.abs);
  const { winsoriseDeviations, winsoriseKeep } = CHANGE_SETTINGS;
  const limit = Math.max(winsoriseDeviations * robustDeviation(residuals), quantile(sizes, winsoriseKeep));
  // Of two modes the robust deviation sees one: here the second one counts, and single wild values do not.
  const spread = Math.sqrt(mean(sizes.map((size) => Math.min(size, limit) ** 2)));
  const deviation = Math.max(spread, SMALLEST_DEVIATION);
  const loss = (value: number, level: number): number => (Math.min(limit, Math.abs(value - level)) / deviation) ** 2;

  // How much worse than at `from` the fit is when the cut moves right: each value goes from one level to the other.
  const fit: number[] = [0];
  for (let place = from; place < to; place += 1)
    fit.push(fit.at(-1)! + loss(values[place]!, before) - loss(values[place]!, after));
  const best = Math.min(...fit.slice(1, -1));
  const allowed = best + LIKELIHOOD_RATIO_95 * change.inflation;
  const cuts = fit.flatMap((value, place) =>
    value <= allowed && place > 0 && place < to - from ? [from + place] : [],
  );
  return { earliest: Math.min(index, ...cuts), latest: Math.max(index, ...cuts) };
}
