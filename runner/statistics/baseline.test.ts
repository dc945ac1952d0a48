import { expect, test } from "@jest/globals";
import type { Baseline, BenchmarkRun } from "../../contracts/benchmark-history.ts";
import { acceptLevels, CONSISTENT_RUNS, promoteByRule, type PromotionReport } from "./baseline.ts";
import { benchmarkReport } from "./report.ts";
import { historyOf, nameOf, runAt } from "./runs.fixture.ts";

const NOW = "2026-06-01T00:00:00.000Z";
const NAME = nameOf(3);

const promoted = (runs: readonly BenchmarkRun[], baseline?: Baseline): PromotionReport =>
  promoteByRule(benchmarkReport(runs, baseline)!, baseline, NOW);
const factor = (at: number, shift: number) => (run: number, benchmark: number) =>
  benchmark === 3 && run >= at ? 1 + shift : 1;

test("where there is none, a steady level becomes the baseline", () => {
  const { baseline, promoted: done, kept } = promoted(historyOf({ runs: 20 }));
  expect([...done.values()]).toStrictEqual(Array.from({ length: 10 }, () => "there was no baseline"));
  expect(kept.size).toBe(0);
  const level = baseline.levels.find(({ benchmark }) => benchmark === NAME);
  expect(level).toMatchObject({
    runs: CONSISTENT_RUNS,
    first_run_at: runAt(12),
    last_run_at: runAt(19),
    git_commit: "commit-19",
    promoted_at: NOW,
    promoted_by: "rule",
  });
  expect(level?.level_ns).toBeGreaterThan(985);
  expect(level?.level_ns).toBeLessThan(1015);
});

const quiet = (load: number | null) => (run: BenchmarkRun, index: number) =>
  index === 19 ? { ...run, quietness: { load_average_before: load, busy_share_before: null, steal_share: 0 } } : run;

test.each<[why: string, runs: BenchmarkRun[], reason: string]>([
  ["too few runs", historyOf({ runs: 11 }), "too few runs"],
  ["an open regression", historyOf({ runs: 36, factor: factor(25, 0.1) }), "a regression is open"],
  [
    "everything slower",
    historyOf({ runs: 36, factor: (run) => (run >= 25 ? 1.1 : 1) }),
    "a regression of all benchmarks together is open",
  ],
  [
    "a loud machine",
    historyOf({ runs: 20, change: quiet(3) }),
    "the newest run was not quiet: load 3.00 before the run, above 2.00",
  ],
  [
    "a machine that does not say",
    historyOf({ runs: 20, change: quiet(null) }),
    "the newest run was not quiet: load not known",
  ],
  ["a young improvement", historyOf({ runs: 36, factor: factor(30, -0.1) }), "6 of 8 runs on the newest level needed"],
  [
    "not measured any more",
    historyOf({
      runs: 20,
      change: (run, index) =>
        index < 19 ? run : { ...run, measurements: run.measurements.filter(({ benchmark }) => benchmark !== NAME) },
    }),
    "not measured in the newest run",
  ],
])("not promoted: %s", (_why, runs, reason) => {
  const { baseline, kept } = promoted(runs);
  expect(kept.get(NAME)).toBe(reason);
  expect(baseline.levels.some(({ benchmark }) => benchmark === NAME)).toBe(false);
});

test("a newest run far off its level waits", () => {
  const { kept } = promoted(historyOf({ runs: 20, factor: factor(19, 0.2) }));
  expect(kept.get(NAME)).toMatch(/^the newest run lies \d+\.\d deviations from its level$/);
});

test("by rule it moves for the better only: never with a loss, however small and often", () => {
  const { baseline: first } = promoted(historyOf({ runs: 20 }));
  const better = promoted(historyOf({ runs: 40, factor: factor(25, -0.1) }), first);
  expect(better.promoted.get(NAME)).toMatch(/^better by 1[01]\.\d %$/);
  expect([...better.promoted.keys()]).toStrictEqual([NAME]);
  const worse = promoted(historyOf({ runs: 40, factor: factor(25, 0.015) }), first);
  expect(worse.promoted.size).toBe(0);
  expect(worse.baseline).toStrictEqual(first);
});

test("a person moves it for the worse too, and the regression is closed by it", () => {
  const runs = historyOf({ runs: 40, factor: factor(25, 0.1) });
  const { baseline: first } = promoted(historyOf({ runs: 20 }));
  const report = benchmarkReport(runs, first)!;
  expect(report.judgement.verdict).toBe("failed");
  const accepted = acceptLevels(report, first, [NAME, "typo"], NOW);
  expect([...accepted.promoted]).toStrictEqual([[NAME, "accepted by a person"]]);
  expect([...accepted.kept]).toStrictEqual([["typo", "there is no such benchmark in this machine's history"]]);
  const level = accepted.baseline.levels.find(({ benchmark }) => benchmark === NAME);
  expect(level).toMatchObject({ promoted_by: "person", runs: CONSISTENT_RUNS, git_commit: "commit-39" });
  expect(benchmarkReport(runs, accepted.baseline)!.judgement.verdict).toBe("passed");
});

test("levels of another machine stay", () => {
  const { baseline: first } = promoted(historyOf({ runs: 20 }));
  const elsewhere = historyOf({
    runs: 20,
    change: (run) => ({ ...run, machine: { ...run.machine, machine_type: "c8g.xlarge" } }),
  });
  const { baseline } = promoted(elsewhere, first);
  expect(baseline.levels.length).toBe(20);
  expect(baseline.levels.slice(0, 10)).toStrictEqual(first.levels);
});
