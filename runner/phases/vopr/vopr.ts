/**
 * The VOPR marathon: one worker per core, each taking the next batch until the time is used.
 *
 * Order of business: the canary; the seeds of open findings on a new commit; batches an earlier run left
 * open; then new seeds, by fair share. The books are saved before a batch starts and after it ended, so a
 * killed runner runs exactly the open batches again, under their old ids.
 */
import { rm } from "node:fs/promises";
import type { Batch } from "../../../contracts/checkpoint.ts";
import type { CycleState } from "../../../contracts/cycle.ts";
import type { VoprProfile } from "../../../contracts/profile/vopr.ts";
import { reasonOf } from "../../../contracts/errors.ts";
import { PROGRESS_INTERVAL_MS } from "../../../contracts/progress.ts";
import type { Verdict } from "../../../contracts/verdict.ts";
import type { VoprResult } from "../../../contracts/results.ts";
import { voprBundlesFolder } from "../../platform/folders.ts";
import { limited } from "../../platform/limited.ts";
import { together } from "../../platform/together.ts";
import { readRegistry } from "../../triage/registry-store.ts";
import { withSighting, type Sightings } from "../../triage/sightings.ts";
import { sendCritical } from "../../triage/critical.ts";
import { resultFrame, type PhaseContext } from "../context.ts";
import { runCanary } from "./canary.ts";
import { withRechecks } from "./recheck.ts";
import { failuresOf, iterationsOf, judgeMarathon, missingScenarios } from "./result.ts";
import { runBatch, type BatchOutcome } from "./run-batch.ts";
import {
  batchIterations,
  determinismDue,
  expectedCost,
  MIN_REMAINING_MS,
  nextScenario,
  type Cost,
  type InFlight,
  type Time,
} from "./schedule.ts";
import {
  bookConclusive,
  bookInconclusive,
  bookLost,
  bookRecheck,
  freshVoprState,
  giveBack,
  handOutNew,
  handOutWaiting,
  reopen,
  voprOf,
} from "./transitions.ts";

/** So many inconclusive batches in a row, per worker, and the simulator is unusable. */
const MAX_INCONCLUSIVE_PER_WORKER = 6;
/** Pause after an inconclusive batch, growing with their number: a broken program must not be started in a hot loop. */
const INCONCLUSIVE_PAUSE_MS = 100;
const MAX_PAUSE_MS = 5_000;
/** How long the marathon may be kept from its seeds by the store. */
const REGISTRY_LIMIT_MS = 10_000;
/**
 * A batch that is late may end when the time is up; this share of a batch's length later it is cut, and its work
 * is lost. Machines that are shared slow down by a third at times.
 */
const GRACE_SHARE = 0.25;

export async function voprPhase(given: PhaseContext, workers: number): Promise<VoprResult | undefined> {
  const context = withoutMissing(given);
  const { state, clock } = context;
  const startedMs = clock.nowMs();
  state.change((now) => (now.vopr === null ? { ...now, vopr: freshVoprState(now.checkpoint.open) } : reopen(now)));

  // A killed runner leaves the folders of the batches that it was at.
  await rm(voprBundlesFolder(context.stateFolder), { recursive: true, force: true });

  context.live.activity = "looking for the planted bug";
  if (voprOf(state.get()).canary === null) {
    const canary = await runCanary(context, workers);
    if (canary === undefined) return undefined;
    context.worked();
    if (!canary.found)
      context.warn(`VOPR is untrusted: its canary ${canary.canary} was not found (${canary.reason ?? ""})`);
    state.change((now) => ({ ...now, vopr: { ...voprOf(now), canary } }));
  }
  await planRechecks(context);
  await state.save();

  // A runner that fails in the middle has still seen what it has seen.
  const endedEarly = await marathon(context, workers).catch((error: unknown) => {
    context.log.error({ error }, "the marathon failed in itself");
    return `the runner failed in it: ${reasonOf(error)}`;
  });
  await state.save();
  if (context.signal.aborted) return undefined;
  return resultOf(context, workers, startedMs, endedEarly);
}

/** Scenarios that the simulator does not have are not run: each batch of one would only say so again. */
function withoutMissing(context: PhaseContext): PhaseContext {
  const { profile, state } = context;
  const missing = missingScenarios(state.get());
  const scenarios = profile.vopr.scenarios.filter(({ name }) => !missing.has(name));
  return { ...context, profile: { ...profile, vopr: { ...profile.vopr, scenarios } } };
}

