/**
 * The state of a cycle: what a restart needs to go on as if nothing had happened.
 *
 * One file on the runner's disk, replaced atomically after every step, is the truth. It is mirrored to
 * `cycles/current.json` from time to time, for people and for a machine that lost its disk.
 */
import { z } from "zod";
import { canaryResultSchema } from "./canary.ts";
import { batchSchema, checkpointSchema } from "./checkpoint.ts";
import { count, instant, milliseconds, phaseNameSchema } from "./parts.ts";
import { findingSchema } from "./registry.ts";
import { inconclusiveSeedsSchema, phaseResultSchema } from "./results.ts";
import { seedSchema } from "./seed.ts";

/** What this cycle saw of one signature; merged into the registry by the digest. */
export const sightingSchema = z.object({
  signature: z.string(),
  workload: findingSchema.shape.workload,
  count,
  first_at: instant,
  last_at: instant,
  seeds: z.array(seedSchema),
  message: z.string(),
  repro: z.string(),
  failure_key: z.string(),
});
export type Sighting = z.infer<typeof sightingSchema>;

/** Seeds of an older finding, run again on a new commit. */
export const recheckSchema = z.object({ signature: z.string(), passed: count, failed: count, inconclusive: count });
export type Recheck = z.infer<typeof recheckSchema>;

export const voprStateSchema = z.object({
  /** Handed to a worker; after a restart these are run again under the same id. */
  open: z.array(batchSchema),
  /** Retries and batches that a stop or the end of the phase gave back; run before new seeds. */
  waiting: z.array(batchSchema),
  scenarios: z.record(
    z.string(),
    z.object({
      from_seed: seedSchema,
      iterations: count,
      failures: count,
      cpu_ms: milliseconds,
      /** Of one worker, by the wall clock, in the newest full batch; null before the first. */
      iterations_per_second: z.number().positive().nullable(),
    }),
  ),
  batches: count,
  determinism_iterations: count,
  inconclusive_seeds: count,
  inconclusive: z.array(inconclusiveSeedsSchema),
  /** Inconclusive batches since the last conclusive one; too many end the phase. */
  inconclusive_in_a_row: count,
  rechecks: z.record(z.string(), recheckSchema),
  rechecks_planned: z.boolean(),
  canary: canaryResultSchema.nullable(),
});
export type VoprState = z.infer<typeof voprStateSchema>;

export const cycleStateSchema = z
  .object({
    version: z.literal(1),
    /** Grows with every write. */
    revision: count,
    cycle: z.int().positive(),
    status: z.enum(["running", "done"]),
    profile: z.string(),
    /** The store this state belongs to. */
    store_url: z.string(),
    /** Null until the prepare phase has said. */
    git_commit: z.string().nullable(),
    started_at: instant,
    updated_at: instant,
    /** Length of the whole cycle in working time: time in which the runner was down does not count. */
    budget_ms: milliseconds,
    phase: phaseNameSchema,
    spent_ms: z.partialRecord(phaseNameSchema, milliseconds),
    /** What of it earlier, interrupted attempts had used. */
    spent_before_attempt_ms: z.partialRecord(phaseNameSchema, milliseconds),
    /** How often each phase was started; more than once means it was interrupted. */
    attempts: z.partialRecord(phaseNameSchema, count),
    interruptions: count,
    results: z.array(phaseResultSchema),
    sightings: z.record(z.string(), sightingSchema),
    /** Null until the VOPR phase begins. */
    vopr: voprStateSchema.nullable(),
    /** Progress over all cycles. */
    checkpoint: checkpointSchema,
    last_batch_id: count,
    /** Working time at which the newest interim digest was stored. */
    interim_digest_at_ms: milliseconds,
    /** How long the store had been unreachable, over all cycles, when this one began. */
    outage_before_ms: milliseconds,
    /** When the newest critical message was really sent; null before the first. */
    critical_sent_at: instant.nullable(),
    /** Newest instant at which real work was done. */
    progress_at: instant,
    /** Why a phase has left no result: interrupted too often, or the runner itself failed in it. */
    given_up: z.partialRecord(phaseNameSchema, z.string()),
    /** Said in the digest. */
    warnings: z.array(z.string()),
    /** Damaged files that earlier work had left; they make the cycle inconclusive. */
    damage: z.array(z.string()),
    /** Sightings of earlier cycles that the registry could not take yet. */
    unmerged: z.array(z.object({ cycle: count, git_commit: z.string(), sightings: z.array(sightingSchema) })),
    /**
     * So many signatures that were new at once in an earlier cycle that the machine was suspected, not the code.
     * Filed when a later cycle sees them again (runner/triage/mass-failure.ts).
     */
    suspected: z
      .array(z.object({ cycle: count, git_commit: z.string(), sightings: z.array(sightingSchema) }))
      .optional(),
  })
  .meta({ id: "CycleState", description: "cycles/current.json: the state machine of the running cycle" });
export type CycleState = z.infer<typeof cycleStateSchema>;
