/**
 * Is the level of one run of measurements different from that of the next? A moderated Welch test.
 *
 * Three things differ from the textbook, each because it was seen to help (`npm run bench -- statistics`):
 * - Values are winsorised: one wild run must neither make a change nor hide one. The limit is wide enough that
 *   the second mode of a bimodal benchmark stays in.
 * - Three runs know little of their own spread. Each side's variance is drawn towards that of both together
 *   (as in Smyth 2004, "limma"), or three runs that happen to agree would look like a sure change.
 * - Runs that follow each other resemble each other: with autocorrelation a mean is less sure than its number of
 *   runs says.
 */
import { mean, median, quantile, robustDeviation } from "./robust.ts";
import { criticalT, twoSidedP } from "./student.ts";

export interface DifferenceSettings {
  /** How many runs' worth of weight the variance of both sides together has in that of one side. */
  readonly priorDegrees: number;
  /** Values farther from their side's median than so many robust deviations are drawn in. */
  readonly winsoriseDeviations: number;
  /** This share of values, the nearest to their side's median, is never drawn in. */
  readonly winsoriseKeep: number;
  /** Autocorrelation of neighbours (lag one) is believed up to this; 0 turns it off. */
  readonly maxAutocorrelation: number;
}

export interface Difference {
  /** Mean of the second part minus mean of the first, in the values' own unit. */
  readonly difference: number;
  readonly standardError: number;
  readonly degrees: number;
  /** Two-sided. It does not know that the cut was chosen: the limit that it is held against must. */
  readonly p: number;
  /** By how much autocorrelation makes the variance of a mean larger; 1 is not at all. */
  readonly inflation: number;
}

/** Equal values on both sides have no spread to compare with; this keeps the test defined. */
const SMALLEST_DEVIATION = 1e-9;

export function differenceOf(
  left: readonly number[],
  right: readonly number[],
  settings: DifferenceSettings,
): Difference {
  if (left.length < 2 || right.length < 2) throw new RangeError("two values on each side are needed");
  const [first, second] = winsorised(left, right, settings);
  const together = [...residuals(first), ...residuals(second)];
  const pooledDegrees = together.length - 2;
  const pooled = sumOfSquares(together) / pooledDegrees;
  const inflation = autocorrelationInflation(together, settings.maxAutocorrelation);
  const a = moderatedVariance(first, pooled, settings.priorDegrees);
  const b = moderatedVariance(second, pooled, settings.priorDegrees);
  const partA = (Math.max(a.variance, SMALLEST_DEVIATION ** 2) * inflation) / first.length;
  const partB = (Math.max(b.variance, SMALLEST_DEVIATION ** 2) * inflation) / second.length;
  const difference = mean(second) - mean(first);
  const standardError = Math.sqrt(partA + partB);
  // Welch and Satterthwaite; never more than the data can carry.
  const degrees = Math.min(
    pooledDegrees / inflation,
    (partA + partB) ** 2 / (partA ** 2 / a.degrees + partB ** 2 / b.degrees),
  );
  return { difference, standardError, degrees, p: twoSidedP(difference / standardError, degrees), inflation };
}

/** The interval of a difference at a confidence between 0 and 1. */
export function intervalOf(found: Difference, confidence: number): { lower: number; upper: number } {
  const reach = criticalT(confidence, found.degrees) * found.standardError;
  return { lower: found.difference - reach, upper: found.difference + reach };
}

function winsorised(
  left: readonly number[],
  right: readonly number[],
  { winsoriseDeviations, winsoriseKeep }: DifferenceSettings,
): [number[], number[]] {
  const leftMiddle = median(left);
  const rightMiddle = median(right);
  const off = [...left.map((value) => value - leftMiddle), ...right.map((value) => value - rightMiddle)];
  const limit = Math.max(winsoriseDeviations * robustDeviation(off), quantile(off.map(Math.abs), winsoriseKeep));
  const drawnIn = (values: readonly number[], middle: number): number[] =>
    values.map((value) => Math.min(middle + limit, Math.max(middle - limit, value)));
  return [drawnIn(left, leftMiddle), drawnIn(right, rightMiddle)];
}

function residuals(values: readonly number[]): number[] {
  const middle = mean(values);
  return values.map((value) => value - middle);
}

const sumOfSquares = (values: readonly number[]): number => values.reduce((sum, value) => sum + value * value, 0);

function moderatedVariance(
  values: readonly number[],
  pooled: number,
  priorDegrees: number,
): { variance: number; degrees: number } {
  const own = sumOfSquares(residuals(values));
  const degrees = values.length - 1 + priorDegrees;
  return { variance: (own + priorDegrees * pooled) / degrees, degrees };
}

/** By how much the variance of a mean grows when neighbours resemble each other (first-order autoregression). */
function autocorrelationInflation(values: readonly number[], limit: number): number {
  const total = sumOfSquares(values);
  if (total === 0 || limit === 0) return 1;
  let lagged = 0;
  for (let index = 1; index < values.length; index += 1) lagged += values[index]! * values[index - 1]!;
  const correlation = Math.min(limit, Math.max(0, lagged / total));
  return (1 + correlation) / (1 - correlation);
}
