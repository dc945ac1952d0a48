/**
 * What happens to the books when a batch is handed out, ends, or comes back: pure functions.
 *
 * The law they keep (checked in transitions.test.ts): every seed below a scenario's `next_seed` is in
 * exactly one place: counted, in an open or waiting batch, or listed as inconclusive.
 */
import {
  MAX_COMMIT_RANGES,
  MAX_FAILED_SEEDS,
  type Batch,
  type Checkpoint,
  type ScenarioProgress,
} from "../../../contracts/checkpoint.ts";
import type { CycleState, VoprState } from "../../../contracts/cycle.ts";
import type { VoprProfile } from "../../../contracts/profile/vopr.ts";
import type { InconclusiveSeeds } from "../../../contracts/results.ts";
import type { Verdict } from "../../../contracts/verdict.ts";
import { isoAt } from "../../platform/clock.ts";
import { retriesOf } from "../../tools/retry.ts";
import { commitOf } from "../context.ts";
import { newBatch } from "./schedule.ts";

/** Inconclusive ranges listed one by one; all of them are counted. */
export const MAX_INCONCLUSIVE_LISTED = 100;

/** The state of a VOPR phase that begins; batches that an earlier cycle left open come first. */
export function freshVoprState(left: readonly Batch[]): VoprState {
  return {
    open: [],
    waiting: [...left],
    scenarios: {},
    batches: 0,
    determinism_iterations: 0,
    inconclusive_seeds: 0,
    inconclusive: [],
    inconclusive_in_a_row: 0,
    rechecks: {},
    rechecks_planned: false,
    canary: null,
  };
}

export function voprOf(state: CycleState): VoprState {
  if (state.vopr === null) throw new Error("the VOPR phase has not begun");
  return state.vopr;
}

function withVopr(state: CycleState, change: Partial<VoprState>): CycleState {
  return { ...state, vopr: { ...voprOf(state), ...change } };
}

/** An id no other batch has; close to the wall clock. */
const nextBatchId = (state: CycleState, nowMs: number): number => Math.max(Math.floor(nowMs), state.last_batch_id + 1);

/** First seed of a scenario that nobody was given. */
export function nextSeedOf(state: CycleState, profile: VoprProfile, scenario: string): bigint {
  return state.checkpoint.scenarios[scenario]?.next_seed ?? profile.seed_offset;
}

/** Takes the first waiting batch into the open ones. */
export function handOutWaiting(state: CycleState): { state: CycleState; batch: Batch } | undefined {
  const vopr = voprOf(state);
  const [batch, ...waiting] = vopr.waiting;
  if (batch === undefined) return undefined;
  return { state: withVopr(state, { waiting, open: [...vopr.open, batch] }), batch };
}

/** Makes a batch of new seeds and moves the scenario's cursor past them. */
export function handOutNew(
  state: CycleState,
  profile: VoprProfile,
  scenario: string,
  iterations: number,
  kind: "normal" | "determinism",
  nowMs: number,
): { state: CycleState; batch: Batch } {
  const vopr = voprOf(state);
  const from = nextSeedOf(state, profile, scenario);
  const batch = newBatch(scenario, from, iterations, kind, nextBatchId(state, nowMs));
  const next = from + BigInt(iterations);
  const progress = state.checkpoint.scenarios[scenario] ?? { next_seed: from, iterations: 0, failures: 0, commits: [] };
  const share = vopr.scenarios[scenario] ?? {
    from_seed: from,
    iterations: 0,
    failures: 0,
    cpu_ms: 0,
    iterations_per_second: null,
  };
  return {
    batch,
    state: {
      ...withVopr(state, { open: [...vopr.open, batch], scenarios: { ...vopr.scenarios, [scenario]: share } }),
      last_batch_id: batch.id,
      checkpoint: {
        ...state.checkpoint,
        last_seed: maxSeed(state.checkpoint.last_seed, next - 1n),
        scenarios: { ...state.checkpoint.scenarios, [scenario]: advanced(progress, commitOf(state), from, next) },
      },
    },
  };
}