/** The figures of a marathon that is still running, for an interim digest; undefined before it began. */
export function voprResultSoFar(context: PhaseContext, workers: number): VoprResult | undefined {
  const { vopr, started_at: startedAt } = context.state.get();
  return vopr === null ? undefined : resultOf(withoutMissing(context), workers, Date.parse(startedAt), undefined);
}

async function planRechecks(context: PhaseContext): Promise<void> {
  if (voprOf(context.state.get()).rechecks_planned) return;
  const reading = limited(readRegistry(context.store), "reading known findings", REGISTRY_LIMIT_MS, context.signal);
  const registry = await reading.catch((error: unknown) => ({ kind: "unreadable" as const, reason: reasonOf(error) }));
  if (registry.kind === "read") {
    context.state.change((now) => withRechecks(now, registry.registry, context.profile.vopr, context.clock.nowMs()));
  } else if (!context.signal.aborted) context.warn(`known findings were not run again: ${registry.reason}`);
}

/** Returns why the marathon ended before its time; undefined when it did not. */
async function marathon(context: PhaseContext, workers: number): Promise<string | undefined> {
  const inFlight = new Map<string, number>();
  const gaveUp = new AbortController();
  const timeUp = new AbortController();
  const signal = AbortSignal.any([context.signal, timeUp.signal, gaveUp.signal]);
  const over = new AbortController();
  const longestMs = Math.min(context.profile.vopr.batch.target_seconds * 1000, Math.max(0, context.leftMs()));
  const graceMs = longestMs * GRACE_SHARE;
  const timer = context.clock.sleep(Math.max(0, context.leftMs()) + graceMs, over.signal).then(() => {
    timeUp.abort();
  });
  const scenarios = new Map(context.profile.vopr.scenarios.map((scenario) => [scenario.name, scenario]));
  let reason: string | undefined;

  async function work(): Promise<void> {
    while (!signal.aborted) {
      const taken = take(context, workers, inFlight);
      if (taken === undefined) return;
      const { batch, cost } = taken;
      const scenario = scenarios.get(batch.scenario);
      if (scenario === undefined) {
        context.state.change((now) => bookUnknownScenario(now, batch));
        context.metrics.count("InconclusiveBatches", 1);
        continue;
      }
      // Before anything is waited for: another worker may be about to take.
      inFlight.set(batch.scenario, (inFlight.get(batch.scenario) ?? 0) + cost.cpuMs);
      await context.state.save();
      let seen = 0;
      let saidMs = context.clock.monotonicMs();
      const onSeed = (): void => {
        seen += 1;
        context.live.iterationsInFlight += 1;
        const nowMs = context.clock.monotonicMs();
        if (nowMs - saidMs < PROGRESS_INTERVAL_MS) return;
        saidMs = nowMs; // a batch may take half an hour, and each seed of it is work done
        context.worked();
      };
      context.live.activity = `${batch.scenario} from seed ${batch.starting_seed.toString()}`;
      const outcome = await runBatch(context, { batch, scenario, expectedMs: cost.wallMs, signal, onSeed });
      context.live.iterationsInFlight -= seen;
      inFlight.set(batch.scenario, (inFlight.get(batch.scenario) ?? 0) - cost.cpuMs);
      book(context, batch, outcome);
      if (outcome.cut) continue;
      if (outcome.failedSeeds.length > context.profile.vopr.critical_failures) {
        await sendCritical(context, batch, outcome.failedSeeds.length);
      }
      const inARow = voprOf(context.state.get()).inconclusive_in_a_row;
      if (inARow >= MAX_INCONCLUSIVE_PER_WORKER * workers) {
        reason ??= `gave up after ${String(inARow)} batches in a row without a verdict: ${outcome.judgement.reason ?? ""}`;
        gaveUp.abort();
      } else if (inARow > 0) {
        await context.clock.sleep(Math.min(MAX_PAUSE_MS, INCONCLUSIVE_PAUSE_MS * inARow), signal);
      }
    }
  }

  try {
    await together(Array.from({ length: workers }, work), () => {
      gaveUp.abort();
    });
  } finally {
    over.abort();
    await timer;
  }
  return reason;
}

/** The next batch, entered in the books; undefined when there is no time for one. */
function take(context: PhaseContext, workers: number, inFlight: InFlight): { batch: Batch; cost: Cost } | undefined {
  const profile = context.profile.vopr;
  const state = context.state.get();
  const time = { leftMs: context.leftMs(), capacityMs: workers * context.budgetMs() };
  if (time.leftMs < MIN_REMAINING_MS || profile.scenarios.length === 0) return undefined;
  const handedOut = handOutWaiting(state) ?? handOutByShare(state, profile, inFlight, time, context.clock.nowMs());
  context.state.change(() => handedOut.state);
  const { batch } = handedOut;
  return { batch, cost: expectedCost(profile, voprOf(state).scenarios[batch.scenario], batch) };
}

