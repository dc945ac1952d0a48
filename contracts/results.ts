/** What each phase leaves behind. Stored under `cycles/`, and per day where the bucket layout says so. */
import { z } from "zod";
import { benchmarkComparisonSchema } from "./benchmark-comparison.ts";
import { benchmarkMachineSchema, quietnessSchema } from "./benchmark-history.ts";
import { canaryResultSchema } from "./canary.ts";
import { count, instant, seconds, toolchainSchema, workloadSchema } from "./parts.ts";
import { proofResultSchema } from "./proofs.ts";
import { seedSchema } from "./seed.ts";
import { verdictSchema } from "./verdict.ts";

const judged = { verdict: verdictSchema, reason: z.string().nullable() };
const common = {
  ...judged,
  cycle: count,
  git_commit: z.string(),
  /** Where and with what; results of earlier versions do not say it. */
  toolchain: toolchainSchema.optional(),
  started_at: instant,
  ended_at: instant,
  duration_seconds: seconds,
};

export const prepareResultSchema = z
  .object({
    phase: z.literal("prepare"),
    ...common,
    toolchain: toolchainSchema,
    /** First line that each tool prints of its version; null when it could not be asked. */
    versions: z.record(z.string(), z.string().nullable()).default({}),
    builds: z
      .array(z.object({ name: z.string(), ...judged, duration_seconds: seconds, log_key: z.string().nullable() }))
      .default([]),
    /** The commit that was wanted when it does not build and the last good one is tested; else null. */
    red_commit: z.string().nullable().default(null),
    /** Workloads that cannot be run on this commit or at all, each with the reason. */
    cannot_run: z.partialRecord(workloadSchema, z.string()).default({}),
    /** Scenarios of the profile that the simulator does not have: not run, and inconclusive. */
    missing_scenarios: z.array(z.string()).default([]),
    warnings: z.array(z.string()),
  })
  .meta({ id: "PrepareResult", description: "What is tested and with what" });

export const formalVerificationResultSchema = z
  .object({
    phase: z.literal("formal-verification"),
    ...common,
    tools: z.record(
      z.string(),
      z.object({
        ...judged,
        duration_seconds: seconds,
        states: count.nullable(),
        depth: count.nullable(),
        /** What was bounded, in the tool's own words. */
        scope: z.string().nullable(),
        counterexample: z.array(z.string()).nullable(),
        /** The whole log; null when there is none. */
        log_key: z.string().nullable().default(null),
      }),
    ),
    /** What each check of a proof tool showed, in full; by its name in the profile. */
    runs: z.record(z.string(), proofResultSchema).default({}),
    canary: canaryResultSchema.nullable(),
  })
  .meta({ id: "FormalVerificationResult", description: "formal-verification/YYYY-MM-DD.json" });

export const benchmarkSchema = z.object({
  name: z.string(),
  samples: count,
  median_ns: z.number().positive(),
  mean_ns: z.number().positive(),
  /** Confidence interval of the mean: 99 % with tinybench, 95 % with Criterion. */
  lower_ns: z.number().nonnegative(),
  upper_ns: z.number().positive(),
  operations_per_second: z.number().positive(),
});

export const benchmarksResultSchema = z
  .object({
    phase: z.literal("benchmarks"),
    ...common,
    toolchain: toolchainSchema.nullable(),
    benchmarks: z.array(benchmarkSchema),
    /** Each suite, by its name; empty for a program without suites. */
    runs: z
      .record(z.string(), z.object({ ...judged, duration_seconds: seconds, log_key: z.string().nullable() }))
      .default({}),
    machine: benchmarkMachineSchema.nullable().default(null),
    /** As in `benchmarks/YYYY-MM-DD.json`. */
    compiler: z.string().nullable().default(null),
    quietness: quietnessSchema.nullable().default(null),
    /** Null when the history could not be read. */
    comparison: benchmarkComparisonSchema.nullable().default(null),
    canary: canaryResultSchema.nullable(),
  })
  .meta({ id: "BenchmarksResult", description: "Benchmarks of one cycle, and what the history says of them" });

export const fuzzResultSchema = z
  .object({
    phase: z.literal("fuzz"),
    ...common,
    targets: z.record(
      z.string(),
      z.object({
        ...judged,
        duration_seconds: seconds,
        executions: count,
        executions_per_second: z.number().nonnegative(),
        failure_keys: z.array(z.string()),
        /** Null where the tool does not say. */
        build_seconds: seconds.nullable().default(null),
        edges: count.nullable().default(null),
        corpus_inputs: count.nullable().default(null),
      }),
    ),
    canary: canaryResultSchema.nullable(),
  })
  .meta({ id: "FuzzResult", description: "Fuzzing, per target" });

export const inconclusiveSeedsSchema = z.object({
  scenario: z.string(),
  starting_seed: seedSchema,
  iterations: count,
  reason: z.string(),
  /** Bucket key of the raw output; null when there was none to keep. */
  evidence_key: z.string().nullable(),
});

export const voprResultSchema = z
  .object({
    phase: z.literal("vopr"),
    ...common,
    /** Seeds with a verdict: parsed, not asked for. */
    iterations: count,
    failures_total: count,
    workers: count,
    batches: count,
    throughput_sps: z.number().nonnegative(),
    scenarios: z.record(
      z.string(),
      z.object({
        iterations: count,
        failures: count,
        cpu_seconds: seconds,
        from_seed: seedSchema,
        next_seed: seedSchema,
      }),
    ),
    determinism_iterations: count,
    inconclusive_seeds: count,
    /** The first 100 ranges that got no verdict after a retry. */
    inconclusive: z.array(inconclusiveSeedsSchema),
    canary: canaryResultSchema.nullable(),
  })
  .meta({ id: "VoprResult", description: "The VOPR marathon of one cycle" });

export const phaseResultSchema = z
  .discriminatedUnion("phase", [
    prepareResultSchema,
    formalVerificationResultSchema,
    benchmarksResultSchema,
    fuzzResultSchema,
    voprResultSchema,
  ])
  .meta({ id: "PhaseResult", description: "Result of one phase of a cycle" });

export type PrepareResult = z.infer<typeof prepareResultSchema>;
export type FormalVerificationResult = z.infer<typeof formalVerificationResultSchema>;
export type BenchmarksResult = z.infer<typeof benchmarksResultSchema>;
export type Benchmark = z.infer<typeof benchmarkSchema>;
export type FuzzResult = z.infer<typeof fuzzResultSchema>;
export type VoprResult = z.infer<typeof voprResultSchema>;
export type InconclusiveSeeds = z.infer<typeof inconclusiveSeedsSchema>;
export type PhaseResult = z.infer<typeof phaseResultSchema>;