/** Adds a batch that runs a seed of an older finding again. */
export function planRecheck(
  state: CycleState,
  finding: { signature: string; scenario: string; seed: bigint },
  nowMs: number,
): CycleState {
  const id = nextBatchId(state, nowMs);
  const batch = { ...newBatch(finding.scenario, finding.seed, 1, "recheck", id), recheck_of: finding.signature };
  return { ...withVopr(state, { waiting: [...voprOf(state).waiting, batch] }), last_batch_id: id };
}

function maxSeed(a: bigint | null, b: bigint): bigint {
  return a === null || b > a ? b : a;
}

function advanced(progress: ScenarioProgress, commit: string, from: bigint, next: bigint): ScenarioProgress {
  const newest = progress.commits.at(-1);
  const range = {
    git_commit: commit,
    from_seed: newest?.git_commit === commit ? newest.from_seed : from,
    next_seed: next,
  };
  const older = newest?.git_commit === commit ? progress.commits.slice(0, -1) : progress.commits;
  return { ...progress, next_seed: next, commits: [...older, range].slice(-MAX_COMMIT_RANGES) };
}

/** What a batch left behind, whatever its verdict. */
export interface Ended {
  /** Seeds with a verdict; 0 without one. */
  readonly iterations: number;
  /** Seeds that failed, archived now and by no earlier attempt. */
  readonly failedSeeds: readonly bigint[];
  readonly cpuMs: number;
  /** Seeds per second by the wall clock, once it had warmed up; null when too few were run to tell. */
  readonly iterationsPerSecond: number | null;
}

/** Books a batch that passed or failed. */
export function bookConclusive(state: CycleState, batch: Batch, ended: Ended): CycleState {
  const vopr = voprOf(state);
  const determinism = batch.kind === "determinism" ? ended.iterations : 0;
  const closed = withVopr(state, {
    open: vopr.open.filter((open) => !isSameBatch(open, batch)),
    batches: vopr.batches + 1,
    inconclusive_in_a_row: 0,
    determinism_iterations: vopr.determinism_iterations + determinism,
  });
  return withWork(closed, batch, ended);
}

export interface NoVerdict extends Ended {
  readonly reason: string;
  /** The seed the program was at. */
  readonly suspect: bigint;
  readonly evidenceKey: string | null;
}

/** Books an inconclusive batch: its seeds wait for their one retry, or are listed for good. */
export function bookInconclusive(state: CycleState, batch: Batch, ended: NoVerdict): CycleState {
  const retries = retriesOf(batch, ended.suspect, [...batch.counted_failures, ...ended.failedSeeds]);
  if (retries.length === 0) return bookLost(state, batch, ended);
  const vopr = voprOf(state);
  const closed = withVopr(state, {
    open: vopr.open.filter((open) => !isSameBatch(open, batch)),
    waiting: [...vopr.waiting, ...retries],
    batches: vopr.batches + 1,
    inconclusive_in_a_row: vopr.inconclusive_in_a_row + 1,
  });
  return withWork(closed, batch, { ...ended, iterations: 0 });
}

/** Books a batch that nobody will run again: its seeds are listed as inconclusive. */
export function bookLost(state: CycleState, batch: Batch, ended: NoVerdict): CycleState {
  const vopr = voprOf(state);
  const { scenario, starting_seed, iterations } = batch;
  const { reason, evidenceKey } = ended;
  const listed: InconclusiveSeeds = { scenario, starting_seed, iterations, reason, evidence_key: evidenceKey };
  const closed = withVopr(state, {
    open: vopr.open.filter((open) => !isSameBatch(open, batch)),
    batches: vopr.batches + 1,
    inconclusive_in_a_row: vopr.inconclusive_in_a_row + 1,
    inconclusive_seeds: vopr.inconclusive_seeds + iterations,
    inconclusive: [...vopr.inconclusive, listed].slice(0, MAX_INCONCLUSIVE_LISTED),
  });
  return withWork(closed, batch, { ...ended, iterations: 0 });
}

