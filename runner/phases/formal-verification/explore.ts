/**
 * Formal verification. Embedded: the replica state machine is explored exhaustively within a small scope,
 * and once more with a planted bug, which the exploration must find.
 */
import type { CanaryResult } from "../../../contracts/canary.ts";
import { EXIT } from "../../../contracts/errors.ts";
import type { ExploreProfile } from "../../../contracts/profile/formal-verification.ts";
import { explorationSchema, type Exploration } from "../../../contracts/programs.ts";
import type { FormalVerificationResult } from "../../../contracts/results.ts";
import { failed, inconclusive, PASSED, type Judgement } from "../../../contracts/verdict.ts";
import { isoAt } from "../../platform/clock.ts";
import { together } from "../../platform/together.ts";
import { runJsonProgram, type JsonProgramRun } from "../../tools/json-program.ts";
import { shellQuoted } from "../../tools/shell.ts";
import { resultFrame, stopwatch, type PhaseContext } from "../context.ts";
import { openDayFile } from "./day-file.ts";
import { findingNotes } from "./findings.ts";

const TOOL = "explore";

export async function explorePhase(
  context: PhaseContext,
  profile: ExploreProfile,
): Promise<FormalVerificationResult | undefined> {
  const started = stopwatch(context);
  const day = await openDayFile(context, started.startedMs);
  context.live.activity = "exploring the replica state machine";
  const over = new AbortController();
  const signal = AbortSignal.any([context.signal, over.signal]);
  const explore = (extra: readonly string[]): Promise<JsonProgramRun<Exploration>> =>
    runJsonProgram(
      context.processes,
      {
        cwd: context.profile.work_tree,
        command: [...profile.command, "--json", ...profile.arguments, ...extra],
        deadlineMs: Math.max(1, context.leftMs()),
        signal,
        onProgress: context.worked,
      },
      explorationSchema,
      [EXIT.ok, EXIT.failuresFound, EXIT.inconclusive],
    );
  const [main, planted] = await together([explore([]), explore(profile.canary.arguments)], () => {
    over.abort();
  });
  if (context.signal.aborted) return undefined;
  if (main.value !== undefined) context.worked();

  const judgement = judgeExploration(main);
  const result: FormalVerificationResult = {
    phase: "formal-verification",
    ...judgement,
    ...resultFrame(context, started),
    tools: {
      [TOOL]: {
        ...judgement,
        duration_seconds: main.end.durationMs / 1000,
        states: main.value?.states ?? null,
        depth: main.value?.depth ?? null,
        scope: main.value === undefined ? null : scopeText(main.value.scope),
        counterexample: main.value?.violation?.trace ?? null,
        log_key: null,
      },
    },
    runs: {},
    canary: judgeCanary(profile.canary.name, planted, isoAt(context.clock.nowMs())),
  };
  await day.put(result);
  const violation = main.value?.violation;
  if (violation !== undefined && violation !== null) {
    findingNotes(context)({
      signature: `formal-verification:${TOOL}:${violation.invariant}`,
      message: violation.message,
      repro: [profile.repro_command, ...profile.arguments.map(shellQuoted)].join(" "),
      key: day.key,
    });
  }
  return result;
}

function judgeExploration({ value, problem }: JsonProgramRun<Exploration>): Judgement {
  if (value === undefined) return inconclusive(`explore: ${problem ?? "no output"}`);
  if (value.violation !== null) return failed(`explore: ${value.violation.invariant}: ${value.violation.message}`);
  if (!value.complete) return inconclusive(`explore: only ${String(value.states)} states of its scope were visited`);
  return value.states > 1 ? PASSED : inconclusive("explore: visited no state beyond the first");
}

function judgeCanary(name: string, { value, problem }: JsonProgramRun<Exploration>, at: string): CanaryResult {
  const found = value !== undefined && value.violation !== null;
  const reason = found ? null : (problem ?? `no violation in ${String(value?.states ?? 0)} states`);
  return { canary: name, found, found_in: found ? 1 : 0, runs: value === undefined ? 0 : 1, at, reason };
}

function scopeText(scope: Record<string, unknown>): string {
  return Object.entries(scope)
    .map(([name, value]) => `${name}=${typeof value === "string" ? value : JSON.stringify(value)}`)
    .join(" ");
}
