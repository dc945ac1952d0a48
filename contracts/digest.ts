/** The digest: the one report per cycle, `digests/latest.json` and `digests/YYYY-MM-DD.json`. */
import { z } from "zod";
import { canaryResultSchema } from "./canary.ts";
import { count, instant, seconds } from "./parts.ts";
import { findingStateSchema } from "./registry.ts";
import {
  benchmarksResultSchema,
  formalVerificationResultSchema,
  fuzzResultSchema,
  inconclusiveSeedsSchema,
  prepareResultSchema,
  voprResultSchema,
} from "./results.ts";
import { seedSchema } from "./seed.ts";
import { verdictSchema } from "./verdict.ts";

const judged = { verdict: verdictSchema, reason: z.string().nullable() };

export const digestFindingSchema = z.object({
  signature: z.string(),
  /** Null when the registry could not be read, so that new and known cannot be told apart. */
  state: findingStateSchema.nullable(),
  count_in_cycle: count,
  count_ever: count.nullable(),
  seeds: z.array(seedSchema),
  message: z.string(),
  repro: z.string(),
  failure_key: z.string(),
  first_seen_cycle: count.nullable(),
});
export type DigestFinding = z.infer<typeof digestFindingSchema>;

/** Whether a workload can be believed: its canary was found in this cycle. */
export const trustSchema = z.object({
  trusted: z.boolean(),
  reason: z.string().nullable(),
  canary: canaryResultSchema.nullable(),
});
export type Trust = z.infer<typeof trustSchema>;

export const digestSchema = z
  .object({
    version: z.literal(1),
    kind: z.enum(["final", "interim"]),
    generated_at: instant,
    cycle: z.int().positive(),
    git_commit: z.string(),
    profile: z.string(),
    started_at: instant,
    duration_seconds: seconds,
    interruptions: count,
    /** The worst of the workloads, and inconclusive when one is untrusted. */
    ...judged,
    /** Null when that phase left no result. */
    prepare: z
      .object({
        ...judged,
        red_commit: prepareResultSchema.shape.red_commit,
        versions: prepareResultSchema.shape.versions,
        builds: prepareResultSchema.shape.builds,
      })
      .nullable()
      .default(null),
    vopr: z.object({
      ...judged,
      iterations: count,
      failures_total: count,
      /** Failures whose signature was never seen before; null when the registry could not be read. */
      failures_new: count.nullable(),
      duration_seconds: seconds,
      throughput_sps: z.number().nonnegative(),
      workers: count,
      batches: count,
      scenarios: voprResultSchema.shape.scenarios,
      determinism_iterations: count,
      inconclusive_seeds: count,
      inconclusive: z.array(inconclusiveSeedsSchema),
    }),
    fuzzing: z.object({ ...judged, duration_seconds: seconds, targets: fuzzResultSchema.shape.targets }),
    formal_verification: z.object({
      ...judged,
      duration_seconds: seconds,
      tools: formalVerificationResultSchema.shape.tools,
    }),
    benchmarks: z.object({
      ...judged,
      duration_seconds: seconds,
      /** What was measured. */
      suites: benchmarksResultSchema.shape.benchmarks,
      runs: benchmarksResultSchema.shape.runs,
      comparison: benchmarksResultSchema.shape.comparison,
    }),
    trust: z.object({
      vopr: trustSchema,
      fuzzing: trustSchema,
      formal_verification: trustSchema,
      benchmarks: trustSchema,
    }),
    findings: z.array(digestFindingSchema),
    store: z.object({
      url: z.string(),
      /** How long the store could not be reached in this cycle. */
      unreachable_seconds: seconds,
      /** Puts still on the runner's disk when the digest was made, itself not counted. */
      waiting: count,
    }),
    warnings: z.array(z.string()),
  })
  .meta({ id: "Digest", description: "digests/latest.json: the report of a cycle" });
export type Digest = z.infer<typeof digestSchema>;
