/**
 * Benchmarks of a Rust workspace: its Criterion suites, one after the other, alone on the machine. What they measured
 * becomes a run of the history, and the run is compared with it.
 *
 * The canary is of the statistics: a slowdown planted in a copy of the history must be noticed. With a history too
 * short for that nothing is noticed, and the phase is not trusted yet.
 */
import type { BenchmarkProblem, BenchmarkRun, Measurement } from "../../../contracts/benchmark-history.ts";
import type { CanaryResult } from "../../../contracts/canary.ts";
import type { CriterionProfile } from "../../../contracts/profile/benchmarks.ts";
import type { Benchmark, BenchmarksResult } from "../../../contracts/results.ts";
import { inconclusive } from "../../../contracts/verdict.ts";
import { criterionFolder } from "../../platform/folders.ts";
import { plantSlowdown } from "../../statistics/planted.ts";
import { MIN_RUNS } from "../../statistics/settings.ts";
import { criterionCommand, judgeCriterion, readCriterion } from "../../tools/criterion.ts";
import { lastWords, runTool } from "../../tools/tool-run.ts";
import type { PhaseContext } from "../context.ts";
import { storeLog } from "../logs.ts";
import type { Compared } from "./compare.ts";
import { withinLimit } from "./limit.ts";
import { measuredPhase, type Measured } from "./measured.ts";

/** With less time than this a suite is not begun. */
const MIN_SUITE_MS = 1_000;
/** Progress is not told more often. */
const WORKED_MS = 60_000;
/** What Criterion prints of a benchmark that it has measured, and cargo of a crate that it compiles. */
const WORK_DONE = /\btime: +\[|^ *Compiling /;

export function criterionPhase(
  context: PhaseContext,
  profile: CriterionProfile,
): Promise<BenchmarksResult | undefined> {
  return measuredPhase(context, "criterion", () => measureSuites(context, profile));
}

async function measureSuites(context: PhaseContext, profile: CriterionProfile): Promise<Measured | undefined> {
  const suites = Object.keys(profile.suites);
  const ran: SuiteRun[] = [];
  for (const [index, suite] of suites.entries()) {
    if (context.signal.aborted) return undefined;
    ran.push(await runSuite(context, profile, suite, context.leftMs() / (suites.length - index)));
  }
  const { measurements, problems } = gathered(ran);
  return {
    compiler: compilerOf(context),
    measurements,
    problems: [...problems, ...ran.flatMap((suite) => suite.problems)],
    judgements: [
      ...ran.map(({ result }) => result),
      ...problems.map(({ benchmark, reason }) => inconclusive(`${benchmark}: ${reason}`)),
    ],
    benchmarks: measurements.map(benchmarkOf),
    runs: Object.fromEntries(ran.map(({ suite, result }) => [suite, result])),
    canary: (compared, run, at) => judgeCanary(compared, run, profile.planted_slowdown, at),
  };
}

export interface SuiteRun {
  readonly suite: string;
  readonly result: BenchmarksResult["runs"][string];
  readonly measurements: readonly Measurement[];
  readonly problems: readonly BenchmarkProblem[];
}

/** `shareMs`: of the time that is left. */
export async function runSuite(
  context: PhaseContext,
  profile: CriterionProfile,
  suite: string,
  shareMs: number,
): Promise<SuiteRun> {
  if (shareMs < MIN_SUITE_MS) {
    const reason = `not begun, less than ${String(MIN_SUITE_MS / 1_000)} s was left for it`;
    const result = { ...inconclusive(`${suite}: ${reason}`), duration_seconds: 0, log_key: null };
    return { suite, result, measurements: [], problems: [{ benchmark: suite, suite, reason }] };
  }
  context.live.activity = `suite ${suite}`;
  const folder = criterionFolder(context.stateFolder, suite);
  // Of the real clock, as the times of the files that are held against it.
  const startedMs = Date.now();
  const output = await runTool(context.processes, {
    command: criterionCommand(profile, suite),
    cwd: context.profile.work_tree,
    env: { CRITERION_HOME: folder, CARGO_TERM_COLOR: "never" },
    deadlineMs: Math.min(profile.suite_deadline_seconds * 1_000, shareMs),
    signal: context.signal,
    watch: heartbeat(context),
  });
  const endedWell = output.end.ending === "exited" && output.end.exitCode === 0;
  const description = `${output.end.description}${endedWell ? "" : lastWords(output.text)}`;
  const read = await readCriterion({ folder, suite, startedMs, expected: profile.suites[suite] ?? [] });
  if (read.measurements.length > 0) context.worked();
  return {
    suite,
    result: {
      ...judgeCriterion(read, suite, { ...output.end, description }),
      duration_seconds: output.end.durationMs / 1_000,
      log_key: output.text === "" ? null : await storeLog(context, suite, output.text),
    },
    measurements: read.measurements,
    problems: [...(endedWell ? [] : [{ benchmark: suite, suite, reason: description }]), ...read.problems],
  };
}

function heartbeat(context: PhaseContext): (line: string) => void {
  let toldMs = -Infinity;
  return (line) => {
    const nowMs = context.clock.monotonicMs();
    if (nowMs - toldMs < WORKED_MS || !WORK_DONE.test(line)) return;
    toldMs = nowMs;
    context.worked();
  };
}

const TWICE = "measured by another suite, too: which of them is meant cannot be told";

interface Gathered {
  readonly measurements: Measurement[];
  /** Those that no suite alone can see. */
  readonly problems: BenchmarkProblem[];
}

/** An id is a benchmark's only name over time: one that two suites use would be two series in one. */
function gathered(ran: readonly SuiteRun[]): Gathered {
  const all = ran.flatMap(({ measurements }) => measurements);
  const count = (id: string): number => all.filter(({ benchmark }) => benchmark === id).length;
  const twice = all.filter(({ benchmark }) => count(benchmark) > 1);
  const { kept, problems } = withinLimit(all.filter((measurement) => !twice.includes(measurement)));
  return {
    measurements: kept,
    problems: [...twice.map(({ benchmark, suite }) => ({ benchmark, suite, reason: TWICE })), ...problems],
  };
}

/** As the prepare phase was told by `rustc`, where the profile asks it. */
function compilerOf(context: PhaseContext): string | null {
  const prepare = context.state.get().results.find((result) => result.phase === "prepare");
  return prepare?.versions["rustc"] ?? null;
}

function benchmarkOf({ benchmark, samples, median, mean }: Measurement): Benchmark {
  return {
    name: benchmark,
    samples,
    median_ns: median.ns,
    mean_ns: mean.ns,
    lower_ns: mean.lower_ns,
    upper_ns: mean.upper_ns,
    operations_per_second: 1e9 / mean.ns,
  };
}

/** Found: noticed in at least half of the benchmarks. One that is too noisy for it is said in the comparison. */
function judgeCanary({ history }: Compared, run: BenchmarkRun, slowdown: number, at: string): CanaryResult {
  const { planted, noticed, runs } = plantSlowdown(history, run, slowdown);
  const found = planted > 0 && noticed * 2 >= planted;
  const percent = `${String(Math.round(slowdown * 1_000) / 10)} %`;
  const missed =
    planted === 0
      ? `the history needs ${String(MIN_RUNS)} runs, there are ${String(runs)}`
      : `${percent} were noticed in ${String(noticed)} of ${String(planted)} benchmarks`;
  return {
    canary: "planted-slowdown",
    found,
    found_in: noticed,
    runs: planted,
    at,
    reason: found ? null : missed,
  };
}
