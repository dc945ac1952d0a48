/**
 * Runs one batch: the process, its lines, its failures into the archive, its judgement.
 *
 * A failing seed is durable before the next line is read; the books are changed by the caller, once,
 * when the batch has ended.
 */
import { join } from "node:path";
import type { Batch } from "../../../contracts/checkpoint.ts";
import { evidenceKey } from "../../../contracts/bucket.ts";
import type { Evidence } from "../../../contracts/evidence.ts";
import { stringifyJson } from "../../../contracts/json.ts";
import type { Judgement } from "../../../contracts/verdict.ts";
import type { ScenarioProfile } from "../../../contracts/profile/vopr.ts";
import { isoAt, type Clock } from "../../platform/clock.ts";
import { voprBundlesFolder } from "../../platform/folders.ts";
import { COMMIT_VARIABLE } from "../../../contracts/defaults.ts";
import { DETERMINISM } from "../../../contracts/determinism.ts";
import type { ProgramEnd } from "../../platform/program-run.ts";
import { batchCommand, rangeOf } from "../../tools/vopr.ts";
import { runVopr } from "../../tools/vopr-run.ts";
import { openBatchBundles, type BatchBundles } from "../../triage/batch-bundles.ts";
import { archiveSeed, failureIn, type BatchOrigin, type SeedFailure } from "../../triage/archive.ts";
import { wasEndedFromOutside } from "../../triage/preemption.ts";
import { withSighting, type Sightings } from "../../triage/sightings.ts";
import { commitOf, type PhaseContext } from "../context.ts";

/** A batch may outlive its expected time by this factor, and never its profile's deadline. */
const DEADLINE_FACTOR = 10;
const MIN_DEADLINE_MS = 20_000;

export interface BatchOutcome {
  readonly judgement: Judgement;
  /** Cut because the phase or the runner ended: no verdict, and no fault of anybody. */
  readonly cut: boolean;
  readonly iterations: number;
  /** Failing seeds that no earlier attempt has counted. */
  readonly failedSeeds: readonly bigint[];
  readonly sightings: Sightings;
  readonly suspect: bigint;
  readonly evidenceKey: string | null;
  readonly cpuMs: number;
  readonly iterationsPerSecond: number | null;
  readonly description: string;
}

export interface BatchRun {
  readonly batch: Batch;
  readonly scenario: ScenarioProfile;
  readonly expectedMs: number;
  /** Aborted at the end of the phase, and with the runner. */
  readonly signal: AbortSignal;
  /** Called for every parsed seed. */
  readonly onSeed: () => void;
}

export async function runBatch(context: PhaseContext, run: BatchRun): Promise<BatchOutcome> {
  const { batch, scenario } = run;
  const bundles = await openBatchBundles({
    profile: context.profile.vopr,
    batch,
    expectation: scenario.expectation,
    commit: commitOf(context.state.get()),
    folder: join(voprBundlesFolder(context.stateFolder), `${String(batch.id)}-${batch.starting_seed.toString()}`),
  });
  try {
    return await runWith(context, run, bundles);
  } finally {
    await bundles.remove().catch((error: unknown) => {
      context.log.warn({ batch: batch.id, error }, "the folder of the batch's bundles stays until the next start");
    });
  }
}

