import { expect, test } from "@jest/globals";
import type { Baseline, BaselineLevel, BenchmarkRun } from "../../contracts/benchmark-history.ts";
import type { SeriesAnalysis } from "./analysis.ts";
import { benchmarkReport, type BenchmarkReport } from "./report.ts";
import { historyOf, MACHINE, nameOf, runAt } from "./runs.fixture.ts";

function reportOf(runs: readonly BenchmarkRun[], baseline?: Baseline): BenchmarkReport {
  const report = benchmarkReport(runs, baseline);
  if (report === undefined) throw new Error("no report");
  return report;
}

const seriesNamed = (report: BenchmarkReport, name: string): SeriesAnalysis =>
  report.series.find(({ series }) => series.benchmark === name)!;

const slowerFrom =
  (at: number, shift: number, which = 3) =>
  (run: number, benchmark: number) =>
    run >= at && benchmark === which ? 1 + shift : 1;

const level = (changed: Partial<BaselineLevel>): Baseline => ({
  version: 1,
  updated_at: runAt(0),
  levels: [
    {
      benchmark: nameOf(3),
      machine_type: MACHINE.machine_type,
      cpu: MACHINE.cpu,
      level_ns: 1000,
      noise: 0.01,
      runs: 8,
      first_run_at: runAt(0),
      last_run_at: runAt(7),
      git_commit: "commit-7",
      promoted_at: runAt(7),
      promoted_by: "rule",
      ...changed,
    },
  ],
});

test("no history is no report; a clean one passes and says what it would have seen", () => {
  expect(benchmarkReport([], undefined)).toBeUndefined();
  const report = reportOf(historyOf({ runs: 30 }));
  expect(report.judgement).toStrictEqual({ verdict: "passed", reason: null });
  expect(report.series.length).toBe(10);
  for (const { noise, series } of report.series) {
    expect(series.points.length).toBe(30);
    expect(noise?.runs).toBe(30);
    expect(noise?.smallestDetectable).toBeGreaterThan(0.019);
    expect(noise?.smallestDetectable).toBeLessThan(0.06);
  }
});

test("a planted slowdown of 8 % fails, with its size, its interval and the commits between which it came", () => {
  const report = reportOf(historyOf({ runs: 36, factor: slowerFrom(28, 0.08) }));
  const { open, judgement } = seriesNamed(report, nameOf(3));
  expect(open.length).toBe(1);
  const [change] = open;
  expect(change?.kind).toBe("regression");
  expect(change?.relative.lower).toBeLessThan(0.08);
  expect(change?.relative.upper).toBeGreaterThan(0.08);
  expect(change?.relative.lower).toBeGreaterThan(0.05);
  expect(change?.lastBefore).toMatchObject({ at: runAt(27), gitCommit: "commit-27" });
  expect(change?.firstAfter).toMatchObject({ at: runAt(28), gitCommit: "commit-28" });
  expect(change).toMatchObject({ runsBefore: 28, runsAfter: 8, sameCommit: false, accepted: false });
  expect(judgement.verdict).toBe("failed");
  expect(judgement.reason).toMatch(
    /^group\/function-3: \+[78]\.\d % \(95 % interval \+[67]\.\d % to \+[89]\.\d %\), after commit-27 and up to commit-28$/,
  );
  expect(report.judgement).toStrictEqual(judgement);
});

test("a regression that was undone, and an improvement, are changes and pass", () => {
  const undone = (run: number, benchmark: number): number => (benchmark === 3 && run >= 15 && run < 25 ? 1.1 : 1);
  const report = reportOf(historyOf({ runs: 36, factor: undone }));
  const analysis = seriesNamed(report, nameOf(3));
  expect(analysis.changes.map(({ kind }) => kind)).toStrictEqual(["regression", "improvement"]);
  expect(report.judgement.verdict).toBe("passed");
  const faster = reportOf(historyOf({ runs: 36, factor: slowerFrom(20, -0.1) }));
  expect(seriesNamed(faster, nameOf(3)).changes.map(({ kind }) => kind)).toStrictEqual(["improvement"]);
  expect(faster.judgement.verdict).toBe("passed");
});

test("a regression that was more than undone is not open", () => {
  const better = (run: number, benchmark: number): number => (benchmark !== 3 || run < 15 ? 1 : run < 25 ? 1.2 : 0.8);
  expect(seriesNamed(reportOf(historyOf({ runs: 40, factor: better })), nameOf(3)).open).toStrictEqual([]);
});

test("of a long history the newest 200 runs count", () => {
  const { series } = seriesNamed(reportOf(historyOf({ runs: 203, benchmarks: 4 })), nameOf(3));
  expect([series.points.length, series.points.at(0)?.at, series.points.at(-1)?.at]).toStrictEqual([
    200,
    runAt(3),
    runAt(202),
  ]);
});