/** A batch that was cut by the end of the phase: it waits, under its id, for the next chance. */
export function giveBack(state: CycleState, batch: Batch, ended: Ended): CycleState {
  const vopr = voprOf(state);
  const waits = { ...batch, counted_failures: [...batch.counted_failures, ...ended.failedSeeds] };
  const closed = withVopr(state, {
    open: vopr.open.filter((open) => !isSameBatch(open, batch)),
    waiting: [waits, ...vopr.waiting],
  });
  return withWork(closed, batch, { ...ended, iterations: 0 });
}

/** Adds work to the scenario's share and to the totals. A failure counts when it is archived, a seed when it has a verdict. */
function withWork(state: CycleState, batch: Batch, ended: Ended): CycleState {
  const vopr = voprOf(state);
  const { checkpoint } = state;
  const share = vopr.scenarios[batch.scenario];
  const isRecheck = batch.kind === "recheck";
  const iterations = isRecheck ? 0 : ended.iterations;
  const failures = isRecheck ? 0 : ended.failedSeeds.length;
  const worked = withVopr(state, {
    scenarios: {
      ...vopr.scenarios,
      [batch.scenario]: {
        from_seed: share?.from_seed ?? batch.starting_seed,
        iterations: (share?.iterations ?? 0) + iterations,
        failures: (share?.failures ?? 0) + failures,
        cpu_ms: (share?.cpu_ms ?? 0) + ended.cpuMs,
        iterations_per_second: measuredRate(batch, ended, share?.iterations_per_second ?? null),
      },
    },
  });
  const progress = checkpoint.scenarios[batch.scenario];
  if (isRecheck || progress === undefined) return worked;
  return {
    ...worked,
    checkpoint: {
      ...checkpoint,
      total_iterations: checkpoint.total_iterations + iterations,
      total_failures: checkpoint.total_failures + failures,
      failed_seeds: [...new Set([...checkpoint.failed_seeds, ...ended.failedSeeds])].slice(-MAX_FAILED_SEEDS),
      scenarios: {
        ...checkpoint.scenarios,
        [batch.scenario]: {
          ...progress,
          iterations: progress.iterations + iterations,
          failures: progress.failures + failures,
        },
      },
    },
  };
}

/** A retry or a recheck may be a single seed: it does not tell the speed. A determinism batch, each seed twice, may do so once. */
function measuredRate(batch: Batch, ended: Ended, known: number | null): number | null {
  const measured = ended.iterations > 0 && batch.attempt === 1 ? ended.iterationsPerSecond : null;
  if (measured !== null && batch.kind === "normal") return measured;
  if (measured !== null && batch.kind === "determinism") return known ?? 2 * measured;
  return known;
}

/** After a restart: whatever was running waits again. */
export function reopen(state: CycleState): CycleState {
  const vopr = voprOf(state);
  return withVopr(state, { open: [], waiting: [...vopr.open, ...vopr.waiting] });
}

/** Retries share the id of their batch; their first seed tells them apart. */
function isSameBatch(a: Batch, b: Batch): boolean {
  return a.id === b.id && a.attempt === b.attempt && a.starting_seed === b.starting_seed;
}

/** Writes down how the recheck of an older finding ended; other batches change nothing. */
export function bookRecheck(state: CycleState, batch: Batch, outcome: Verdict): CycleState {
  const signature = batch.recheck_of;
  if (signature === undefined) return state;
  if (outcome === "inconclusive" && batch.attempt === 1) return state; // its retry will tell
  const vopr = voprOf(state);
  const known = vopr.rechecks[signature] ?? { signature, passed: 0, failed: 0, inconclusive: 0 };
  return withVopr(state, {
    rechecks: { ...vopr.rechecks, [signature]: { ...known, [outcome]: known[outcome] + 1 } },
  });
}

/** The checkpoint as it is stored: with the batches nobody has finished. */
export function checkpointOf(state: CycleState, nowMs: number): Checkpoint {
  const left = state.vopr === null ? state.checkpoint.open : [...state.vopr.open, ...state.vopr.waiting];
  return {
    ...state.checkpoint,
    open: left,
    last_update: isoAt(nowMs),
    cycle: state.cycle,
    git_commit: state.git_commit,
  };
}
