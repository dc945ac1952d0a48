/**
 * What every tool that measures shares: a quiet moment before, a run for the history after, and the phase's result
 * around both. Each tool says only what it measured, and how its canary ended.
 */
import {
  MAX_MEASUREMENTS,
  type BenchmarkProblem,
  type BenchmarkRun,
  type Measurement,
} from "../../../contracts/benchmark-history.ts";
import type { CanaryResult } from "../../../contracts/canary.ts";
import type { Benchmark, BenchmarksResult } from "../../../contracts/results.ts";
import { worstOf, type Judgement } from "../../../contracts/verdict.ts";
import { isoAt } from "../../platform/clock.ts";
import { stolenShare, type QuietMoment } from "../../tools/machine-quietness.ts";
import { commitOf, resultFrame, stopwatch, type PhaseContext } from "../context.ts";
import { compareRun, type Compared } from "./compare.ts";
import { benchmarkMachine, waitForQuiet } from "./machine.ts";

export interface Measured {
  readonly compiler: string | null;
  readonly measurements: readonly Measurement[];
  readonly problems: readonly BenchmarkProblem[];
  /** What the tool itself says of the run; the comparison's judgement joins them. */
  readonly judgements: readonly Judgement[];
  readonly benchmarks: readonly Benchmark[];
  readonly runs: BenchmarksResult["runs"];
  /** `at`: ISO 8601, for the result. */
  readonly canary: (compared: Compared, run: BenchmarkRun, at: string) => CanaryResult;
}

/** `measure` returns undefined when the runner was stopped meanwhile, and so does this. */
export async function measuredPhase(
  context: PhaseContext,
  tool: BenchmarkRun["tool"],
  measure: () => Promise<Measured | undefined>,
): Promise<BenchmarksResult | undefined> {
  const started = stopwatch(context);
  const moment = await waitForQuiet(context);
  const runStartedMs = context.clock.nowMs();
  const measured = await measure();
  if (measured === undefined || context.signal.aborted) return undefined;
  const run = await runOf(context, tool, runStartedMs, moment, measured);
  const compared = await compareRun(context, run);
  if (compared === undefined) return undefined;
  return {
    phase: "benchmarks",
    ...worstOf([...measured.judgements, compared.judgement]),
    ...resultFrame(context, started),
    toolchain: context.toolchain,
    benchmarks: [...measured.benchmarks],
    runs: measured.runs,
    machine: run.machine,
    compiler: run.compiler,
    quietness: run.quietness,
    comparison: compared.comparison,
    canary: measured.canary(compared, run, isoAt(context.clock.nowMs())),
  };
}

async function runOf(
  context: PhaseContext,
  tool: BenchmarkRun["tool"],
  startedMs: number,
  { before, quietness }: QuietMoment,
  { compiler, measurements, problems }: Measured,
): Promise<BenchmarkRun> {
  return {
    version: 1,
    tool,
    cycle: context.state.get().cycle,
    git_commit: commitOf(context.state.get()),
    started_at: isoAt(startedMs),
    ended_at: isoAt(context.clock.nowMs()),
    machine: await benchmarkMachine(context),
    compiler,
    quietness: { ...quietness, steal_share: stolenShare(before, await context.sampleMachine()) },
    measurements: [...measurements],
    problems: problems.slice(0, MAX_MEASUREMENTS),
  };
}
