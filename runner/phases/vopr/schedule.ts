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
import type { ScenarioProfile, VoprProfile } from "../../../contracts/profile/vopr.ts";

/** A batch is planned to end when this share of the phase's remaining time is over: one that is cut was in vain. */
const REMAINING_SHARE = 0.85;
/** No batch is planned shorter, while there is time: a process of ours warms up for about half a second. */
const MIN_LENGTH_MS = 2_000;
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

/** What a marathon can still give, milliseconds. */
export interface Time {
  /** Of the phase, by the wall clock. */
  readonly leftMs: number;
  /** CPU time of all workers over the whole phase. */
  readonly capacityMs: number;
}

/**
 * How many seeds the next batch of a scenario takes: all that is left of the scenario's share, if neither the
 * profile's aimed-at length nor the end of the phase comes first. Few long processes do more than many short ones.
 */
export function batchIterations(
  profile: VoprProfile,
  state: VoprState,
  inFlight: InFlight,
  scenario: ScenarioProfile,
  time: Time,
): number {
  const { first_iterations: first, max_iterations: max, target_seconds: targetSeconds } = profile.batch;
  const share = state.scenarios[scenario.name];
  const rate = share?.iterations_per_second ?? null;
  if (rate === null) return Math.min(first, max);
  const part = scenario.weight / profile.scenarios.reduce((sum, { weight }) => sum + weight, 0);
  const usedMs = (share?.cpu_ms ?? 0) + (inFlight.get(scenario.name) ?? 0);
  // It is this scenario's turn: though its share be used up, it has its part of what is left.
  const ownMs = Math.max(MIN_LENGTH_MS, part * time.capacityMs - usedMs, part * time.leftMs);
  const lengthMs = Math.min(targetSeconds * 1000, ownMs, time.leftMs * REMAINING_SHARE);
  return Math.max(1, Math.min(max, Math.floor((rate * lengthMs) / 1000)));
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
 * How many seeds may be checked for determinism next, so that the profile's share of all seeds handed out is
 * checked and no more; 0 while that would be shorter than a first batch.
 */
export function determinismDue(profile: VoprProfile, state: VoprState): number {
  const { share } = profile.determinism;
  if (share === 1) return Infinity;
  const seedsOf = (batches: readonly Batch[]): number => batches.reduce((sum, { iterations }) => sum + iterations, 0);
  const pending = [...state.open, ...state.waiting];
  const done = Object.values(state.scenarios).reduce((sum, { iterations }) => sum + iterations, 0);
  const handedOut = done + seedsOf(pending);
  const checked = state.determinism_iterations + seedsOf(pending.filter(({ kind }) => kind === "determinism"));
  // The batch itself adds to what was handed out.
  const due = Math.floor((handedOut * share - checked) / (1 - share));
  return due >= profile.batch.first_iterations ? due : 0;
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
