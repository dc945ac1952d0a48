/** The file of one day (`benchmarks/YYYY-MM-DD.json`): a run is added to it and never replaces another one. */
import { dayOf } from "../../contracts/bucket.ts";
import { MAX_RUNS_PER_DAY, type BenchmarkHistory, type BenchmarkRun } from "../../contracts/benchmark-history.ts";
import { KimtestError } from "../../contracts/errors.ts";

/**
 * The day's file with this run. A run that is there already (by its start: a put that was retried) is replaced.
 *
 * @throws KimtestError `BAD_INPUT` for a run of another day, `LIMIT_EXCEEDED` for one too many.
 */
export function withRun(history: BenchmarkHistory | undefined, run: BenchmarkRun): BenchmarkHistory {
  const date = dayOf(new Date(run.started_at));
  if (history !== undefined && history.date !== date)
    throw new KimtestError("BAD_INPUT", `a benchmark run of ${date} does not belong in the file of ${history.date}`);
  const others = (history?.runs ?? []).filter((other) => other.started_at !== run.started_at);
  if (others.length >= MAX_RUNS_PER_DAY) {
    throw new KimtestError("LIMIT_EXCEEDED", `benchmarks of ${date}: there are ${MAX_RUNS_PER_DAY} runs already`, {
      hint: "run benchmarks less often, or move runs of that day's file away",
    });
  }
  const runs = [...others, run].sort((a, b) => Date.parse(a.started_at) - Date.parse(b.started_at));
  return { version: 1, date, runs };
}
