/**
 * The digest phase: findings into the registry, the digest into the store, one message for people.
 *
 * A store that cannot be reached keeps nothing from being reported: what could not be merged stays in the
 * state as `unmerged` and is merged by the next digest; what could not be stored waits in the outbox. The
 * message is only made here, durably: it is sent when the state says that the cycle is done (cycle.ts), so
 * that a digest phase that is killed and run again does not send a second one.
 */
import { CHECKPOINT_KEY, dailyCheckpointKey, dailyDigestKey, DIGEST_KEY } from "../../../contracts/bucket.ts";
import type { CycleState } from "../../../contracts/cycle.ts";
import type { Digest } from "../../../contracts/digest.ts";
import { KimtestError, reasonOf } from "../../../contracts/errors.ts";
import { stringifyJson } from "../../../contracts/json.ts";
import type { VoprResult } from "../../../contracts/results.ts";
import { isoAt } from "../../platform/clock.ts";
import { limited } from "../../platform/limited.ts";
import { triage, type Triage } from "../../triage/mass-failure.ts";
import { mergeIntoRegistry, type RegistryRead } from "../../triage/registry-store.ts";
import type { Contribution } from "../../triage/registry.ts";
import { commitOf, type PhaseContext } from "../context.ts";
import { checkpointOf } from "../vopr/transitions.ts";
import { buildDigest } from "./build.ts";
import { digestText } from "./text.ts";

/** How long the end of a cycle waits for the store to take what is waiting. */
const FLUSH_MS = 10_000;
/** How long the registry may take: the store's own retries can be longer than people wait for a digest. */
const MERGE_LIMIT_MS = 60_000;
/** Cycles whose findings wait for a registry that cannot be read. */
const MAX_UNMERGED_CYCLES = 20;

/** Stores the interim digest, which nobody is sent. */
export async function storeInterimDigest(context: PhaseContext, runningVopr: VoprResult | undefined): Promise<void> {
  await storeDigest(context, await makeDigest(context, "interim", runningVopr));
}

export async function digestPhase(context: PhaseContext): Promise<Digest | undefined> {
  context.live.activity = "merging findings";
  const merged = await mergeFindings(context);
  context.state.change((now) => withSuspected(now, merged.triage));
  await publishCheckpoint(context);
  context.live.activity = "delivering to the store";
  await flush(context, Math.min(FLUSH_MS, Math.max(1_000, context.leftMs())));
  if (context.signal.aborted) return undefined;
  const digest = digestFrom(context, "final", undefined, merged);
  await storeDigest(context, digest);
  context.worked();
  await flush(context, FLUSH_MS);
  await context.notices.put(digest.cycle, { kind: "digest", subject: subjectOf(digest), body: digestText(digest) });
  return digest;
}

/** Waits for the store, but not longer than a stop allows. */
async function flush(context: PhaseContext, withinMs: number): Promise<void> {
  try {
    await limited(context.outbox.flush(withinMs), "delivering to the store", withinMs + 1_000, context.signal);
  } catch (error) {
    if (!(error instanceof KimtestError)) throw error;
    context.log.warn({ reason: reasonOf(error) }, "not everything was delivered");
  }
}

function subjectOf(digest: Digest): string {
  return `kimtest cycle ${String(digest.cycle)}: ${digest.verdict}`;
}

export async function publishCheckpoint(context: PhaseContext): Promise<void> {
  const nowMs = context.clock.nowMs();
  const text = stringifyJson(checkpointOf(context.state.get(), nowMs));
  await context.outbox.put(CHECKPOINT_KEY, text, { supersedes: true });
  await context.outbox.put(dailyCheckpointKey(new Date(nowMs)), text, { supersedes: true });
}

interface Merged {
  readonly registry: RegistryRead;
  /** What is filed and what is held back; undefined when the registry could not be read. */
  readonly triage: Triage | undefined;
}

async function mergeFindings(context: PhaseContext): Promise<Merged> {
  const now = context.state.get();
  const at = isoAt(context.clock.nowMs());
  let decided: Triage | undefined;
  const over = new AbortController();
  const merging = mergeIntoRegistry(context.store, (known) => {
    over.signal.throwIfAborted(); // it was given up: a later digest may have merged more
    decided = triage(now, known);
    return contributionsOf(now, decided, at);
  });
  const registry = await limited(merging, "merging findings", MERGE_LIMIT_MS, context.signal)
    .catch(unreadable)
    .finally(() => {
      over.abort();
    });
  context.state.change((state) => ({ ...state, unmerged: registry.kind === "read" ? [] : unmergedWith(state) }));
  return { registry, triage: registry.kind === "read" ? decided : undefined };
}

/** What stays suspected is the next cycle's to confirm. */
function withSuspected(state: CycleState, decided: Triage | undefined): CycleState {
  return decided === undefined ? state : { ...state, suspected: [...decided.suspected] };
}

function unreadable(error: unknown): RegistryRead {
  if (error instanceof KimtestError) return { kind: "unreadable", reason: reasonOf(error) };
  throw error;
}

/** What the registry could not take yet, this cycle's own sightings as they are now included. */
function unmergedWith(state: CycleState): CycleState["unmerged"] {
  const own = { cycle: state.cycle, git_commit: commitOf(state), sightings: Object.values(state.sightings) };
  return [...state.unmerged.filter(({ cycle }) => cycle !== state.cycle), own].slice(-MAX_UNMERGED_CYCLES);
}

function contributionsOf(state: CycleState, { filed }: Triage, at: string): Contribution[] {
  const older = state.unmerged
    .filter(({ cycle }) => cycle !== state.cycle)
    .map((contribution) => ({ ...contribution, at, rechecks: [] }));
  const rechecks = Object.values(state.vopr?.rechecks ?? {});
  return [...older, { cycle: state.cycle, git_commit: commitOf(state), at, sightings: [...filed], rechecks }];
}

async function makeDigest(
  context: PhaseContext,
  kind: Digest["kind"],
  runningVopr: VoprResult | undefined,
): Promise<Digest> {
  return digestFrom(context, kind, runningVopr, await mergeFindings(context));
}

/** Losses the outbox reported become part of the state: a restart must not forget them. */
function noteDamage(context: PhaseContext): void {
  context.state.change((state) => ({ ...state, damage: [...new Set([...state.damage, ...context.outboxDamage])] }));
}

function digestFrom(
  context: PhaseContext,
  kind: Digest["kind"],
  runningVopr: VoprResult | undefined,
  { registry, triage: decided }: Merged,
): Digest {
  noteDamage(context);
  return buildDigest({
    kind,
    state: context.state.get(),
    registry: registry.kind === "read" ? registry.registry : undefined,
    registryProblem: registry.kind === "read" ? null : registry.reason,
    held: decided?.held ?? [],
    runningVopr,
    store: {
      url: context.store.url,
      unreachable_seconds: Math.max(0, context.outbox.outage().totalMs - context.state.get().outage_before_ms) / 1000,
      waiting: context.outbox.waiting(),
    },
    refused: context.outbox.refused().map(({ key, reason }) => `the store refuses ${key}: ${reason}`),
    generatedAt: isoAt(context.clock.nowMs()),
  });
}

async function storeDigest(context: PhaseContext, digest: Digest): Promise<void> {
  const text = stringifyJson(digest);
  await context.outbox.put(DIGEST_KEY, text, { supersedes: true });
  await context.outbox.put(dailyDigestKey(new Date(digest.generated_at)), text, { supersedes: true });
}
