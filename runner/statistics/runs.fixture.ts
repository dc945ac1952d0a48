/** Histories of benchmark runs for tests: deterministic noise, one run every 48 hours, one commit per run. */
import type { BenchmarkRun, Measurement } from "../../contracts/benchmark-history.ts";

const FIRST_RUN_MS = Date.UTC(2026, 0, 1);
const CYCLE_MS = 48 * 3_600_000;
export const MACHINE = { machine_type: "c7g.xlarge", cpu: "Neoverse-V1", architecture: "arm64", cores: 4 };

export const runAt = (index: number): string => new Date(FIRST_RUN_MS + index * CYCLE_MS).toISOString();

/** From -1 to 1, looks random, the same for the same arguments. */
export function wobble(run: number, benchmark: number): number {
  const value = Math.sin(run * 12.9898 + benchmark * 78.233) * 43_758.5453;
  return 2 * (value - Math.floor(value)) - 1;
}

export function measurementOf(benchmark: string, ns: number): Measurement {
  const estimate = { ns, lower_ns: ns * 0.99, upper_ns: ns * 1.01, confidence: 0.95 };
  return {
    benchmark,
    suite: "crypto",
    median: estimate,
    mean: estimate,
    slope: estimate,
    deviation_ns: ns * 0.01,
    samples: 100,
    iterations: 5050,
    throughput: null,
  };
}

export interface HistoryOptions {
  readonly runs: number;
  readonly benchmarks?: number;
  /** Factor on the time of a benchmark in a run; 1 where it says nothing. */
  readonly factor?: (run: number, benchmark: number) => number;
  readonly change?: (run: BenchmarkRun, index: number) => BenchmarkRun;
}

export const nameOf = (benchmark: number): string => `group/function-${String(benchmark)}`;

/** Noise of about 1 %. */
export function historyOf({
  runs,
  benchmarks = 10,
  factor = () => 1,
  change = (run) => run,
}: HistoryOptions): BenchmarkRun[] {
  return Array.from({ length: runs }, (_, index) =>
    change(
      {
        version: 1,
        tool: "criterion",
        cycle: index + 1,
        git_commit: `commit-${String(index)}`,
        started_at: runAt(index),
        ended_at: runAt(index),
        machine: MACHINE,
        compiler: "rustc 1.88.0",
        quietness: { load_average_before: 0.1, busy_share_before: null, steal_share: 0 },
        measurements: Array.from({ length: benchmarks }, (_, benchmark) =>
          measurementOf(nameOf(benchmark), 1000 * (1 + 0.015 * wobble(index, benchmark)) * factor(index, benchmark)),
        ),
        problems: [],
      },
      index,
    ),
  );
}