async function runWith(context: PhaseContext, run: BatchRun, bundles: BatchBundles): Promise<BatchOutcome> {
  const { batch, scenario } = run;
  const profile = context.profile.vopr;
  const commit = commitOf(context.state.get());
  // They change nothing in what a seed does, so no record repeats them.
  const command = [...batchCommand(profile, batch), ...bundles.arguments];
  const origin: BatchOrigin = {
    profile,
    profileName: context.profile.name,
    batch,
    expectation: scenario.expectation,
    cycle: context.state.get().cycle,
    commit,
    toolchain: context.toolchain,
  };
  const speed = new Speedometer(batch.iterations, context.clock);
  const counted = new Set(batch.counted_failures);
  const failedSeeds: bigint[] = [];
  let sightings: Sightings = {};

  const archive = async (failure: SeedFailure): Promise<void> => {
    const bundle = await bundles.take(failure.seed, failure.invariant);
    if (counted.has(failure.seed)) return;
    if (bundle.bytes === null && bundle.isExpected) warnOfBundle(context, batch, failure.seed, bundle.reason);
    const sighting = await archiveSeed(context.outbox, origin, failure, bundle, isoAt(context.clock.nowMs()));
    sightings = withSighting(sightings, sighting);
    failedSeeds.push(failure.seed);
  };

  const { end, verdict, suspect } = await runVopr(context.processes, {
    command,
    cwd: context.profile.work_tree,
    env: { [COMMIT_VARIABLE]: commit },
    range: rangeOf(batch),
    deadlineMs: Math.min(
      profile.batch.deadline_seconds * 1000,
      Math.max(MIN_DEADLINE_MS, run.expectedMs * DEADLINE_FACTOR),
    ),
    stallMs: profile.batch.stall_seconds * 1000,
    signal: run.signal,
    onRecord: (record) => {
      if (record.type !== "iteration") return undefined;
      run.onSeed();
      speed.seed();
      const failure = failureIn(record.data, scenario.expectation);
      return failure === undefined ? undefined : archive({ ...failure, record });
    },
  });
  const cut = end.ending === "stopped";
  // What failed is archived, and run again: only what fails on a machine that stays is counted and filed.
  if (wasEndedFromOutside(end, context.signal.aborted)) {
    failedSeeds.length = 0;
    sightings = {};
  }
  if (!cut && verdict.verdict !== "inconclusive") {
    for (const seed of verdict.silentFailures) {
      await archive({
        seed,
        invariant: DETERMINISM,
        message: "named in failed_seeds, without a line of its own",
        record: null,
      });
    }
  }
  const key =
    verdict.verdict === "inconclusive" && !cut
      ? await keepEvidence(context, batch, command, end, verdict.reason)
      : null;
  return {
    judgement: verdict,
    cut,
    iterations: verdict.iterations,
    failedSeeds,
    sightings,
    suspect,
    evidenceKey: key,
    cpuMs: end.cpuMs,
    iterationsPerSecond: speed.rate(),
    description: end.description,
  };
}

/** The digest says it once for a scenario, the records say the rest. */
function warnOfBundle(context: PhaseContext, { id, scenario }: Batch, seed: bigint, reason: string | null): void {
  context.log.warn({ batch: id, scenario, seed: seed.toString(), reason }, "a failing seed without its bundle");
  context.warn(`VOPR: failing seeds of ${scenario} were archived without their bundles; their records say why`);
}

/** A shorter second half is mostly the size of the chunks in which lines arrive. */
const MIN_SECOND_HALF_SECONDS = 0.5;

/**
 * Measures a batch in its second half: a process that starts, and is compiled while it runs, says little
 * about its speed in the first.
 */
class Speedometer {
  readonly #iterations: number;
  readonly #clock: Clock;
  readonly #startedMs: number;
  #seen = 0;
  #halfMs = 0;
  #lastMs = 0;

  constructor(iterations: number, clock: Clock) {
    this.#iterations = iterations;
    this.#clock = clock;
    this.#startedMs = clock.monotonicMs();
  }

  seed(): void {
    this.#seen += 1;
    if (this.#seen === Math.floor(this.#iterations / 2)) this.#halfMs = this.#clock.monotonicMs();
    if (this.#seen === this.#iterations) this.#lastMs = this.#clock.monotonicMs();
  }

  /** Seeds per second; null for a batch that was not run to its end. */
  rate(): number | null {
    if (this.#lastMs === 0) return null;
    const secondHalf = (this.#lastMs - this.#halfMs) / 1000;
    if (this.#halfMs > 0 && secondHalf >= MIN_SECOND_HALF_SECONDS) return Math.ceil(this.#iterations / 2) / secondHalf;
    return this.#iterations / Math.max(0.001, (this.#lastMs - this.#startedMs) / 1000);
  }
}

/** The raw output (head and tail) of a batch without a verdict. */
async function keepEvidence(
  context: PhaseContext,
  batch: Batch,
  command: string[],
  end: ProgramEnd,
  reason: string | null,
): Promise<string> {
  // Retries share the id of their batch: the first seed makes the key theirs.
  const key = evidenceKey(context.state.get().cycle, batch.id, batch.attempt, batch.starting_seed);
  const { ending, exitCode, signal, description, stdout, stderr, durationMs } = end;
  const evidence: Evidence = {
    batch,
    command,
    reason,
    ending,
    exit_code: exitCode,
    signal,
    description,
    duration_ms: durationMs,
    stdout,
    stderr,
  };
  await context.outbox.put(key, stringifyJson(evidence));
  return key;
}
