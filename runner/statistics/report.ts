/**
 * The statistics of the newest run: every benchmark of its machine against that machine's history, what all
 * benchmarks have in common apart from them, and one verdict.
 */
import type { Baseline, BaselineLevel, BenchmarkRun } from "../../contracts/benchmark-history.ts";
import { inconclusive, worstOf, type Judgement } from "../../contracts/verdict.ts";
import { analyseSeries, changeText, type SeriesAnalysis } from "./analysis.ts";
import { commonPart, correctedLogs, type CommonPart } from "./machine-effect.ts";
import { quietVerdict, type QuietVerdict } from "./quietness.ts";
import { seriesKey, seriesOf, type Series } from "./series.ts";

export const ALL_BENCHMARKS = "(all benchmarks)";

export interface BenchmarkReport {
  readonly judgement: Judgement;
  /** The run that was judged: the newest. */
  readonly run: BenchmarkRun;
  readonly quiet: QuietVerdict;
  /** Of the newest run's machine, in the order of their names; also those that it no longer measured. */
  readonly series: readonly SeriesAnalysis[];
  /** The common part of all of them; null when a run has too few benchmarks to tell it. */
  readonly together: SeriesAnalysis | null;
}

/** `runs`: the history, in any order, with the newest run; undefined when there is none. */
export function benchmarkReport(
  runs: readonly BenchmarkRun[],
  baseline: Baseline | undefined,
): BenchmarkReport | undefined {
  const run = runs.toSorted((a, b) => Date.parse(a.started_at) - Date.parse(b.started_at)).at(-1);
  if (run === undefined) return undefined;
  const ofMachine = seriesOf(runs)
    .filter(({ machineType, cpu }) => machineType === run.machine.machine_type && cpu === run.machine.cpu)
    .sort((a, b) => (a.benchmark < b.benchmark ? -1 : 1));
  const common = commonPart(ofMachine);
  const levels = new Map(baseline?.levels.map((level) => [keyOfLevel(level), level]));
  const series = ofMachine.map((one) =>
    analyseSeries({ series: one, logs: correctedLogs(one, common).logs, baseline: levels.get(seriesKey(one)) }),
  );
  const together = analyseCommonPart(ofMachine, common);
  const quiet = quietVerdict(run);
  return { judgement: judge(run, quiet, series, together), run, quiet, series, together };
}

export const keyOfLevel = ({ benchmark, machine_type, cpu }: BaselineLevel): string =>
  seriesKey({ benchmark, machineType: machine_type, cpu });

/** The common part as a series: 1 is usual, 1.05 a run in which everything took 5 % longer. */
function analyseCommonPart(ofMachine: readonly Series[], common: CommonPart): SeriesAnalysis | null {
  const [first] = ofMachine;
  if (first === undefined || common.effects.size === 0) return null;
  const commits = new Map(ofMachine.flatMap(({ points }) => points.map(({ at, gitCommit }) => [at, gitCommit])));
  const points = [...common.effects]
    .map(([at, effect]) => ({ at, gitCommit: commits.get(at)!, value: Math.exp(effect) }))
    .sort((a, b) => Date.parse(a.at) - Date.parse(b.at));
  const series: Series = { ...first, benchmark: ALL_BENCHMARKS, points, loudRuns: first.loudRuns };
  return analyseSeries({ series, logs: points.map(({ value }) => Math.log(value)), baseline: undefined });
}

function judge(
  run: BenchmarkRun,
  quiet: QuietVerdict,
  series: readonly SeriesAnalysis[],
  together: SeriesAnalysis | null,
): Judgement {
  const loud = quiet.quiet === "no" ? [inconclusive(`this run does not count: ${quiet.reason ?? ""}`)] : [];
  const measured = new Set(run.measurements.map(({ benchmark }) => benchmark));
  const named = new Set(run.problems.map(({ benchmark }) => benchmark));
  const problems = run.problems.map(({ benchmark, reason }) => inconclusive(`${benchmark}: ${reason}`));
  const gone = series
    .filter(({ series: { benchmark } }) => !measured.has(benchmark) && !named.has(benchmark))
    .map(({ series: { benchmark } }) => inconclusive(`${benchmark}: not measured in this run`));
  return worstOf([
    ...loud,
    ...problems,
    ...gone,
    ...series.map(({ judgement }) => judgement),
    ...(together?.open ?? []).map((change) =>
      inconclusive(`all benchmarks together: ${changeText(change)}: the machine, or something that all of them share`),
    ),
  ]);
}
