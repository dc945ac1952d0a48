/**
 * The canary of the statistics: the newest runs of a benchmark slowed in a copy of its history must be noticed, and
 * at the right place. One benchmark at a time: all at once would be the machine's common part, and rightly so.
 */
import type { BenchmarkRun } from "../../contracts/benchmark-history.ts";
import { analyseSeries } from "./analysis.ts";
import { commonPart, correctedLogs } from "./machine-effect.ts";
import { isOfMachine, seriesOf, type Series } from "./series.ts";
import { CHANGE_SETTINGS, MIN_RUNS } from "./settings.ts";

export interface PlantedSlowdown {
  /** Benchmarks with enough runs for it. */
  readonly planted: number;
  /** In how many of them it was reported where it was planted. */
  readonly noticed: number;
  /** Of the benchmark with the most runs. */
  readonly runs: number;
}

/** `slowdown`: 0.1 is 10 %. `run`: the newest; its machine and its benchmarks are meant. */
export function plantSlowdown(history: readonly BenchmarkRun[], run: BenchmarkRun, slowdown: number): PlantedSlowdown {
  const measured = new Set(run.measurements.map(({ benchmark }) => benchmark));
  const series = seriesOf(history.filter(isOfMachine(run.machine))).filter(({ benchmark }) => measured.has(benchmark));
  const enough = series.filter(({ points }) => points.length >= MIN_RUNS);
  return {
    planted: enough.length,
    noticed: enough.filter((one) => isNoticed(one, series, slowdown)).length,
    runs: Math.max(0, ...series.map(({ points }) => points.length)),
  };
}

function isNoticed(one: Series, all: readonly Series[], slowdown: number): boolean {
  const from = one.points.length - CHANGE_SETTINGS.minSegment;
  const points = one.points.map((point, index) =>
    index < from ? point : { ...point, value: point.value * (1 + slowdown) },
  );
  const slowed: Series = { ...one, points };
  const common = commonPart(all.map((other) => (other === one ? slowed : other)));
  // Without the accepted level: it may rest on the very runs that are slowed here.
  const { changes } = analyseSeries({
    series: slowed,
    logs: correctedLogs(slowed, common).logs,
    baseline: undefined,
  });
  const place = Date.parse(points[from]!.at);
  return changes.some(
    ({ kind, range }) =>
      kind === "regression" && Date.parse(range.lastBefore.at) < place && place <= Date.parse(range.firstAfter.at),
  );
}
