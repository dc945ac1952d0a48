/**
 * When a level becomes the accepted one (`benchmarks/baseline.json`).
 *
 * By rule a baseline moves only for the better, or where there is none. A rule that also followed small losses
 * would follow a slow decline to its end and call every step of it normal; for the worse it moves only when a
 * person says so (`kimtest bench-baseline`).
 */
import type { Baseline, BaselineLevel } from "../../contracts/benchmark-history.ts";
import type { SeriesAnalysis } from "./analysis.ts";
import { keyOfLevel, type BenchmarkReport } from "./report.ts";
import { median, robustDeviation } from "./robust.ts";
import { seriesKey } from "./series.ts";
import { CHANGE_SETTINGS } from "./settings.ts";

/** Runs in a row on one level that a level rests on. */
export const CONSISTENT_RUNS = 8;
/** With a newest run farther from its level than so many robust deviations something is just happening. */
const MAX_NEWEST_DEVIATIONS = 4;

export type Promotion =
  | { readonly promote: true; readonly level: BaselineLevel; readonly reason: string }
  | { readonly promote: false; readonly reason: string };

/** `now`: ISO 8601. The report must be of the newest run. */
export function promotionOf(
  report: BenchmarkReport,
  analysis: SeriesAnalysis,
  current: BaselineLevel | undefined,
  now: string,
): Promotion {
  const refused = refusal(report, analysis);
  if (refused !== null) return { promote: false, reason: refused };
  const level = levelOf(analysis, CONSISTENT_RUNS, now, "rule");
  if (current === undefined) return { promote: true, level, reason: "there was no baseline" };
  const better = Math.log(current.level_ns / level.level_ns);
  return better >= CHANGE_SETTINGS.minDifference
    ? { promote: true, level, reason: `better by ${(Math.expm1(better) * 100).toFixed(1)} %` }
    : { promote: false, reason: "not better than the baseline by more than the smallest change that counts" };
}

/** Null when nothing speaks against it. Order: the first reason that a person would want to know. */
function refusal(report: BenchmarkReport, { series, open, drift, noise, newest }: SeriesAnalysis): string | null {
  if (report.quiet.quiet !== "yes") return `the newest run was not quiet: ${report.quiet.reason ?? ""}`;
  if (series.points.at(-1)?.at !== report.run.started_at) return "not measured in the newest run";
  if (open.length > 0 || drift !== null) return "a regression is open";
  if ((report.together?.open.length ?? 0) > 0) return "a regression of all benchmarks together is open";
  if (noise === null || newest === null) return "too few runs";
  if (noise.runs < CONSISTENT_RUNS) return `${noise.runs} of ${CONSISTENT_RUNS} runs on the newest level needed`;
  if (newest.deviations > MAX_NEWEST_DEVIATIONS)
    return `the newest run lies ${newest.deviations.toFixed(1)} deviations from its level`;
  return null;
}

/** The median of the newest runs as measured. */
function levelOf(
  { series, noise }: SeriesAnalysis,
  runs: number,
  now: string,
  by: BaselineLevel["promoted_by"],
): BaselineLevel {
  const points = series.points.slice(-runs);
  const last = points.at(-1)!;
  const logs = points.map(({ value }) => Math.log(value));
  return {
    benchmark: series.benchmark,
    machine_type: series.machineType,
    cpu: series.cpu,
    level_ns: median(points.map(({ value }) => value)),
    noise: noise?.relativeDeviation ?? Math.expm1(robustDeviation(logs)),
    runs: points.length,
    first_run_at: points[0]!.at,
    last_run_at: last.at,
    git_commit: last.gitCommit,
    promoted_at: now,
    promoted_by: by,
  };
}

export interface PromotionReport {
  readonly baseline: Baseline;
  /** Reasons by benchmark. */
  readonly promoted: ReadonlyMap<string, string>;
  readonly kept: ReadonlyMap<string, string>;
}

/** The rule, for every series of the report; levels of other machines stay as they are. */
export function promoteByRule(report: BenchmarkReport, baseline: Baseline | undefined, now: string): PromotionReport {
  const levels = new Map(baseline?.levels.map((level) => [keyOfLevel(level), level]));
  const promoted = new Map<string, string>();
  const kept = new Map<string, string>();
  for (const analysis of report.series) {
    const key = seriesKey(analysis.series);
    const promotion = promotionOf(report, analysis, levels.get(key), now);
    (promotion.promote ? promoted : kept).set(analysis.series.benchmark, promotion.reason);
    if (promotion.promote) levels.set(key, promotion.level);
  }
  return { baseline: assembled(levels, baseline, promoted.size > 0, now), promoted, kept };
}

/**
 * A person accepts the newest level of these benchmarks, better or worse: the runs since the last change, at most
 * CONSISTENT_RUNS. A benchmark with no run that counts is kept, with the reason.
 */
export function acceptLevels(
  report: BenchmarkReport,
  baseline: Baseline | undefined,
  benchmarks: readonly string[],
  now: string,
): PromotionReport {
  const levels = new Map(baseline?.levels.map((level) => [keyOfLevel(level), level]));
  const promoted = new Map<string, string>();
  const kept = new Map<string, string>();
  for (const benchmark of benchmarks) {
    const analysis = report.series.find(({ series }) => series.benchmark === benchmark);
    if (analysis === undefined) kept.set(benchmark, "there is no such benchmark in this machine's history");
    else if (analysis.series.points.length === 0) kept.set(benchmark, "no run counts: the machine was never quiet");
    else {
      levels.set(seriesKey(analysis.series), newestLevel(analysis, now));
      promoted.set(benchmark, "accepted by a person");
    }
  }
  return { baseline: assembled(levels, baseline, promoted.size > 0, now), promoted, kept };
}

/** The level that a person would accept now. The series must have a point. */
export function newestLevel(analysis: SeriesAnalysis, now: string): BaselineLevel {
  const runs = Math.min(CONSISTENT_RUNS, analysis.noise?.runs ?? analysis.series.points.length);
  return levelOf(analysis, runs, now, "person");
}

function assembled(
  levels: ReadonlyMap<string, BaselineLevel>,
  before: Baseline | undefined,
  changed: boolean,
  now: string,
): Baseline {
  return {
    version: 1,
    updated_at: changed || before === undefined ? now : before.updated_at,
    levels: [...levels.values()],
  };
}