test("half undone is still open", () => {
  const half = (run: number, benchmark: number): number => (benchmark !== 3 || run < 15 ? 1 : run < 25 ? 1.2 : 1.1);
  const report = reportOf(historyOf({ runs: 40, factor: half }));
  expect(seriesNamed(report, nameOf(3)).open.length).toBe(1);
  expect(report.judgement.verdict).toBe("failed");
});

test("a change while the commit stayed is not the code's: inconclusive", () => {
  const runs = historyOf({
    runs: 36,
    factor: slowerFrom(26, 0.08),
    change: (run, index) => (index >= 20 ? { ...run, git_commit: "the-same" } : run),
  });
  const report = reportOf(runs);
  expect(seriesNamed(report, nameOf(3)).open[0]?.sameCommit).toBe(true);
  expect(report.judgement.verdict).toBe("inconclusive");
  expect(report.judgement.reason).toContain("with one commit throughout: not a change of the code");
});

test("too few runs are a history that begins, and loud ones are left out", () => {
  const loud = (run: BenchmarkRun, index: number): BenchmarkRun =>
    index % 3 === 1 ? { ...run, quietness: { load_average_before: 9, busy_share_before: null, steal_share: 0 } } : run;
  const report = reportOf(historyOf({ runs: 6, benchmarks: 1, change: loud }));
  expect(report.judgement).toStrictEqual({
    verdict: "inconclusive",
    reason: "the history begins: 4 of 12 runs (2 left out, the machine was not quiet), changes are not judged yet",
  });
  expect(report.statements.map(({ about }) => about)).toStrictEqual(["young"]);
  expect(report.series[0]?.noise).toBeNull();
});

test("a history that gets nowhere does not begin for ever: loud runs, or too few in 60 days", () => {
  const loud = historyOf({
    runs: 13,
    benchmarks: 1,
    change: (run, index) =>
      index < 3 ? run : { ...run, quietness: { load_average_before: 9, busy_share_before: null, steal_share: 0 } },
  });
  expect(reportOf(loud).statements).toContainEqual({
    about: "noise",
    judgement: {
      verdict: "inconclusive",
      reason: "group/function-0: 3 of 12 runs needed; 10 left out, the machine was not quiet",
    },
  });
  const seldom = historyOf({ runs: 50, benchmarks: 1 }).filter((_, index) => index % 10 === 0);
  expect(reportOf(seldom).statements).toStrictEqual([
    {
      about: "noise",
      judgement: { verdict: "inconclusive", reason: "group/function-0: 5 of 12 runs needed" },
    },
  ]);
});

test("benchmarks that are new in a suite are one statement, and the others are judged", () => {
  const isNew = (benchmark: string, index: number) =>
    index < 26 && [4, 5, 6, 7].some((one) => nameOf(one) === benchmark);
  const runs = historyOf({
    runs: 30,
    change: (run, index) => ({
      ...run,
      measurements: run.measurements.filter(({ benchmark }) => !isNew(benchmark, index)),
    }),
  });
  const { statements } = reportOf(runs);
  expect(statements.map(({ about }) => about)).toStrictEqual([...Array<string>(6).fill("clean"), "young"]);
  expect(statements.at(-1)?.judgement.reason).toBe(
    "new, 4 of 12 runs, changes are not judged yet: group/function-4, group/function-5, group/function-6 and 1 more",
  );
});

test("a benchmark that eight runs did not measure was removed: nothing is said of it, its old regression included", () => {
  const without = (from: number) => (run: BenchmarkRun, index: number) =>
    index < from ? run : { ...run, measurements: run.measurements.filter(({ benchmark }) => benchmark !== nameOf(3)) };
  const lately = reportOf(historyOf({ runs: 40, factor: slowerFrom(20, 0.1), change: without(32) }));
  expect(lately.judgement.verdict).toBe("failed");
  expect(lately.statements).toContainEqual({
    about: "gone",
    judgement: { verdict: "inconclusive", reason: "group/function-3: not measured in this run" },
  });
  const removed = reportOf(historyOf({ runs: 41, factor: slowerFrom(20, 0.1), change: without(32) }));
  expect(removed.judgement).toStrictEqual({ verdict: "passed", reason: null });
  expect(removed.series.length).toBe(9);
});

test("a moment in which others were busy is loud, too, and stands in for a load that is not known", () => {
  const busy = (share: number) =>
    historyOf({
      runs: 30,
      change: (run, index) =>
        index < 29
          ? run
          : { ...run, quietness: { load_average_before: null, busy_share_before: share, steal_share: 0 } },
    });
  expect(reportOf(busy(0.7)).judgement.reason).toBe(
    "this run does not count: 70.0 % of CPU time busy before the run, above 50.0 %",
  );
  expect(reportOf(busy(0.3)).quiet).toStrictEqual({ quiet: "yes", reason: null });
});

