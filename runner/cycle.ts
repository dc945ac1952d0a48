/**
 * One cycle: the phases in order, each within its budget, resumed where an interruption left it.
 *
 * The state machine is a file (contracts/cycle.ts), replaced atomically after every step. A runner that is
 * killed at any moment and started again goes on with the same cycle, phase and commit. Time in which the
 * runner was down is not counted. A phase that fails in itself does not stop the cycle: it is
 * inconclusive, and the digest says so first.
 */
import type { CycleState } from "../contracts/cycle.ts";
import type { Digest } from "../contracts/digest.ts";
import { EXIT, type ExitCode } from "../contracts/errors.ts";
import type { PhaseName } from "../contracts/parts.ts";
import { beginning, findEarlierWork } from "./cycle-state.ts";
import { duePhases } from "./due-phases.ts";
import { isStillPrepared } from "./phases/prepare/built.ts";
import { NO_COMMIT, readCommit } from "./phases/prepare/commit.ts";
import type { RunnerDependencies } from "./platform/dependencies.ts";
import { CycleStateFile } from "./platform/state-file.ts";
import { RunningCycle, type CycleOptions } from "./running-cycle.ts";
import { beginFailureIndex } from "./triage/failure-index.ts";

export type { CycleOptions } from "./running-cycle.ts";

export type CycleOutcome =
  | { readonly kind: "done"; readonly digest: Digest; readonly exitCode: ExitCode }
  | { readonly kind: "interrupted"; readonly cycle: number; readonly phase: PhaseName };

export async function runCycle(dependencies: RunnerDependencies, options: CycleOptions): Promise<CycleOutcome> {
  const { clock, outbox, processes, store, log } = dependencies;
  const { profile, spectator } = options;
  const reaped = processes.reapLeftovers();
  if (reaped > 0) log.warn({ reaped }, "ended programs of a runner that was killed");
  const found = await findEarlierWork(options.statePath, store);
  const first = beginning(found, {
    profile,
    budgetMs: options.budgetMs,
    nowMs: clock.nowMs(),
    outageBeforeMs: outbox.outage().totalMs,
    storeUrl: store.url,
  });
  const file = new CycleStateFile(options.statePath, await withCommitChecked(first, options));
  await file.save();
  if (first.interruptions === 0) await beginFailureIndex(outbox, first.cycle, clock.nowMs());
  spectator.cycleStarted(first.cycle, first.interruptions > 0);
  for (const damage of found.damage) spectator.warning(damage);
  if (first.budget_ms !== options.budgetMs) {
    spectator.warning(`the cycle keeps the length it was begun with, ${String(first.budget_ms / 1000)} s`);
  }
  const cycle = new RunningCycle(dependencies, options, file);

  const skipped = new Set(options.skipped?.keys());
  const preparation = { ...dependencies, profile, skipped, signal: options.signal };
  for (const phase of duePhases(first, await isStillPrepared(first, preparation))) {
    if (!(await cycle.runPhase(phase))) return { kind: "interrupted", cycle: first.cycle, phase };
  }
  const digest = await cycle.runDigest();
  if (digest === undefined) return { kind: "interrupted", cycle: first.cycle, phase: "digest" };
  return { kind: "done", digest, exitCode: exitCodeOf(digest) };
}

/** A work tree that is somebody's own may have changed: a cycle on two commits has the evidence of neither. */
async function withCommitChecked(state: CycleState, { profile, signal }: CycleOptions): Promise<CycleState> {
  if (state.git_commit === null || state.git_commit === NO_COMMIT || profile.repository !== undefined) return state;
  const { commit } = await readCommit(profile.work_tree, signal);
  if (commit === state.git_commit || signal.aborted) return state;
  const change = `the commit under test changed from ${state.git_commit} to ${commit} while the cycle was interrupted`;
  return { ...state, damage: [...new Set([...state.damage, change])] };
}

/** An untrusted VOPR outranks everything: what it says, red or green, cannot be believed. */
export function exitCodeOf(digest: Digest): ExitCode {
  if (!digest.trust.vopr.trusted) return EXIT.inconclusive;
  if (digest.verdict === "failed") return EXIT.failuresFound;
  return digest.verdict === "inconclusive" ? EXIT.inconclusive : EXIT.ok;
}
