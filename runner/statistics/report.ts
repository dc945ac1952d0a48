/**
 * The statistics of the newest run: every benchmark of its machine against that machine's history, what all
 * benchmarks have in common apart from them, and one verdict. What that is made of stands beside it, because
 * not every statement weighs the same everywhere (phases/benchmarks/weigh.ts).
 */
import type { Baseline, BaselineLevel, BenchmarkRun } from "../../contracts/benchmark-history.ts";
import { inconclusive, worstOf, type Judgement } from "../../contracts/verdict.ts";
import { analyseSeries, changeText, type Ground, type SeriesAnalysis } from "./analysis.ts";
import { commonPart, correctedLogs, type CommonPart } from "./machine-effect.ts";
import { quietVerdict, type QuietVerdict } from "./quietness.ts";
import { isOfMachine, seriesKey, seriesOf, type Series } from "./series.ts";
import { MIN_RUNS } from "./settings.ts";

export const ALL_BENCHMARKS = "(all benchmarks)";
/** A benchmark that so many runs in a row did not measure was removed, and nothing is said of it any more. */
export const REMOVED_AFTER_RUNS = 8;
/** Benchmarks named in a reason; more are counted. */
const MAX_NAMED = 3;

export interface Statement {
  /** `missing`: named as a problem by the run itself. `gone`: measured lately, and not in this run. */
  readonly about: Ground | "missing" | "gone";
  readonly judgement: Judgement;
}

export interface BenchmarkReport {
  /** The worst of the statements. */
  readonly judgement: Judgement;
  readonly statements: readonly Statement[];
  /** The run that was judged: the newest. */
  readonly run: BenchmarkRun;
  readonly quiet: QuietVerdict;
  /** Of the newest run's machine, in the order of their names; also those measured lately and not in this run. */
  readonly series: readonly SeriesAnalysis[];
  /** The common part of all of them; null when a run has too few benchmarks to tell it. */
  readonly together: SeriesAnalysis | null;
}

/** `runs`: the history, in any order, with the newest run; undefined when there is none. */
export function benchmarkReport(
  runs: readonly BenchmarkRun[],
  baseline: Baseline | undefined,
): BenchmarkReport | undefined {
  const sorted = runs.toSorted((a, b) => Date.parse(a.started_at) - Date.parse(b.started_at));
  const run = sorted.at(-1);
  if (run === undefined) return undefined;
  const own = sorted.filter(isOfMachine(run.machine));
  const lately = new Set(
    own.slice(-1 - REMOVED_AFTER_RUNS).flatMap(({ measurements }) => measurements.map(({ benchmark }) => benchmark)),
  );
  const ofMachine = seriesOf(own)
    .filter(({ benchmark }) => lately.has(benchmark))
    .sort((a, b) => (a.benchmark < b.benchmark ? -1 : 1));
  const common = commonPart(ofMachine);
  const levels = new Map(baseline?.levels.map((level) => [keyOfLevel(level), level]));
  const series = ofMachine.map((one) =>
    analyseSeries({ series: one, logs: correctedLogs(one, common).logs, baseline: levels.get(seriesKey(one)) }),
  );
  const together = analyseCommonPart(ofMachine, common);
  const quiet = quietVerdict(run);
  const statements = statementsOn(run, quiet, series, together);
  return { judgement: worstOf(statements.map(({ judgement }) => judgement)), statements, run, quiet, series, together };
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

function statementsOn(
  run: BenchmarkRun,
  quiet: QuietVerdict,
  series: readonly SeriesAnalysis[],
  together: SeriesAnalysis | null,
): Statement[] {
  const loud = quiet.quiet === "no" ? [inconclusive(`this run does not count: ${quiet.reason ?? ""}`)] : [];
  const measured = new Set(run.measurements.map(({ benchmark }) => benchmark));
  const named = new Set(run.problems.map(({ benchmark }) => benchmark));
  const gone = series.filter(({ series: { benchmark } }) => !measured.has(benchmark) && !named.has(benchmark));
  const young = series.filter(({ ground }) => ground === "young");
  return [
    ...loud.map((judgement): Statement => ({ about: "noise", judgement })),
    ...run.problems.map(({ benchmark, reason }): Statement => ({
      about: "missing",
      judgement: inconclusive(`${benchmark}: ${reason}`),
    })),
    ...gone.map(({ series: { benchmark } }): Statement => ({
      about: "gone",
      judgement: inconclusive(`${benchmark}: not measured in this run`),
    })),
    ...series
      .filter(({ ground }) => ground !== "young")
      .map(({ ground, judgement }): Statement => ({ about: ground, judgement })),
    ...(young.length === 0 ? [] : [{ about: "young", judgement: inconclusive(youngText(young, series)) } as const]),
    ...(together?.open ?? []).map((change): Statement => ({
      about: "noise",
      judgement: inconclusive(
        `all benchmarks together: ${changeText(change)}: the machine, or something that all of them share`,
      ),
    })),
  ];
}

/** One statement for all of them: a suite of thirty would fill the digest with one fact. */
function youngText(young: readonly SeriesAnalysis[], all: readonly SeriesAnalysis[]): string {
  const fewest = Math.min(...young.map(({ series }) => series.points.length));
  const loud = Math.max(...young.map(({ series }) => series.loudRuns));
  const left = loud === 0 ? "" : ` (${loud} left out, the machine was not quiet)`;
  const runs = `${fewest} of ${MIN_RUNS} runs${left}`;
  if (young.length === all.length) return `the history begins: ${runs}, changes are not judged yet`;
  const names = young.slice(0, MAX_NAMED).map(({ series }) => series.benchmark);
  const more = young.length > names.length ? ` and ${young.length - names.length} more` : "";
  return `new, ${runs}, changes are not judged yet: ${names.join(", ")}${more}`;
}
