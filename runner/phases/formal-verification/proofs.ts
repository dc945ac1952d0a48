/**
 * Formal verification with proof tools: each check of the profile in turn, the planted bug first.
 *
 * One at a time: TLC takes every core, and the memory that two of them may take together is not there on a small
 * machine. A tool that is missing, or takes all its time, concerns its own checks only: each has its fair share of
 * the phase. Every log is stored. What does not hold is durable before the next check begins.
 */
import type { CanaryResult } from "../../../contracts/canary.ts";
import type { ProofsProfile } from "../../../contracts/profile/formal-verification.ts";
import type { ProofFinding, ProofResult } from "../../../contracts/proofs.ts";
import type { FormalVerificationResult } from "../../../contracts/results.ts";
import { inconclusive, worstOf, type Judgement } from "../../../contracts/verdict.ts";
import { isoAt } from "../../platform/clock.ts";
import { findingSignature, toolEntry } from "../../tools/proof.ts";
import { resultFrame, stopwatch, type PhaseContext } from "../context.ts";
import { plantFiles } from "../planted-files.ts";
import { openDayFile } from "./day-file.ts";
import { fairShareMs } from "./fair-share.ts";
import { findingNotes } from "./findings.ts";
import { reproOf } from "./repro.ts";
import { runCheck, wantedMs, type CheckRun, type CheckToRun } from "./run-check.ts";
import { ToolSupply } from "./supply.ts";

export async function proofsPhase(
  context: PhaseContext,
  profile: ProofsProfile,
): Promise<FormalVerificationResult | undefined> {
  const started = stopwatch(context);
  const day = await openDayFile(context, started.startedMs);
  const note = findingNotes(context);
  const supply = await ToolSupply.open(context, profile);
  const { checks } = profile;
  const planted = await plantedCheck(context, profile);
  const real = checks.map((check): CheckToRun => ({ check, root: context.profile.work_tree, label: check.name }));

  const runs = new Map<string, CheckRun>();
  let canaryResult: CanaryResult | null = null;
  const result = (): FormalVerificationResult => ({
    phase: "formal-verification",
    ...judgeAll(profile, runs),
    ...resultFrame(context, started),
    tools: Object.fromEntries([...runs].map(([name, run]) => [name, toolEntry(run.result, run.logKey)])),
    runs: Object.fromEntries([...runs].map(([name, run]) => [name, run.result])),
    canary: canaryResult,
  });

  // A check that was stopped under way is inconclusive, unless it had found something before: that is kept.
  const isStopped = (): boolean => context.signal.aborted;
  const order = [planted, ...real];
  for (const [index, one] of order.entries()) {
    if (isStopped()) return undefined;
    const wants = ({ check }: CheckToRun): number => wantedMs(context, supply, check);
    const shareMs = fairShareMs(context.leftMs(), [wants(one), ...order.slice(index + 1).map(wants)]);
    const run = await runCheck(context, profile, supply, one, shareMs);
    const { verdict, findings } = run.result;
    if (verdict !== "inconclusive") context.worked();
    if (one === planted) {
      canaryResult = judgeCanary(run.result, one.check.name, isoAt(context.clock.nowMs()));
      continue;
    }
    runs.set(one.check.name, run);
    if (findings.length === 0) continue;
    await day.put(result());
    for (const finding of findings) {
      note({
        signature: findingSignature(one.check.name, finding),
        message: `${one.check.name}: ${placeOf(finding)}${finding.message}`,
        repro: reproOf(one.check, profile),
        key: day.key,
      });
    }
    await context.state.save();
  }
  if (isStopped()) return undefined;
  const done = result();
  await day.put(done);
  return done;
}

export async function plantedCheck({ stateFolder }: PhaseContext, { canary }: ProofsProfile): Promise<CheckToRun> {
  return {
    check: canary.check,
    root: await plantFiles(stateFolder, "formal-verification", canary.files),
    label: `canary.${canary.check.name}`, // a check's name has no dot
  };
}

/** The worst of all checks; one that was not run yet has shown nothing. */
function judgeAll({ checks }: ProofsProfile, runs: ReadonlyMap<string, CheckRun>): Judgement {
  return worstOf(
    checks.map(({ name }): Judgement => {
      const run = runs.get(name)?.result;
      if (run === undefined) return inconclusive(`${name}: not run before the phase was interrupted`);
      return { verdict: run.verdict, reason: run.reason === null ? null : `${name}: ${run.reason}` };
    }),
  );
}

export function judgeCanary({ verdict, reason, findings }: ProofResult, canary: string, at: string): CanaryResult {
  const found = verdict === "failed" && findings.length > 0;
  const why = found ? null : (reason ?? "it came out passed");
  // What shows nothing was no run in which the bug could have been found.
  return { canary, found, found_in: found ? 1 : 0, runs: verdict === "inconclusive" ? 0 : 1, at, reason: why };
}

/** Coq's message begins with its line. */
const placeOf = ({ file, line, message }: ProofFinding): string =>
  file === null || line === null || message.startsWith("line ") ? "" : `${file}:${String(line)}: `;
