/**
 * Benchmarks, alone on the machine. A planted slowdown must show, or no comparison of these numbers
 * means anything. Comparing cycles with each other needs a history and is the statistics' business.
 */
import { loadavg } from "node:os";
import type { CanaryResult } from "../../../contracts/canary.ts";
import { benchmarksKey } from "../../../contracts/bucket.ts";
import { EXIT } from "../../../contracts/errors.ts";
import { stringifyJson } from "../../../contracts/json.ts";
import type { TinybenchProfile } from "../../../contracts/profile/benchmarks.ts";
import { benchRunSchema, type BenchRun } from "../../../contracts/programs.ts";
import type { BenchmarksResult } from "../../../contracts/results.ts";
import { inconclusive, PASSED, worstOf, type Judgement } from "../../../contracts/verdict.ts";
import { isoAt } from "../../platform/clock.ts";
import { runJsonProgram } from "../../tools/json-program.ts";
import { resultFrame, type PhaseContext } from "../context.ts";

/** Start of the process and its warm-up, beside the measuring itself. */
const OVERHEAD_MS = 1_500;
const MIN_MEASURING_MS = 500;
/**
 * More is not asked for, however long the phase: tinybench keeps every sample in memory (half a gigabyte for a
 * minute), and the figures are stable long before. What the phase leaves over goes to VOPR.
 */
const MAX_MEASURING_MS = 60_000;
/** Fewer samples say nothing about noise. */
const MIN_SAMPLES = 10;

export async function tinybenchPhase(
  context: PhaseContext,
  profile: TinybenchProfile,
): Promise<BenchmarksResult | undefined> {
  const startedMs = context.clock.nowMs();
  context.live.activity = "measuring";
  const load = loadavg()[0];
  const measuringMs = Math.min(MAX_MEASURING_MS, Math.max(MIN_MEASURING_MS, context.leftMs() - OVERHEAD_MS));
  const run = await runJsonProgram(
    context.processes,
    {
      cwd: context.profile.work_tree,
      command: [...profile.command, "--json", "--seconds", (measuringMs / 1000).toFixed(2)],
      deadlineMs: measuringMs * 3 + OVERHEAD_MS * 4,
      signal: context.signal,
      onProgress: context.worked,
    },
    benchRunSchema,
    [EXIT.ok],
  );
  if (context.signal.aborted) return undefined;
  if (run.value !== undefined) context.worked();

  const result: BenchmarksResult = {
    phase: "benchmarks",
    ...judgeRun(run.value, run.problem),
    ...resultFrame(context, startedMs),
    toolchain: context.toolchain,
    benchmarks: run.value?.benchmarks ?? [],
    load_average: load === undefined || load === 0 ? null : load,
    canary: judgeCanary(run.value, run.problem, isoAt(context.clock.nowMs())),
  };
  await context.outbox.put(benchmarksKey(new Date(startedMs)), stringifyJson(result), { supersedes: true });
  return result;
}

/** Passed: every benchmark was measured often enough. */
function judgeRun(run: BenchRun | undefined, problem: string | null): Judgement {
  if (run === undefined) return inconclusive(problem ?? "no output");
  if (run.benchmarks.length === 0) return inconclusive("no benchmark was run");
  return worstOf(
    run.benchmarks.map(({ name, samples }) =>
      samples >= MIN_SAMPLES ? PASSED : inconclusive(`${name}: only ${String(samples)} samples`),
    ),
  );
}

/** The planted slowdown is of half the time; less than this is not it. */
const MIN_SLOWDOWN = 1.1;

/** Found: even the lower end of the confidence interval is a slowdown. */
function judgeCanary(run: BenchRun | undefined, problem: string | null, at: string): CanaryResult {
  if (run === undefined) return { canary: "planted-slowdown", found: false, found_in: 0, runs: 0, at, reason: problem };
  const { name, ratio, pairs } = run.canary;
  const found = ratio.lower >= MIN_SLOWDOWN;
  const interval = `${ratio.median.toFixed(2)} times the other (${ratio.lower.toFixed(2)} to ${ratio.upper.toFixed(2)})`;
  return {
    canary: name,
    found,
    found_in: found ? 1 : 0,
    runs: pairs,
    at,
    reason: found ? null : `the slowed run took ${interval}`,
  };
}
