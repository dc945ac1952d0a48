/** Where a cycle begins: a new one, or the one a restart finds. The decisions are pure. */
import { rename } from "node:fs/promises";
import { CHECKPOINT_KEY, CURRENT_CYCLE_KEY } from "../contracts/bucket.ts";
import { checkpointSchema, MAX_FAILED_SEEDS, type Checkpoint } from "../contracts/checkpoint.ts";
import { cycleStateSchema, type CycleState } from "../contracts/cycle.ts";
import { KimtestError, reasonOf } from "../contracts/errors.ts";
import type { Profile } from "../contracts/profile.ts";
import { MAX_U64 } from "../contracts/u64.ts";
import { isoAt } from "./platform/clock.ts";
import { checkpointOf } from "./phases/vopr/transitions.ts";
import { readFileIfPresent } from "./store/atomic-file.ts";
import type { ObjectStore } from "./store/object-store.ts";
import { decodeJson, readJson } from "./store/read-json.ts";

/** What was found of earlier work, and what was wrong with it. */
export interface Found {
  readonly state: CycleState | undefined;
  /** Only read when there is no state. */
  readonly checkpoint: Checkpoint | undefined;
  /** Damaged files, in words. */
  readonly damage: readonly string[];
}

/**
 * Reads the state on this disk, and only without one what the store has: its copy may be minutes old.
 *
 * Damaged files are moved aside or left alone, and said; never taken for empty, never overwritten unseen.
 *
 * @throws KimtestError when there is no state here and the store cannot be asked: beginning at the first
 *   seed again because of a network failure would be a lie about what was tested.
 */
export async function findEarlierWork(path: string, store: ObjectStore): Promise<Found> {
  const damage: string[] = [];
  const local = await readLocal(path, damage);
  if (local !== undefined) return { state: local, checkpoint: undefined, damage };
  const stored = await readStored(store, CURRENT_CYCLE_KEY, cycleStateSchema, damage);
  if (stored !== undefined) return { state: stored, checkpoint: undefined, damage };
  return { state: undefined, checkpoint: await readStored(store, CHECKPOINT_KEY, checkpointSchema, damage), damage };
}

/**
 * The profile of the cycle that a start goes on with; undefined when it begins a new one. Changes nothing: what is
 * damaged is moved aside by `findEarlierWork`, which says so in the digest.
 */
export async function profileOfOpenCycle(path: string, store: ObjectStore): Promise<string | undefined> {
  const local = await readFileIfPresent(path);
  const state = stateIn(local) ?? stateIn((await store.get(CURRENT_CYCLE_KEY))?.body);
  return state?.status === "running" ? state.profile : undefined;
}

function stateIn(bytes: Uint8Array | undefined): CycleState | undefined {
  if (bytes === undefined) return undefined;
  try {
    return decodeJson(Buffer.from(bytes).toString("utf8"), CURRENT_CYCLE_KEY, cycleStateSchema);
  } catch {
    return undefined;
  }
}

async function readLocal(path: string, damage: string[]): Promise<CycleState | undefined> {
  const file = await readFileIfPresent(path);
  if (file === undefined) return undefined;
  try {
    return decodeJson(file.toString("utf8"), path, cycleStateSchema);
  } catch (error) {
    const aside = `${path}.damaged-${String(Date.now())}`;
    await rename(path, aside);
    damage.push(`the cycle's state was damaged and is kept as ${aside}; going on from the store (${reasonOf(error)})`);
    return undefined;
  }
}

async function readStored<T>(
  store: ObjectStore,
  key: string,
  schema: Parameters<typeof readJson<T>>[2],
  damage: string[],
): Promise<T | undefined> {
  try {
    return (await readJson(store, key, schema))?.value;
  } catch (error) {
    if (!(error instanceof KimtestError) || error.code !== "CORRUPT_DATA") throw error;
    const aside = `${key}.damaged-${isoAt(Date.now()).replaceAll(":", "")}`;
    const object = await store.get(key);
    if (object !== undefined) await store.put(aside, object.body);
    damage.push(`${key} in the store is damaged, a copy is kept as ${aside}; it was not used (${reasonOf(error)})`);
    return undefined;
  }
}

const EMPTY_CHECKPOINT: Omit<Checkpoint, "last_update"> = {
  last_seed: null,
  total_iterations: 0,
  total_failures: 0,
  failed_seeds: [],
  cycle: 0,
  git_commit: null,
  scenarios: {},
  open: [],
};

export interface Beginning {
  readonly profile: Profile;
  readonly budgetMs: number;
  readonly nowMs: number;
  readonly outageBeforeMs: number;
  readonly storeUrl: string;
}