function handOutByShare(state: CycleState, profile: VoprProfile, inFlight: InFlight, time: Time, nowMs: number) {
  const vopr = voprOf(state);
  const scenario = nextScenario(profile, vopr, inFlight);
  const iterations = batchIterations(profile, vopr, inFlight, scenario, time);
  const due = determinismDue(profile, vopr);
  return due > 0
    ? handOutNew(state, profile, scenario.name, Math.min(due, Math.ceil(iterations / 2)), "determinism", nowMs)
    : handOutNew(state, profile, scenario.name, iterations, "normal", nowMs);
}

function book(context: PhaseContext, batch: Batch, outcome: BatchOutcome): void {
  const { judgement, cut, failedSeeds, cpuMs, suspect, evidenceKey } = outcome;
  const inconclusive = judgement.verdict === "inconclusive";
  const reason = judgement.reason ?? outcome.description;
  const before = voprOf(context.state.get());
  context.state.change((now) => {
    const sightings = Object.values(outcome.sightings).reduce<Sightings>(withSighting, now.sightings);
    const state = { ...now, sightings };
    if (cut) return giveBack(state, batch, outcome);
    const booked = inconclusive
      ? bookInconclusive(state, batch, { ...outcome, reason, suspect, evidenceKey })
      : bookConclusive(state, batch, outcome);
    return bookRecheck(booked, batch, recheckOutcome(batch, outcome));
  });
  const after = voprOf(context.state.get());
  context.metrics.count("IterationsCompleted", iterationsOf(after) - iterationsOf(before));
  context.metrics.count("FailuresDetected", failuresOf(after) - failuresOf(before));
  if (cut) return;
  if (inconclusive) context.metrics.count("InconclusiveBatches", 1);
  else context.worked();
  const { id, kind, scenario, starting_seed: seed, iterations, attempt } = batch;
  const entry = { batch: id, kind, scenario, starting_seed: seed.toString(), iterations, attempt };
  context.log[inconclusive ? "warn" : "info"](
    { ...entry, failures: failedSeeds.length, reason: judgement.reason, cpu_ms: cpuMs },
    `batch ${judgement.verdict}`,
  );
}

/** What a recheck says of its finding: gone, still there, or nothing. */
function recheckOutcome(batch: Batch, outcome: BatchOutcome): Verdict {
  if (outcome.judgement.verdict === "inconclusive") return "inconclusive";
  return batch.recheck_of !== undefined && batch.recheck_of in outcome.sightings ? "failed" : "passed";
}

/** A batch left by a profile that knew another scenario: nobody can run it, so it is reported. */
function bookUnknownScenario(state: CycleState, batch: Batch): CycleState {
  const reason = `scenario ${batch.scenario} is no longer in the profile, or not in the simulator`;
  const nothing = { iterations: 0, failedSeeds: [], cpuMs: 0, iterationsPerSecond: null, evidenceKey: null };
  return bookLost(state, batch, { ...nothing, reason, suspect: batch.starting_seed });
}

function resultOf(
  context: PhaseContext,
  workers: number,
  startedMs: number,
  endedEarly: string | undefined,
): VoprResult {
  const state = context.state.get();
  const vopr = voprOf(state);
  // Also that of attempts which were interrupted.
  const elapsedMs = (): number => state.spent_ms.vopr ?? 0;
  const seconds = elapsedMs() / 1000;
  const scenarios = Object.entries(vopr.scenarios).map(([name, share]) => [
    name,
    {
      iterations: share.iterations,
      failures: share.failures,
      cpu_seconds: share.cpu_ms / 1000,
      from_seed: share.from_seed,
      next_seed: state.checkpoint.scenarios[name]?.next_seed ?? share.from_seed,
    },
  ]);
  return {
    phase: "vopr",
    ...judgeMarathon(vopr, context.profile, missingScenarios(state), endedEarly),
    ...resultFrame(context, { startedMs, elapsedMs }),
    iterations: iterationsOf(vopr),
    failures_total: failuresOf(vopr),
    workers,
    batches: vopr.batches,
    throughput_sps: seconds > 0 ? iterationsOf(vopr) / seconds : 0,
    scenarios: Object.fromEntries(scenarios) as VoprResult["scenarios"],
    determinism_iterations: vopr.determinism_iterations,
    inconclusive_seeds: vopr.inconclusive_seeds,
    inconclusive: vopr.inconclusive,
    canary: vopr.canary,
  };
}
