import { expect, test } from "@jest/globals";
import { benchmarkComparisonSchema, type BenchmarkComparison } from "../../contracts/benchmark-comparison.ts";
import { promoteByRule } from "./baseline.ts";
import { comparisonOf } from "./comparison.ts";
import { benchmarkReport } from "./report.ts";
import { historyOf, nameOf, runAt, type HistoryOptions } from "./runs.fixture.ts";

function compared(options: HistoryOptions, baseline?: Parameters<typeof benchmarkReport>[1]): BenchmarkComparison {
  const comparison = comparisonOf(benchmarkReport(historyOf(options), baseline)!);
  expect(benchmarkComparisonSchema.parse(comparison)).toStrictEqual(comparison);
  return comparison;
}

test("a change with all that is known of it, and the noise of each benchmark", () => {
  const { changes, series, verdict } = compared({
    runs: 36,
    factor: (run, benchmark) => (benchmark === 3 && run >= 28 ? 1.1 : 1),
  });
  expect(verdict).toBe("failed");
  expect(changes).toHaveLength(1);
  expect(changes[0]).toMatchObject({
    benchmark: nameOf(3),
    kind: "regression",
    open: true,
    after_commit: "commit-27",
    up_to_commit: "commit-28",
    first_run_at: runAt(28),
  });
  expect(changes[0]?.ratio).toBeCloseTo(1.1, 1);
  expect(series).toHaveLength(10);
  expect(series[0]).toMatchObject({ benchmark: nameOf(0), runs: 36, loud_runs: 0 });
  expect(series[0]?.noise?.relative_deviation).toBeGreaterThan(0.003);
  expect(series[0]?.noise?.relative_deviation).toBeLessThan(0.03);
});

test("an old change that is not open is history, a young improvement is news", () => {
  const faster = (from: number) => ({
    runs: 36,
    factor: (run: number, benchmark: number) => (benchmark === 3 && run >= from ? 0.9 : 1),
  });
  expect(compared(faster(20)).changes).toStrictEqual([]);
  expect(compared(faster(28)).changes).toMatchObject([{ kind: "improvement", open: false }]);
});

test("a decline without a step is a drift from the accepted level: from its commit to the newest", () => {
  const creeping = { runs: 40, factor: (run: number, benchmark: number) => (benchmark === 3 ? 1 + 0.0012 * run : 1) };
  const runs = historyOf(creeping);
  const { baseline } = promoteByRule(benchmarkReport(runs.slice(0, 14), undefined)!, undefined, runAt(14));
  const { changes } = comparisonOf(benchmarkReport(runs.slice(20), baseline)!);
  expect(changes).toMatchObject([
    {
      benchmark: nameOf(3),
      kind: "drift",
      open: true,
      interval: null,
      after_commit: "commit-13",
      up_to_commit: "commit-39",
    },
  ]);
  expect(changes[0]?.text).toMatch(
    /^\+[23]\.\d % from the level accepted at commit-13 .* without a single clear step$/,
  );
});

test("what all benchmarks share is one change, of all of them", () => {
  const { changes } = compared({ runs: 36, factor: (run) => (run >= 30 ? 1.1 : 1) });
  expect(changes).toMatchObject([{ benchmark: "(all benchmarks)", kind: "regression", open: true }]);
});