test("a newest run on a loud machine does not count", () => {
  const loud = (run: BenchmarkRun, index: number): BenchmarkRun =>
    index === 29 ? { ...run, quietness: { load_average_before: 0, busy_share_before: null, steal_share: 0.2 } } : run;
  const { judgement } = reportOf(historyOf({ runs: 30, change: loud }));
  expect(judgement).toStrictEqual({
    verdict: "inconclusive",
    reason: "this run does not count: 20.0 % of CPU time stolen, above 2.0 %",
  });
});

test("another CPU is another series: its values are not compared", () => {
  const runs = historyOf({
    runs: 40,
    factor: (run) => (run % 2 === 0 ? 1 : 3),
    change: (run, index) => (index % 2 === 0 ? run : { ...run, machine: { ...MACHINE, cpu: "Neoverse-N1" } }),
  });
  const report = reportOf(runs);
  expect(report.series.map(({ series }) => [series.cpu, series.points.length])).toStrictEqual(
    Array.from({ length: 10 }, () => ["Neoverse-N1", 20]),
  );
  expect(report.judgement.verdict).toBe("passed");
});

test("what was not measured any more, or could not be read, is inconclusive", () => {
  const runs = historyOf({
    runs: 30,
    change: (run, index) =>
      index < 29
        ? run
        : {
            ...run,
            measurements: run.measurements.slice(2),
            problems: [{ benchmark: nameOf(0), suite: "crypto", reason: "estimates.json is not JSON" }],
          },
  });
  expect(reportOf(runs).judgement).toStrictEqual({
    verdict: "inconclusive",
    reason: "group/function-0: estimates.json is not JSON; group/function-1: not measured in this run",
  });
});

test("a slowdown of everything at once is one change of all benchmarks, and inconclusive", () => {
  const report = reportOf(historyOf({ runs: 36, factor: (run) => (run >= 26 ? 1.1 : 1) }));
  expect(report.series.flatMap(({ changes }) => changes)).toStrictEqual([]);
  expect(report.together?.open.length).toBe(1);
  expect(report.judgement.verdict).toBe("inconclusive");
  expect(report.judgement.reason).toMatch(
    /^all benchmarks together: \+\d+\.\d % .*: the machine, or something that all of them share$/,
  );
});

test("in a suite too small to tell the machine, the same slowdown fails for each", () => {
  const report = reportOf(historyOf({ runs: 36, benchmarks: 3, factor: (run) => (run >= 26 ? 1.1 : 1) }));
  expect(report.together).toBeNull();
  expect(report.judgement.verdict).toBe("failed");
  expect(report.series.map(({ open }) => open.length)).toStrictEqual([1, 1, 1]);
});

test("an accepted level closes the regression before it, not one after it", () => {
  const runs = historyOf({ runs: 36, factor: slowerFrom(20, 0.08) });
  const accepted = reportOf(runs, level({ last_run_at: runAt(30), level_ns: 1080, promoted_by: "person" }));
  expect(seriesNamed(accepted, nameOf(3)).changes.map((change) => change.accepted)).toStrictEqual([true]);
  expect(accepted.judgement.verdict).toBe("passed");
  const before = reportOf(runs, level({ last_run_at: runAt(15) }));
  expect(before.judgement.verdict).toBe("failed");
});

test("a decline in steps too small to be seen is seen against the accepted level", () => {
  const creeping = (run: number, benchmark: number): number => (benchmark === 3 ? 1 + 0.0012 * run : 1);
  const runs = historyOf({ runs: 40, factor: creeping }).slice(20);
  expect(seriesNamed(reportOf(runs), nameOf(3)).open).toStrictEqual([]);
  const { drift, judgement } = seriesNamed(reportOf(runs, level({})), nameOf(3));
  expect(drift?.relative).toBeGreaterThan(0.02);
  expect(judgement.verdict).toBe("failed");
  expect(judgement.reason).toMatch(
    /from the level accepted at commit-7 \(1000, 2026-01-15\) without a single clear step$/,
  );
});

test("a benchmark too noisy for any statement is inconclusive", () => {
  const wild = (run: number, benchmark: number): number => (benchmark === 3 ? 1 + 0.9 * ((run * 7) % 5) : 1);
  const { judgement } = seriesNamed(reportOf(historyOf({ runs: 30, factor: wild })), nameOf(3));
  expect(judgement.verdict).toBe("inconclusive");
  expect(judgement.reason).toMatch(/^group\/function-3: too noisy, only a change of \d+\.\d % or more would be seen$/);
});
