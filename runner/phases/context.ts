/** What every phase is given, and what it gives back. */
import type { CycleState } from "../../contracts/cycle.ts";
import type { Profile } from "../../contracts/profile.ts";
import type { PhaseResult } from "../../contracts/results.ts";
import { isoAt } from "../platform/clock.ts";
import type { RunnerDependencies } from "../platform/dependencies.ts";
import type { CycleStateFile } from "../platform/state-file.ts";

/** What the spectator is shown between two saves. */
export interface LiveView {
  activity: string;
  /** VOPR seeds parsed in batches that are still running. */
  iterationsInFlight: number;
}

export interface PhaseContext extends RunnerDependencies {
  readonly profile: Profile;
  readonly state: CycleStateFile;
  readonly live: LiveView;
  /** Aborted when the runner has to stop. */
  readonly signal: AbortSignal;
  /** The phase's whole budget, milliseconds. */
  budgetMs(): number;
  /** Time left of it, milliseconds; may be negative. */
  leftMs(): number;
  /**
   * A piece of work was really done: the heartbeat that the no-progress alarm listens to. A program that works
   * for long shows it by its own output: by seeds, or by lines of progress (contracts/progress.ts).
   */
  readonly worked: () => void;
  /** Something people should know, said in the digest. */
  warn(message: string): void;
}

/** A phase ends with a result, or with undefined when the runner was stopped under it. */
export type Phase = (context: PhaseContext) => Promise<PhaseResult | undefined>;

/** Runs from when it is made. The wall clock may be set meanwhile, and stands for what is stored alone. */
export interface Stopwatch {
  /** On the wall clock. */
  readonly startedMs: number;
  readonly elapsedMs: () => number;
}

export function stopwatch({ clock }: Pick<PhaseContext, "clock">): Stopwatch {
  const beganMs = clock.monotonicMs();
  return { startedMs: clock.nowMs(), elapsedMs: () => clock.monotonicMs() - beganMs };
}

/** The fields that all results share. */
export function resultFrame(context: PhaseContext, { startedMs, elapsedMs }: Stopwatch) {
  return {
    cycle: context.state.get().cycle,
    git_commit: commitOf(context.state.get()),
    toolchain: context.toolchain,
    started_at: isoAt(startedMs),
    ended_at: isoAt(context.clock.nowMs()),
    duration_seconds: elapsedMs() / 1000,
  };
}

/** The commit under test. Known from the prepare phase on. */
export function commitOf(state: CycleState): string {
  if (state.git_commit === null) throw new Error("the prepare phase has not said which commit is tested");
  return state.git_commit;
}
