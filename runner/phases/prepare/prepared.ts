/** What came of preparing, and what of the cycle it keeps from running: pure. */
import { WORKLOADS, type Workload } from "../../../contracts/parts.ts";
import type { PrepareResult } from "../../../contracts/results.ts";
import type { Judgement } from "../../../contracts/verdict.ts";
import type { Built } from "./build.ts";
import type { FreeBytes } from "./disk.ts";

export interface PrepareOptions {
  /** Nothing is built for them. */
  readonly skipped: ReadonlySet<Workload>;
  /** What is left of the whole cycle, milliseconds: a build may take longer than the phase's share. */
  readonly cycleLeftMs: () => number;
  readonly freeBytes?: FreeBytes;
}

export interface Prepared {
  readonly commit: string;
  /** What makes the result inconclusive, beside the builds. */
  readonly problems: readonly Judgement[];
  readonly warnings: readonly string[];
  readonly builds: readonly Built[];
  /** The commit that was wanted and does not build, when another is tested. */
  readonly redCommit: string | null;
  /** Why there is nothing to test at all; null when there is. */
  readonly nothing: string | null;
}

export const prepared = (commit: string, change: Partial<Prepared> = {}): Prepared => ({
  commit,
  problems: [],
  warnings: [],
  builds: [],
  redCommit: null,
  nothing: null,
  ...change,
});

/** Workloads that lack something, each with the reason. */
export function cannotRunAfter({ builds, nothing }: Pick<Prepared, "builds" | "nothing">): PrepareResult["cannot_run"] {
  const cannot: Partial<Record<Workload, string>> = {};
  for (const { step, result } of builds) {
    if (result.verdict === "passed" || step.required === false) continue;
    for (const workload of step.needed_by) cannot[workload] ??= result.reason ?? `build ${step.name} did not pass`;
  }
  if (nothing !== null) for (const workload of WORKLOADS) cannot[workload] = nothing;
  return cannot;
}
