/** A report as it is stored with a cycle's result and shown by the digest and the CLI. */
import type { BenchmarkChange, BenchmarkComparison, BenchmarkSeries } from "../../contracts/benchmark-comparison.ts";
import { changeText, driftText, type Change, type Drift, type SeriesAnalysis } from "./analysis.ts";
import type { BenchmarkReport } from "./report.ts";
import { MIN_RUNS } from "./settings.ts";

/** A change that is neither open nor that young is history. */
const NEWS_RUNS = 8;

export function comparisonOf(
  report: BenchmarkReport,
  promoted: BenchmarkComparison["promoted"] = [],
): BenchmarkComparison {
  const { judgement, quiet, series, together, run } = report;
  return {
    ...judgement,
    runs_needed: MIN_RUNS,
    quiet: quiet.quiet,
    quiet_reason: quiet.reason,
    series: series.map(seriesLine),
    changes: [...(together === null ? [] : [together]), ...series].flatMap((analysis) => [
      ...analysis.changes
        .filter((change) => analysis.open.includes(change) || change.runsAfter <= NEWS_RUNS)
        .map((change) => changeLine(analysis, change)),
      ...(analysis.drift === null ? [] : [driftLine(analysis, analysis.drift, run)]),
    ]),
    promoted,
  };
}

function seriesLine({ series, noise }: SeriesAnalysis): BenchmarkSeries {
  return {
    benchmark: series.benchmark,
    runs: series.points.length,
    loud_runs: series.loudRuns,
    noise:
      noise === null
        ? null
        : {
            level_ns: noise.level,
            relative_deviation: noise.relativeDeviation,
            smallest_detectable: noise.smallestDetectable,
          },
  };
}

function changeLine({ series, open }: SeriesAnalysis, change: Change): BenchmarkChange {
  const { kind, relative, p, range, firstAfter } = change;
  return {
    benchmark: series.benchmark,
    kind,
    open: open.includes(change),
    ratio: 1 + relative.estimate,
    interval: { lower: 1 + relative.lower, upper: 1 + relative.upper, confidence: relative.confidence },
    p,
    after_commit: range.lastBefore.gitCommit,
    up_to_commit: range.firstAfter.gitCommit,
    first_run_at: firstAfter.at,
    text: changeText(change),
  };
}

function driftLine({ series }: SeriesAnalysis, drift: Drift, run: BenchmarkReport["run"]): BenchmarkChange {
  return {
    benchmark: series.benchmark,
    kind: "drift",
    open: true,
    ratio: 1 + drift.relative,
    interval: null,
    p: drift.p,
    after_commit: drift.baseline.git_commit,
    up_to_commit: run.git_commit,
    first_run_at: run.started_at,
    text: driftText(drift),
  };
}
