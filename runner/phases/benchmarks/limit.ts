/** A run of more benchmarks than the history takes is cut, and says so: a run that cannot be read back is lost. */
import { MAX_MEASUREMENTS, type BenchmarkProblem, type Measurement } from "../../../contracts/benchmark-history.ts";

export function withinLimit(measurements: readonly Measurement[]): {
  kept: Measurement[];
  problems: BenchmarkProblem[];
} {
  const [first] = measurements.slice(MAX_MEASUREMENTS);
  const reason = `left out, like all after it: the history takes ${String(MAX_MEASUREMENTS)} benchmarks in one run`;
  return {
    kept: measurements.slice(0, MAX_MEASUREMENTS),
    problems: first === undefined ? [] : [{ benchmark: first.benchmark, suite: first.suite, reason }],
  };
}
