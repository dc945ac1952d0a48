/**
 * Benchmarks of a program that measures itself and prints one JSON object (tinybench), alone on the machine. Its
 * run joins the history like any other. Within the run a planted slowdown must show, or no comparison of these
 * numbers means anything.
 */
import type { BenchmarkProblem, Measurement } from "../../../contracts/benchmark-history.ts";
import type { CanaryResult } from "../../../contracts/canary.ts";
import { EXIT } from "../../../contracts/errors.ts";
import type { TinybenchProfile } from "../../../contracts/profile/benchmarks.ts";
import { benchRunSchema, type BenchRun } from "../../../contracts/programs.ts";
import type { Benchmark, BenchmarksResult } from "../../../contracts/results.ts";
import { inconclusive } from "../../../contracts/verdict.ts";
import { runJsonProgram, type JsonProgramRun } from "../../tools/json-program.ts";
import type { PhaseContext } from "../context.ts";
import { withinLimit } from "./limit.ts";
import { measuredPhase, type Measured } from "./measured.ts";

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
/** In place of a suite: the program has none. */
const SUITE = "tinybench";

export function tinybenchPhase(
  context: PhaseContext,
  profile: TinybenchProfile,
): Promise<BenchmarksResult | undefined> {
  return measuredPhase(context, "tinybench", () => measure(context, profile));
}

async function measure(context: PhaseContext, profile: TinybenchProfile): Promise<Measured> {
  context.live.activity = "measuring";
  const measuringMs = Math.min(MAX_MEASURING_MS, Math.max(MIN_MEASURING_MS, context.leftMs() - OVERHEAD_MS));
  const { value, problem } = await runBench(context, profile, measuringMs);
  if (value !== undefined) context.worked();

  const benchmarks = value?.benchmarks ?? [];
  const { kept, problems: leftOut } = withinLimit(benchmarks.filter(isMeasured).map(measurementOf));
  const problems = [...problemsOf(benchmarks, problem), ...leftOut];
  return {
    compiler: `Node.js ${context.toolchain.node}`,
    measurements: kept,
    problems,
    judgements: problems.map(({ benchmark, reason }) =>
      inconclusive(benchmark === SUITE ? reason : `${benchmark}: ${reason}`),
    ),
    benchmarks,
    runs: {},
    canary: (_compared, _run, at) => judgeCanary(value, problem, at),
  };
}

export function runBench(
  context: PhaseContext,
  profile: TinybenchProfile,
  measuringMs: number,
): Promise<JsonProgramRun<BenchRun>> {
  return runJsonProgram(
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
}

const isMeasured = ({ samples }: Benchmark): boolean => samples >= MIN_SAMPLES;

/** None: every benchmark was measured often enough. */
export function problemsOf(benchmarks: readonly Benchmark[], problem: string | null): BenchmarkProblem[] {
  const whole = (reason: string): BenchmarkProblem => ({ benchmark: SUITE, suite: SUITE, reason });
  if (problem !== null) return [whole(problem)];
  if (benchmarks.length === 0) return [whole("no benchmark was run")];
  return benchmarks
    .filter((one) => !isMeasured(one))
    .map(({ name, samples }) => ({ benchmark: name, suite: SUITE, reason: `only ${String(samples)} samples` }));
}

/** The program says the interval of the mean, and neither that of the median nor a deviation. */
function measurementOf({ name, samples, median_ns, mean_ns, lower_ns, upper_ns }: Benchmark): Measurement {
  return {
    benchmark: name,
    suite: SUITE,
    median: { ns: median_ns, lower_ns: null, upper_ns: null, confidence: null },
    mean: { ns: mean_ns, lower_ns, upper_ns, confidence: 0.99 },
    slope: null,
    deviation_ns: null,
    samples,
    iterations: samples,
    throughput: null,
  };
}

/** The planted slowdown is of half the time; less than this is not it. */
const MIN_SLOWDOWN = 1.1;

/** Found: even the lower end of the confidence interval is a slowdown. */
export function judgeCanary(run: BenchRun | undefined, problem: string | null, at: string): CanaryResult {
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
