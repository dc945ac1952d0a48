/**
 * Fuzzing. Embedded: fast-check over this project's own parsers, one process per target, the targets
 * sharing the cores and the time of the phase; a planted bug shows that the search works.
 */
import type { CanaryResult } from "../../../contracts/canary.ts";
import { EXIT } from "../../../contracts/errors.ts";
import type { FastCheckProfile } from "../../../contracts/profile/fuzz.ts";
import { fuzzRunSchema, type FuzzRun } from "../../../contracts/programs.ts";
import type { FuzzResult } from "../../../contracts/results.ts";
import { failed, inconclusive, PASSED, worstOf, type Judgement } from "../../../contracts/verdict.ts";
import { isoAt } from "../../platform/clock.ts";
import { together } from "../../platform/together.ts";
import { runJsonProgram, type JsonProgramRun } from "../../tools/json-program.ts";
import { shellQuoted } from "../../tools/shell.ts";
import { archiveFuzzFailure } from "../../triage/fuzz-archive.ts";
import { withSighting, without } from "../../triage/sightings.ts";
import { commitOf, resultFrame, stopwatch, type PhaseContext } from "../context.ts";
import { seedOf } from "./seed.ts";

/** Start of a process, beside the fuzzing itself. */
const OVERHEAD_MS = 1_000;
const MIN_FUZZING_MS = 300;
const CANARY_MS = 1_000;
/** How much longer than asked for a target may take: shrinking has its own time. */
const DEADLINE_EXTRA_MS = 20_000;

type TargetResult = FuzzResult["targets"][string];

export async function fastCheckPhase(
  context: PhaseContext,
  profile: FastCheckProfile,
  workers: number,
): Promise<FuzzResult | undefined> {
  const started = stopwatch(context);
  const { targets, canary_target: canaryTarget } = profile;
  context.live.activity = "looking for the planted bug";
  const planted = await fuzzOne(context, profile, canaryTarget, CANARY_MS);

  const rounds = Math.ceil(targets.length / workers);
  const fuzzingMs = Math.max(MIN_FUZZING_MS, context.leftMs() / rounds - OVERHEAD_MS);
  const results: Record<string, TargetResult> = {};
  const queue = [...targets];
  const oneFailed = new AbortController();
  const worker: PhaseContext = { ...context, signal: AbortSignal.any([context.signal, oneFailed.signal]) };
  async function work(): Promise<void> {
    for (;;) {
      const target = queue.shift();
      if (target === undefined || worker.signal.aborted) return;
      context.live.activity = `target ${target}`;
      const run = await fuzzOne(worker, profile, target, fuzzingMs);
      if (run.end.ending === "stopped") return;
      if (run.value !== undefined) context.worked();
      results[target] = await targetResult(context, profile, target, run);
    }
  }
  await together(Array.from({ length: workers }, work), () => {
    oneFailed.abort();
  });
  if (context.signal.aborted) return undefined;

  return {
    phase: "fuzz",
    ...worstOf(Object.values(results)),
    ...resultFrame(context, started),
    targets: results,
    canary: judgeCanary(canaryTarget, planted, isoAt(context.clock.nowMs())),
  };
}

/** `ms`: of fuzzing; the process may take longer. */
export function fuzzOne(
  context: PhaseContext,
  profile: FastCheckProfile,
  target: string,
  ms: number,
): Promise<JsonProgramRun<FuzzRun>> {
  const seed = String(seedOf(context.state.get().cycle, target));
  const command = [
    ...profile.command,
    "--json",
    "--target",
    target,
    "--seconds",
    (ms / 1000).toFixed(2),
    "--seed",
    seed,
  ];
  return runJsonProgram(
    context.processes,
    {
      command,
      cwd: context.profile.work_tree,
      deadlineMs: ms + DEADLINE_EXTRA_MS,
      signal: context.signal,
      onProgress: context.worked,
    },
    fuzzRunSchema,
    [EXIT.ok, EXIT.failuresFound],
  );
}

async function targetResult(
  context: PhaseContext,
  profile: FastCheckProfile,
  target: string,
  run: JsonProgramRun<FuzzRun>,
): Promise<TargetResult> {
  const { value, end } = run;
  const key =
    value?.failure === undefined || value.failure === null
      ? null
      : await archive(context, profile, value, value.failure, end.stderr);
  return {
    ...judgeTarget(target, run),
    duration_seconds: end.durationMs / 1000,
    executions: value?.executions ?? 0,
    executions_per_second: value === undefined || value.elapsed_secs === 0 ? 0 : value.executions / value.elapsed_secs,
    failure_keys: key === null ? [] : [key],
    build_seconds: null,
    edges: null,
    corpus_inputs: null,
    corpus_minimized: null,
    log_key: null,
  };
}

export function judgeTarget(target: string, { value, problem }: JsonProgramRun<FuzzRun>): Judgement {
  if (value === undefined) return inconclusive(`${target}: ${problem ?? "no output"}`);
  if (value.failure !== null) return failed(`${target}: ${value.failure.message}`);
  return value.executions > 0 ? PASSED : inconclusive(`${target}: nothing was executed`);
}

export function judgeCanary(target: string, { value, problem }: JsonProgramRun<FuzzRun>, at: string): CanaryResult {
  const found = value !== undefined && value.failure !== null;
  const runs = value?.executions ?? 0;
  return {
    canary: target,
    found,
    found_in: found ? 1 : 0,
    runs,
    at,
    reason: found ? null : (problem ?? `not in ${String(runs)} executions`),
  };
}

async function archive(
  context: PhaseContext,
  { command: program, repro_command: typed = program.map(shellQuoted).join(" ") }: FastCheckProfile,
  run: FuzzRun,
  failure: NonNullable<FuzzRun["failure"]>,
  log: string,
): Promise<string> {
  const nowMs = context.clock.nowMs();
  const at = isoAt(nowMs);
  const flags = ["--target", run.target, "--seed", String(failure.seed), "--path", failure.path];
  const repro = [typed, ...flags.map(shellQuoted)].join(" ");
  const signature = `fuzz:${run.target}:${failure.message.split("\n")[0]?.slice(0, 120) ?? ""}`;
  const key = await archiveFuzzFailure(
    context.outbox,
    {
      version: 1,
      kind: "fuzz",
      target: run.target,
      signature,
      message: failure.message,
      counterexample: failure.counterexample,
      archived_at: at,
      cycle: context.state.get().cycle,
      git_commit: commitOf(context.state.get()),
      profile: context.profile.name,
      toolchain: context.toolchain,
      command: [...program, ...flags],
      repro,
      artifact: null,
      group: null,
      inputs: null,
    },
    log,
    nowMs,
  );
  const seen = {
    signature,
    count: 1,
    first_at: at,
    last_at: at,
    seeds: [],
    message: failure.message,
    repro,
    failure_key: key,
  };
  context.state.change((now) => ({
    ...now,
    // A target is fuzzed once a cycle: an attempt that was interrupted is not a second failure.
    sightings: withSighting(without(now.sightings, signature), { ...seen, workload: "fuzz" }),
  }));
  await context.state.save();
  return key;
}
