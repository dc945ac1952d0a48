/** What the benchmark commands read: the history of the newest run's machine, its levels, and one line per benchmark. */
import type { Baseline, BaselineLevel, BenchmarkRun } from "../contracts/benchmark-history.ts";
import { EXIT, KimtestError } from "../contracts/errors.ts";
import type { BenchmarkReport } from "../runner/statistics/report.ts";
import type { ObjectStore } from "../runner/store/object-store.ts";
import type { CliDeps } from "./deps.ts";

export interface StoredBenchmarks {
  /** Of the newest run's machine; never empty. */
  readonly runs: readonly BenchmarkRun[];
  readonly report: BenchmarkReport;
  readonly baseline: Baseline | undefined;
}

/**
 * Days that cannot be read are said on stderr, and the exit code says so, too.
 *
 * @throws KimtestError `NOT_FOUND` when no benchmark was ever run.
 */
export async function readBenchmarks(store: ObjectStore, deps: CliDeps): Promise<StoredBenchmarks> {
  const [{ readBaseline, readHistory }, { printable }] = await Promise.all([
    import("../runner/triage/benchmark-store.ts"),
    import("../runner/phases/digest/printable.ts"),
  ]);
  const { runs, unreadable } = await readHistory(store);
  for (const problem of unreadable) deps.err(`left out: ${printable(problem)}\n`);
  if (unreadable.length > 0) deps.setExitCode(EXIT.inconclusive);
  if (runs.length === 0) {
    throw new KimtestError("NOT_FOUND", `there is no benchmark run in ${store.url}`, {
      hint: "each cycle makes one; `kimtest infra-status` shows the one that is running",
    });
  }
  return withReport(runs, await readBaseline(store));
}

export async function withReport(
  runs: readonly BenchmarkRun[],
  baseline: Baseline | undefined,
): Promise<StoredBenchmarks> {
  const { benchmarkReport } = await import("../runner/statistics/report.ts");
  return { runs, baseline, report: benchmarkReport(runs, baseline)! };
}

export interface BenchmarkLine {
  readonly benchmark: string;
  /** Null when the newest run did not measure it. */
  readonly suite: string | null;
  readonly median_ns: number | null;
  /** Of the newest runs, as many as would be accepted; null when none counts. */
  readonly newest: BaselineLevel | null;
  readonly accepted: BaselineLevel | null;
  /** Newest level over accepted level: 1.1 is 10 % slower. */
  readonly ratio: number | null;
  /** Relative deviation between runs; null with too few. */
  readonly noise: number | null;
  /** A slowdown that was neither undone nor accepted. */
  readonly open: boolean;
}

export async function benchmarkLines(
  { report, baseline }: StoredBenchmarks,
  now: string,
): Promise<readonly BenchmarkLine[]> {
  const [{ newestLevel }, { keyOfLevel }, { seriesKey }] = await Promise.all([
    import("../runner/statistics/baseline.ts"),
    import("../runner/statistics/report.ts"),
    import("../runner/statistics/series.ts"),
  ]);
  const levels = new Map(baseline?.levels.map((level) => [keyOfLevel(level), level]));
  const measured = new Map(report.run.measurements.map((one) => [one.benchmark, one]));
  return report.series.map((analysis) => {
    const { series, noise, open, drift } = analysis;
    const newest = series.points.length === 0 ? null : newestLevel(analysis, now);
    const accepted = levels.get(seriesKey(series)) ?? null;
    return {
      benchmark: series.benchmark,
      suite: measured.get(series.benchmark)?.suite ?? null,
      median_ns: measured.get(series.benchmark)?.median.ns ?? null,
      newest,
      accepted,
      ratio: newest === null || accepted === null ? null : newest.level_ns / accepted.level_ns,
      noise: noise?.relativeDeviation ?? null,
      open: open.length > 0 || drift !== null,
    };
  });
}

/** `57.9 ns`, `1.23 ms`; a dash when there is none. */
export function timeText(ns: number | null | undefined): string {
  if (ns === null || ns === undefined) return "-";
  const [unit, size] = UNITS.find(([, size]) => ns >= size) ?? UNITS.at(-1)!;
  return `${(ns / size).toPrecision(4)} ${unit}`;
}
const UNITS: readonly (readonly [string, number])[] = [
  ["s", 1e9],
  ["ms", 1e6],
  ["us", 1e3],
  ["ns", 1],
];

export function changeText(ratio: number | null): string {
  if (ratio === null) return "-";
  return `${ratio < 1 ? "" : "+"}${((ratio - 1) * 100).toFixed(1)} %`;
}

/** Columns of text, the first to the left, the others to the right. */
export function table(rows: readonly (readonly string[])[]): string[] {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => (row[column] ?? "").length)));
  return rows.map((row) =>
    row
      .map((cell, column) => (column === 0 ? cell.padEnd(widths[column]!) : cell.padStart(widths[column]!)))
      .join("  ")
      .trimEnd(),
  );
}

/** `c7g.xlarge, Neoverse-V1, arm64, 4 cores`. */
export function machineText({
  machine_type: type,
  cpu,
  architecture,
  cores,
}: BenchmarkReport["run"]["machine"]): string {
  return [...new Set([type, cpu]), architecture, `${String(cores)} cores`].join(", ");
}
