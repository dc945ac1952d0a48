/**
 * The NDJSON that a `vopr` prints: one object per line, `{data, timestamp, type}`.
 *
 * The shapes are those of Kimberlite's own binary (crates/kimberlite-sim/src/bin/vopr.rs); unknown
 * fields are kept, so that a newer binary loses nothing on its way through this project.
 */
import { z } from "zod";
import { seedSchema } from "./seed.ts";

const count = z.int().nonnegative();
const sha256Hex = z.string().regex(/^[0-9a-f]{64}$/);

export const startDataSchema = z.looseObject({
  starting_seed: seedSchema,
  iterations: count,
  network_faults: z.boolean(),
  storage_faults: z.boolean(),
  checkpoint_loaded: z.boolean(),
});

export const iterationOkSchema = z.looseObject({
  seed: seedSchema,
  status: z.literal("ok"),
  events: count,
  simulated_time_ms: z.number().nonnegative(),
  storage_hash: sha256Hex,
  kernel_state_hash: sha256Hex,
});

export const iterationFailedSchema = z.looseObject({
  seed: seedSchema,
  status: z.literal("failed"),
  events: count,
  /** Name of the violated invariant. */
  invariant: z.string().min(1),
  message: z.string(),
});

export const iterationDataSchema = z.discriminatedUnion("status", [iterationOkSchema, iterationFailedSchema]);

export const voprCoverageSchema = z.looseObject({
  fault_points: z.looseObject({
    total: count,
    hit: count,
    /** 0 to 100. */
    coverage_percent: z.number(),
    fault_points: z.record(z.string(), z.looseObject({ attempted: count, applied: count, observed: count })),
  }),
  phases: z.looseObject({ total_events: count, unique_phases: count, phase_counts: z.record(z.string(), count) }),
  invariants: z.looseObject({
    total: count,
    executed: count,
    /** 0 to 100. */
    coverage_percent: z.number(),
    invariant_counts: z.record(z.string(), count),
  }),
});

/**
 * The fields of `coverage` that thresholds are checked against (kimberlite-sim/src/coverage_thresholds.rs).
 * The embedded simulator prints them beside those above; Kimberlite's binary does not.
 */
export const coverageReportSchema = z.looseObject({
  total_fault_points: count,
  fault_points_hit: count,
  hit_fault_points: z.array(z.string()),
  missed_fault_points: z.array(z.string()),
  invariant_executions: z.record(z.string(), count),
  missed_invariants: z.array(z.string()),
  view_changes: count,
  repairs: count,
  unique_query_plans: count,
  /** Names with dots: `vsr.prepare_sent`. */
  phase_events: z.record(z.string(), count),
  total_events: count,
  simulation_time_ns: count,
});

export const voprPropertiesSchema = z.looseObject({
  total_observed: count,
  always_evaluated: count,
  never_evaluated: count,
  sometimes_satisfied: count,
  sometimes_total: count,
  reached_hit: count,
  reached_total: count,
  violation_count: count,
  unsatisfied_sometimes_ids: z.array(z.string()),
  unreached_ids: z.array(z.string()),
  violated_ids: z.array(z.string()),
});

/** What a report lacks against coverage thresholds (coverage-thresholds.ts). */
export const coverageViolationSchema = z.object({
  kind: z.enum([
    "FaultPointCoverage",
    "CriticalFaultPointMissed",
    "InvariantNotExecuted",
    "InsufficientViewChanges",
    "InsufficientRepairs",
    "InsufficientQueryPlans",
    "InsufficientPhaseEvents",
    "InvariantCoverage",
    "NoData",
  ]),
  message: z.string(),
  expected: z.string(),
  actual: z.string(),
});

export const coverageValidationSchema = z.object({
  passed: z.boolean(),
  violations: z.array(coverageViolationSchema),
  /** Met, but hardly. */
  warnings: z.array(z.string()),
});

export const batchCompleteDataSchema = z.looseObject({
  successes: count,
  failures: count,
  elapsed_secs: z.number().nonnegative(),
  /** Iterations per second. */
  rate: z.number().nonnegative(),
  failed_seeds: z.array(seedSchema),
  coverage: voprCoverageSchema,
  /** Where thresholds were asked for. */
  coverage_validation: coverageValidationSchema.optional(),
  properties: voprPropertiesSchema,
});

export const coverageFailuresDataSchema = z.looseObject({ failures: z.array(z.unknown()) });

/** RFC 3339 with nanoseconds and an offset, as chrono prints it. */
const timestamp = z.string().min(1);

export const voprRecordSchema = z
  .discriminatedUnion("type", [
    z.looseObject({ type: z.literal("start"), timestamp, data: startDataSchema }),
    z.looseObject({ type: z.literal("iteration"), timestamp, data: iterationDataSchema }),
    z.looseObject({ type: z.literal("batch_complete"), timestamp, data: batchCompleteDataSchema }),
    z.looseObject({ type: z.literal("coverage_failures"), timestamp, data: coverageFailuresDataSchema }),
  ])
  .meta({ id: "VoprRecord", description: "One NDJSON line of a vopr run" });

export type VoprRecord = z.infer<typeof voprRecordSchema>;
export type IterationData = z.infer<typeof iterationDataSchema>;
export type IterationFailed = z.infer<typeof iterationFailedSchema>;
export type BatchCompleteData = z.infer<typeof batchCompleteDataSchema>;
export type CoverageReport = z.infer<typeof coverageReportSchema>;
export type CoverageViolation = z.infer<typeof coverageViolationSchema>;
export type CoverageValidation = z.infer<typeof coverageValidationSchema>;
