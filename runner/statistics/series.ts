/**
 * Series: one benchmark on one kind of machine over time. Only values of one series are ever compared; another
 * machine type or CPU is another series, however alike.
 *
 * Runs measured on a machine that was not quiet are left out and counted; they stay in the history.
 */
import type { BenchmarkRun } from "../../contracts/benchmark-history.ts";
import { quietVerdict } from "./quietness.ts";

/** Older runs are not looked at: what is compared in time is quadratic, and a year is enough. */
export const MAX_HISTORY = 200;

/** Of times lower is better, of throughputs higher. */
export type Direction = "lower-is-better" | "higher-is-better";

export interface SeriesPoint {
  /** Start of the run, ISO 8601; runs of one series differ in it. */
  readonly at: string;
  readonly gitCommit: string;
  /** Above zero. */
  readonly value: number;
}

export interface Series {
  readonly benchmark: string;
  readonly machineType: string;
  readonly cpu: string;
  readonly direction: Direction;
  /** Oldest first, quiet or not known to be loud, at most MAX_HISTORY. */
  readonly points: readonly SeriesPoint[];
  /** Runs left out because the machine was not quiet. */
  readonly loudRuns: number;
}

/** Of the same machine: what it measured may be compared. */
export const isOfMachine =
  (machine: BenchmarkRun["machine"]) =>
  (run: BenchmarkRun): boolean =>
    run.machine.machine_type === machine.machine_type && run.machine.cpu === machine.cpu;

type SeriesName = Pick<Series, "benchmark" | "machineType" | "cpu">;

/** Unambiguous: ids and CPU names hold any character. */
export const seriesKey = ({ benchmark, machineType, cpu }: SeriesName): string =>
  JSON.stringify([benchmark, machineType, cpu]);

/** Series of all benchmarks in these runs, in any order; values are medians in nanoseconds. */
export function seriesOf(runs: readonly BenchmarkRun[]): Series[] {
  const series = new Map<string, Series & { points: SeriesPoint[]; loudRuns: number }>();
  for (const run of runs.toSorted((a, b) => Date.parse(a.started_at) - Date.parse(b.started_at))) {
    const loud = quietVerdict(run).quiet === "no";
    for (const { benchmark, median } of run.measurements) {
      const name = { benchmark, machineType: run.machine.machine_type, cpu: run.machine.cpu };
      const key = seriesKey(name);
      const one = series.get(key) ?? { ...name, direction: "lower-is-better", points: [], loudRuns: 0 };
      series.set(key, one);
      if (loud) one.loudRuns += 1;
      else one.points.push({ at: run.started_at, gitCommit: run.git_commit, value: median.ns });
    }
  }
  return [...series.values()].map((one) => ({ ...one, points: one.points.slice(-MAX_HISTORY) }));
}
