/** Plants a known bug and looks whether the simulator finds it. Runs before the marathon, on all workers. */
import type { CanaryResult } from "../../../contracts/canary.ts";
import { isoAt } from "../../platform/clock.ts";
import { together } from "../../platform/together.ts";
import { canaryCommand, type SeedRange } from "../../tools/vopr.ts";
import { runVopr } from "../../tools/vopr-run.ts";
import type { PhaseContext } from "../context.ts";

const MIN_DEADLINE_MS = 1_000;

/** Cuts a range into at most `parts` pieces of nearly equal length. */
export function split(range: SeedRange, parts: number): SeedRange[] {
  const pieces = Math.max(1, Math.min(parts, range.iterations));
  return Array.from({ length: pieces }, (_, index) => {
    const from = Math.floor((range.iterations * index) / pieces);
    const to = Math.floor((range.iterations * (index + 1)) / pieces);
    return { startingSeed: range.startingSeed + BigInt(from), iterations: to - from };
  });
}

/** Undefined when the runner was stopped under it. */
export async function runCanary(context: PhaseContext, workers: number): Promise<CanaryResult | undefined> {
  const { canary, batch, seed_offset: startingSeed } = context.profile.vopr;
  const over = new AbortController();
  const signal = AbortSignal.any([context.signal, over.signal]);
  const runs = split({ startingSeed, iterations: canary.iterations }, workers).map(async (range) => {
    const { end, verdict } = await runVopr(context.processes, {
      command: canaryCommand(context.profile.vopr, range),
      cwd: context.profile.work_tree,
      range,
      deadlineMs: Math.min(batch.deadline_seconds * 1000, Math.max(MIN_DEADLINE_MS, context.leftMs())),
      stallMs: batch.stall_seconds * 1000,
      signal,
    });
    return { stopped: end.ending === "stopped", verdict };
  });
  const ended = await together(runs, () => {
    over.abort();
  });
  if (ended.some(({ stopped }) => stopped)) return undefined;
  const verdicts = ended.map(({ verdict }) => verdict);
  const foundIn = verdicts.reduce((sum, { failures }) => sum + failures, 0);
  const iterations = verdicts.reduce((sum, verdict) => sum + verdict.iterations, 0);
  const trouble = verdicts.find(({ verdict }) => verdict === "inconclusive")?.reason ?? undefined;
  return {
    canary: canary.name,
    found: foundIn > 0,
    found_in: foundIn,
    runs: iterations,
    at: isoAt(context.clock.nowMs()),
    reason: foundIn > 0 ? null : (trouble ?? `none of ${String(iterations)} seeds failed`),
  };
}
