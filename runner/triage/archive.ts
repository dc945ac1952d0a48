/** Archives one failing seed alone: everything needed to see it again. */
import type { Batch } from "../../contracts/checkpoint.ts";
import { voprBundleKey, voprFailureKey } from "../../contracts/bucket.ts";
import type { Sighting } from "../../contracts/cycle.ts";
import { DETERMINISM } from "../../contracts/determinism.ts";
import { reasonOf } from "../../contracts/errors.ts";
import type { VoprFailure } from "../../contracts/failure.ts";
import { stringifyJson } from "../../contracts/json.ts";
import type { Toolchain } from "../../contracts/parts.ts";
import type { Expectation, VoprProfile } from "../../contracts/profile/vopr.ts";
import type { IterationData } from "../../contracts/vopr.ts";
import type { Outbox } from "../store/outbox.ts";
import { batchCommand, reproCommand } from "../tools/vopr.ts";
import type { TakenBundle } from "./batch-bundles.ts";
import { archiveIndexed } from "./failure-index.ts";

/** Where a batch belongs. */
export interface BatchOrigin {
  readonly profile: VoprProfile;
  readonly profileName: string;
  readonly batch: Batch;
  readonly expectation: Expectation;
  readonly cycle: number;
  readonly commit: string;
  readonly toolchain: Toolchain;
}

export interface SeedFailure {
  readonly seed: bigint;
  readonly invariant: string;
  readonly message: string;
  /** The vopr's own line; null when it printed none. */
  readonly record: unknown;
}

/**
 * What an iteration record says under its scenario's expectation: undefined when all is well.
 *
 * A scenario that must detect (Kimberlite's Byzantine attacks) fails by design, and a seed of it that
 * passes is the bug. That two runs of a seed differ is one in any scenario: it detects no attack.
 */
export function failureIn(data: IterationData, expectation: Expectation): Omit<SeedFailure, "record"> | undefined {
  if (data.status === "failed") {
    const isMeant = expectation === "must-detect" && data.invariant !== DETERMINISM;
    return isMeant ? undefined : { seed: data.seed, invariant: data.invariant, message: data.message };
  }
  if (expectation === "must-pass") return undefined;
  return {
    seed: data.seed,
    invariant: "undetected",
    message: "the attack of this scenario must be detected, but the seed passed",
  };
}

/**
 * Makes one failure durable and returns how it was seen. The same batch and seed always give the same key.
 *
 * The bundle comes first, so that no record names one that is not there; one that cannot be stored does not keep the
 * record from it.
 */
export async function archiveSeed(
  outbox: Outbox,
  origin: BatchOrigin,
  failure: SeedFailure,
  bundle: TakenBundle,
  archivedAt: string,
): Promise<Sighting> {
  const { batch, profile } = origin;
  const { command, repro } = reproCommand(profile, batch, failure.seed);
  const signature = `${failure.invariant}:${batch.scenario}`;
  const key = voprFailureKey(failure.seed, batch.id);
  const stored = await storeBundle(outbox, voprBundleKey(key), bundle);
  const record: VoprFailure = {
    version: 1,
    kind: "vopr",
    seed: failure.seed,
    signature,
    scenario: batch.scenario,
    invariant: failure.invariant,
    message: failure.message,
    expectation: origin.expectation,
    archived_at: archivedAt,
    cycle: origin.cycle,
    git_commit: origin.commit,
    profile: origin.profileName,
    toolchain: origin.toolchain,
    command,
    repro,
    batch: {
      id: batch.id,
      starting_seed: batch.starting_seed,
      iterations: batch.iterations,
      command: batchCommand(profile, batch),
    },
    record: failure.record,
    ...stored,
  };
  await archiveIndexed(outbox, key, signature, stringifyJson(record));
  return {
    signature,
    workload: "vopr",
    count: 1,
    first_at: archivedAt,
    last_at: archivedAt,
    seeds: [failure.seed],
    message: failure.message,
    repro,
    failure_key: key,
  };
}

async function storeBundle(
  outbox: Outbox,
  key: string,
  { bytes, reason }: TakenBundle,
): Promise<Pick<VoprFailure, "bundle_key" | "bundle_reason">> {
  if (bytes === null) return { bundle_key: null, bundle_reason: reason };
  // A record is worth more than a bundle, and is what fills it in a long outage.
  if (outbox.isHalfFull()) return { bundle_key: null, bundle_reason: "what waits for the store left it no room" };
  try {
    await outbox.put(key, bytes);
    return { bundle_key: key, bundle_reason: null };
  } catch (error) {
    return { bundle_key: null, bundle_reason: `it could not be stored: ${reasonOf(error)}` };
  }
}
