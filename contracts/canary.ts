/** A canary: a planted bug that a workload must find, or its green means nothing. */
import { z } from "zod";
import { count, instant, seconds } from "./parts.ts";
import { seedSchema } from "./seed.ts";

export const canaryResultSchema = z
  .object({
    canary: z.string(),
    found: z.boolean(),
    /** How many runs (seeds, states, executions) showed the planted bug. */
    found_in: count,
    /** Out of how many. */
    runs: count,
    at: instant,
    /** Why it was not found; null when it was. */
    reason: z.string().nullable(),
  })
  .meta({ id: "CanaryResult", description: "Whether a workload found the bug planted for it" });

export type CanaryResult = z.infer<typeof canaryResultSchema>;

/** A bug that a vopr can plant with `--canary NAME`. */
export const plantedCanarySchema = z.looseObject({
  name: z.string().regex(/^[a-z0-9][a-z0-9_-]{0,63}$/),
  description: z.string(),
  /** The invariant that is meant to find it, or `determinism` (determinism.ts). */
  finds: z.string().min(1),
  /** Where it does harm. */
  scenario: z.string().regex(/^[a-z0-9][a-z0-9_-]{0,63}$/),
});

export const canaryListSchema = z
  .looseObject({
    canaries: z.array(plantedCanarySchema).refine((all) => new Set(all.map(({ name }) => name)).size === all.length, {
      error: "must not name a canary twice",
    }),
  })
  .meta({ id: "CanaryList", description: "Output of `vopr --list-canaries --json`" });

export type PlantedCanary = z.infer<typeof plantedCanarySchema>;

export const canaryHuntSchema = z.object({
  canary: z.string(),
  scenario: z.string(),
  /** The invariant meant to find it. */
  meant: z.string(),
  /** `found`: by the invariant meant, and the run that shows it was judged whole. */
  status: z.enum(["found", "survived", "inconclusive"]),
  /** Seeds that failed, by invariant; other invariants may see the bug, too. */
  failed_by: z.record(z.string(), count.positive()),
  /** The first seed that the invariant meant failed in; null when none did. */
  seed: seedSchema.nullable(),
  /** Seeds up to that one; all that were run when there is none. */
  seeds_tried: count,
  /** Until that seed's line was read; until the end when there is none. */
  seconds,
  /** Shows it again. */
  repro: z.string(),
  /** Why it was not found; null when it was. */
  reason: z.string().nullable(),
});

export const canaryMatrixSchema = z
  .object({
    profile: z.string(),
    started_at: instant,
    elapsed_seconds: seconds,
    /** Canaries hunted at the same time. */
    workers: count,
    /** At most so many seeds each, and so long. */
    max_seeds: count,
    deadline_seconds: seconds,
    planted: count,
    found: count,
    survived: count,
    inconclusive: count,
    /** found / planted, 0 to 1; null when nothing was planted. */
    mutation_score: z.number().min(0).max(1).nullable(),
    canaries: z.array(canaryHuntSchema),
  })
  .meta({ id: "CanaryMatrix", description: "Output of `kimtest canaries --json`" });

export type CanaryHunt = z.infer<typeof canaryHuntSchema>;
export type CanaryMatrix = z.infer<typeof canaryMatrixSchema>;
