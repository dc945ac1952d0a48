/**
 * Which batch comes next, and how long it is: pure decisions.
 *
 * Fair share by CPU time, as TigerBeetle's CFO does it (https://github.com/tigerbeetle/tigerbeetle,
 * src/scripts/cfo.zig): the next batch belongs to the scenario with the least CPU time per weight, what
 * is running included. Lengths follow the measured speed, so that the start of a process stays small
 * against its work and the end of the phase finds few batches unfinished.
 */
import type { Batch } from "../../../contracts/checkpoint.ts";
import type { VoprState } from "../../../contracts/cycle.ts";
import type { ScenarioProfile, VoprProfile } from "../../../contracts/profile.ts";

/** A batch is planned to end when this share of the phase's remaining time is over. */
const REMAINING_SHARE = 0.92;
/** With less than this left, no batch is begun. */
export const MIN_REMAINING_MS = 250;

type ScenarioShare = VoprState["scenarios"][string];

/** Expected CPU time of what is running, milliseconds by scenario. */
export type InFlight = ReadonlyMap<string, number>;

/** The scenario whose turn it is. */
export function nextScenario(profile: VoprProfile, state: VoprState, inFlight: InFlight): ScenarioProfile {
  const used = (scenario: ScenarioProfile): number =>
    ((state.scenarios[scenario.name]?.cpu_ms ?? 0) + (inFlight.get(scenario.name) ?? 0)) / scenario.weight;
  return profile.scenarios.reduce((least, scenario) => (used(scenario) < used(least) ? scenario : least));
}

/** How many seeds the next batch of a scenario takes. `leftMs`: what remains of the phase. */
export function batchIterations(profile: VoprProfile, iterationsPerSecond: number | null, leftMs: number): number {
  const { first_iterations: first, max_iterations: max, target_seconds: targetSeconds } = profile.batch;
  if (iterationsPerSecond === null) return Math.min(first, max);
  const lengthSeconds = Math.min(targetSeconds, (leftMs / 1000) * REMAINING_SHARE);
  return Math.max(1, Math.min(max, Math.floor(iterationsPerSecond * lengthSeconds)));
}

export interface Cost {
  /** Milliseconds by the wall clock. */
  readonly wallMs: number;
  readonly cpuMs: number;
}

/** What a batch is expected to take; before anything was measured, the aimed-at length of a batch. */
export function expectedCost(profile: VoprProfile, share: ScenarioShare | undefined, batch: Batch): Cost {
  const targetMs = profile.batch.target_seconds * 1000;
  const runs = batch.kind === "determinism" ? 2 * batch.iterations : batch.iterations;
  const rate = share?.iterations_per_second ?? null;
  const wallMs = rate === null ? targetMs : (runs / rate) * 1000;
  const measured = share !== undefined && share.iterations > 0 && share.cpu_ms > 0;
  return { wallMs, cpuMs: measured ? (runs * share.cpu_ms) / share.iterations : wallMs };
}

/**
 * Whether the `n`-th batch (from 0) is run with the determinism check: evenly spread, the first in the middle
 * of the first stretch, so that a short cycle has one as well.
 */
export function isDeterminismBatch(n: number, share: number): boolean {
  return Math.floor((n + 1) * share + 0.5) > Math.floor(n * share + 0.5);
}

/** A batch of the given scenario, from the first seed nobody was given. */
export function newBatch(
  scenario: string,
  startingSeed: bigint,
  iterations: number,
  kind: Batch["kind"],
  id: number,
): Batch {
  return { id, kind, scenario, starting_seed: startingSeed, iterations, attempt: 1, counted_failures: [] };
}
