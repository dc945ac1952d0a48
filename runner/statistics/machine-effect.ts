/**
 * What all benchmarks of a run have in common is not the code of one of them: a slower machine, a loud neighbour,
 * another kernel. Each run's common part (the median over its benchmarks of how far they are from their own
 * level) is taken out of every series and followed as a series of its own.
 *
 * It is taken out of a series only where that makes the series calmer, from run to run or over all: benchmarks
 * that wait for a disk do not slow down with the CPU. A shift that most benchmarks share ends up in the common
 * part: it is reported once, as a change of all benchmarks together, and not as one regression per benchmark.
 */
import { mean, median, robustDeviation } from "./robust.ts";
import type { Series } from "./series.ts";

/** With fewer benchmarks in a run their median is a benchmark, not a machine. */
export const MIN_BENCHMARKS = 8;
/** How much less noise (1 is as before) makes the correction worth it. */
const WORTH = 0.9;
/** How much more noise from run to run a level that stays put is worth: the common part has noise of its own. */
const MOST_NOISE = 1.5;

export interface CommonPart {
  /** Log of each run's common part by the run's start; 0 is usual. Empty with too few benchmarks. */
  readonly effects: ReadonlyMap<string, number>;
}

/** `series`: those of one machine. */
export function commonPart(series: readonly Series[]): CommonPart {
  const byRun = new Map<string, number[]>();
  for (const { points } of series) {
    if (points.length === 0) continue;
    const logs = points.map(({ value }) => Math.log(value));
    const level = median(logs);
    for (const [index, { at }] of points.entries()) {
      const offs = byRun.get(at) ?? [];
      offs.push(logs[index]! - level);
      byRun.set(at, offs);
    }
  }
  const enough = [...byRun].filter(([, offs]) => offs.length >= MIN_BENCHMARKS);
  return { effects: new Map(enough.map(([at, offs]) => [at, median(offs)])) };
}

/** Logs of the series' values, without the common part where that helps. */
export function correctedLogs(series: Series, common: CommonPart): { logs: number[]; corrected: boolean } {
  const raw = series.points.map(({ value }) => Math.log(value));
  const { effects } = common;
  if (raw.length < 3 || !series.points.every(({ at }) => effects.has(at))) return { logs: raw, corrected: false };
  const without = raw.map((value, index) => value - effects.get(series.points[index]!.at)!);
  const calmer = stepNoise(without) < WORTH * stepNoise(raw);
  const leveller = wandering(without) < WORTH * wandering(raw) && stepNoise(without) < MOST_NOISE * stepNoise(raw);
  return calmer || leveller ? { logs: without, corrected: true } : { logs: raw, corrected: false };
}

/** Noise from run to run by the steps between neighbours: a shift of the level is one step and does not count. */
const stepNoise = (logs: readonly number[]): number =>
  robustDeviation(logs.slice(1).map((value, index) => value - logs[index]!));

/** How far it goes from its level on average: a shift of the level counts in full. */
function wandering(logs: readonly number[]): number {
  const level = median(logs);
  return mean(logs.map((value) => Math.abs(value - level)));
}