/** The state in which this start of the runner begins: the same cycle again if it was not done, else the next. */
export function beginning(found: Found, options: Beginning): CycleState {
  const { state } = found;
  if (state?.status === "running") {
    assertSameProfile(state, options.profile);
    assertSameStore(state, options.storeUrl);
    return {
      ...state,
      revision: state.revision + 1,
      interruptions: state.interruptions + 1,
      damage: [...state.damage, ...found.damage],
    };
  }
  return newCycle(found, options);
}

function newCycle(found: Found, { profile, budgetMs, nowMs, outageBeforeMs, storeUrl }: Beginning): CycleState {
  const { state: earlier } = found;
  if (earlier !== undefined) assertSameStore(earlier, storeUrl);
  const at = isoAt(nowMs);
  const checkpoint =
    earlier === undefined
      ? migrated(found.checkpoint ?? { ...EMPTY_CHECKPOINT, last_update: at }, profile)
      : checkpointOf(earlier, nowMs);
  return {
    version: 1,
    revision: (earlier?.revision ?? 0) + 1,
    cycle: (earlier?.cycle ?? checkpoint.cycle) + 1,
    status: "running",
    profile: profile.name,
    store_url: storeUrl,
    git_commit: null,
    started_at: at,
    updated_at: at,
    budget_ms: budgetMs,
    phase: "prepare",
    spent_ms: {},
    spent_before_attempt_ms: {},
    attempts: {},
    interruptions: 0,
    results: [],
    sightings: {},
    vopr: null,
    checkpoint,
    last_batch_id: earlier?.last_batch_id ?? 0,
    interim_digest_at_ms: 0,
    outage_before_ms: outageBeforeMs,
    critical_sent_at: earlier?.critical_sent_at ?? null,
    progress_at: at,
    given_up: {},
    warnings: earlier === undefined ? beginningNotes(found.checkpoint) : [],
    damage: [...found.damage],
    unmerged: earlier?.unmerged ?? [],
    suspected: earlier?.suspected ?? [],
  };
}

/** A checkpoint of the first infrastructure knows neither cycles nor scenarios. */
const isOfFirstInfrastructure = ({ cycle, last_seed: last, scenarios }: Checkpoint): boolean =>
  cycle === 0 && last !== null && Object.keys(scenarios).length === 0;

/**
 * Goes on from a checkpoint of the first infrastructure. Its one cursor was for runs without any scenario, so each
 * scenario begins after it: those seeds are in its records, and are not met again under another meaning. Its
 * `total_failures` counts the last batch alone, while `failed_seeds` grew without end: the larger of the two is
 * nearer to what failed. The seeds themselves are kept as numbers to look up; without their scenario nobody can
 * run them again.
 */
function migrated(checkpoint: Checkpoint, profile: Profile): Checkpoint {
  if (!isOfFirstInfrastructure(checkpoint)) return checkpoint;
  const last = checkpoint.last_seed ?? 0n;
  const next = last < MAX_U64 ? last + 1n : profile.vopr.seed_offset;
  const failed = [...new Set(checkpoint.failed_seeds)];
  const cursors = profile.vopr.scenarios.map(({ name }) => [
    name,
    { next_seed: next, iterations: 0, failures: 0, commits: [] },
  ]);
  return {
    ...checkpoint,
    total_failures: Math.max(checkpoint.total_failures, failed.length),
    failed_seeds: failed.slice(-MAX_FAILED_SEEDS),
    scenarios: Object.fromEntries(cursors) as Checkpoint["scenarios"],
  };
}

/** What people should know of where the first cycle begins. */
function beginningNotes(checkpoint: Checkpoint | undefined): string[] {
  if (checkpoint === undefined || !isOfFirstInfrastructure(checkpoint)) return [];
  return [
    `goes on after seed ${String(checkpoint.last_seed)} of a checkpoint of the first infrastructure, whose ` +
      `${String(checkpoint.total_iterations)} iterations ran no scenario`,
  ];
}

function assertSameProfile(state: CycleState, profile: Profile): void {
  if (state.profile === profile.name) return;
  throw new KimtestError("USAGE", `cycle ${String(state.cycle)} of profile ${state.profile} is not finished`, {
    hint: `finish it first with --profile ${state.profile}, or give the other profile a --state folder of its own`,
  });
}

/** Checkpoint and findings live in the store: going on with another one would mix two histories. */
function assertSameStore(state: CycleState, storeUrl: string): void {
  if (state.store_url === storeUrl) return;
  throw new KimtestError("USAGE", `the state belongs to the store ${state.store_url}, not to ${storeUrl}`, {
    hint: `name that store with --store, or give this one a --state folder of its own`,
  });
}
