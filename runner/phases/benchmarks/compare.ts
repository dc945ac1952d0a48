/**
 * From a run to what is said of it: kept in the history, compared with it, levels promoted by rule. The same for
 * every tool that measures.
 */
import type { BenchmarkComparison } from "../../../contracts/benchmark-comparison.ts";
import type { Baseline, BenchmarkRun } from "../../../contracts/benchmark-history.ts";
import { KimtestError, reasonOf } from "../../../contracts/errors.ts";
import { inconclusive, type Judgement } from "../../../contracts/verdict.ts";
import { isoAt } from "../../platform/clock.ts";
import { limited } from "../../platform/limited.ts";
import { promoteByRule } from "../../statistics/baseline.ts";
import { comparisonOf } from "../../statistics/comparison.ts";
import { benchmarkReport, type BenchmarkReport } from "../../statistics/report.ts";
import { changeBaseline, readBaseline, readHistory } from "../../triage/benchmark-store.ts";
import type { PhaseContext } from "../context.ts";
import { deliverRuns, keepRun } from "./waiting-runs.ts";
import { weighed } from "./weigh.ts";

/** Hundreds of files at most; a store that answers at all needs seconds. */
const STORE_LIMIT_MS = 60_000;

export interface Compared {
  readonly judgement: Judgement;
  /** Null when the history could not be read. */
  readonly comparison: BenchmarkComparison | null;
  /** Of this machine, with this run. */
  readonly history: readonly BenchmarkRun[];
}

/** Undefined when the runner was stopped meanwhile; the run is kept all the same. */
export async function compareRun(context: PhaseContext, run: BenchmarkRun): Promise<Compared | undefined> {
  context.live.activity = "comparing with the history";
  await keepRun(context, run);
  try {
    await deliverRuns(context);
    const { runs, unreadable } = await asked(context, "reading the history of benchmarks", () =>
      readHistory(context.store, run.machine),
    );
    if (unreadable.length > 0)
      context.warn(`the history of benchmarks lacks ${String(unreadable.length)} days: ${unreadable[0] ?? ""}`);
    const baseline = await asked(context, "reading the accepted levels", () => readBaseline(context.store));
    // Those of the store may lack it (it waits), and may hold newer ones, of another runner on such a machine.
    const history = [...runs.filter((one) => Date.parse(one.started_at) < Date.parse(run.started_at)), run];
    const report = benchmarkReport(history, baseline)!;
    const promoted = await promote(context, report, baseline);
    if (context.signal.aborted) return undefined;
    return { judgement: weighed(run.tool, report), comparison: comparisonOf(report, promoted), history };
  } catch (error) {
    if (context.signal.aborted) return undefined;
    if (!(error instanceof KimtestError)) throw error;
    return { judgement: inconclusive(`no change can be judged: ${reasonOf(error)}`), comparison: null, history: [run] };
  }
}

function asked<T>(context: PhaseContext, what: string, ask: () => Promise<T>): Promise<T> {
  return limited(ask(), what, STORE_LIMIT_MS, context.signal);
}

/** The rule is asked in every cycle: a level that could not be stored is promoted by the next one. */
async function promote(
  context: PhaseContext,
  report: BenchmarkReport,
  known: Baseline | undefined,
): Promise<BenchmarkComparison["promoted"]> {
  const now = isoAt(context.clock.nowMs());
  if (promoteByRule(report, known, now).promoted.size === 0) return [];
  let promoted: BenchmarkComparison["promoted"] = [];
  try {
    await asked(context, "promoting levels", () =>
      changeBaseline(context.store, (baseline) => {
        const decided = promoteByRule(report, baseline, now);
        promoted = [...decided.promoted].map(([benchmark, reason]) => ({
          benchmark,
          reason,
          level_ns: decided.baseline.levels.find((level) => level.benchmark === benchmark && level.promoted_at === now)!
            .level_ns,
        }));
        return promoted.length === 0 ? undefined : decided.baseline;
      }),
    );
    return promoted;
  } catch (error) {
    if (!(error instanceof KimtestError)) throw error;
    if (!context.signal.aborted) context.warn(`no level was promoted: ${reasonOf(error)}`);
    return [];
  }
}
