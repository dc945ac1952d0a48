/** What a running cycle tells its spectator: the terminal of `kimtest cycle`, or nobody. */
import type { Judgement } from "../../contracts/verdict.ts";
import type { PhaseName } from "../../contracts/parts.ts";

export interface ProgressSnapshot {
  readonly cycle: number;
  readonly phase: PhaseName;
  readonly phaseLeftMs: number;
  readonly cycleLeftMs: number;
  /** VOPR seeds with a verdict in this cycle. */
  readonly iterations: number;
  /** VOPR seeds parsed so far, those of running batches included. */
  readonly iterationsSeen: number;
  readonly iterationsPerSecond: number;
  readonly failures: number;
  readonly findings: number;
  /** What the phase is doing right now, in its own words. */
  readonly activity: string;
}

export interface Spectator {
  cycleStarted(cycle: number, resumed: boolean): void;
  phaseStarted(phase: PhaseName, budgetMs: number): void;
  /** Several times a second at most. */
  progress(snapshot: ProgressSnapshot): void;
  phaseEnded(phase: PhaseName, judgement: Judgement, durationMs: number): void;
  warning(message: string): void;
}

export const nobody: Spectator = {
  cycleStarted: () => undefined,
  phaseStarted: () => undefined,
  progress: () => undefined,
  phaseEnded: () => undefined,
  warning: () => undefined,
};
