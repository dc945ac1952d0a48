/**
 * The checkpoint: how far each scenario's seeds are done, `checkpoints/latest.json`.
 *
 * The five fields of the first infrastructure keep their names, and a file written by it can be read:
 * everything else has a default there. `last_seed` is the highest seed that was handed out.
 */
import { z } from "zod";
import { count, instant } from "./parts.ts";
import { seedSchema } from "./seed.ts";

/** Failed seeds kept in a checkpoint, newest last. */
export const MAX_FAILED_SEEDS = 1000;
/** Commits kept per scenario, newest last. */
export const MAX_COMMIT_RANGES = 50;

export const batchSchema = z.object({
  /** Unix milliseconds, unique per runner: the TS in `failures/vopr/seed-SEED-TS.json`. */
  id: count,
  kind: z.enum(["normal", "determinism", "recheck"]),
  scenario: z.string(),
  starting_seed: seedSchema,
  iterations: z.int().positive(),
  /** 1, or 2 for the one retry after an inconclusive attempt. */
  attempt: z.int().min(1).max(2),
  /** Failing seeds that the first attempt already archived and counted. */
  counted_failures: z.array(seedSchema),
  /** The finding whose seed is run again; only with kind recheck. */
  recheck_of: z.string().optional(),
});
export type Batch = z.infer<typeof batchSchema>;

export const scenarioProgressSchema = z.object({
  /** First seed not yet handed out; below it every seed is counted, open or listed as inconclusive. */
  next_seed: seedSchema,
  iterations: count,
  failures: count,
  /** The contiguous range of seeds per commit: [from_seed, next_seed). */
  commits: z
    .array(z.object({ git_commit: z.string(), from_seed: seedSchema, next_seed: seedSchema }))
    .max(MAX_COMMIT_RANGES),
});
export type ScenarioProgress = z.infer<typeof scenarioProgressSchema>;

export const checkpointSchema = z
  .object({
    last_seed: seedSchema.nullable(),
    total_iterations: count,
    total_failures: count,
    failed_seeds: z.array(seedSchema),
    last_update: instant,
    cycle: count.default(0),
    git_commit: z.string().nullable().default(null),
    scenarios: z.record(z.string(), scenarioProgressSchema).default({}),
    /** Handed out and not finished: run first after a restart. */
    open: z.array(batchSchema).default([]),
  })
  .meta({ id: "Checkpoint", description: "checkpoints/latest.json and checkpoints/daily/YYYY-MM-DD.json" });
export type Checkpoint = z.infer<typeof checkpointSchema>;
