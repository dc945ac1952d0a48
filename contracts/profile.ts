/** A profile: what to build and run for a project under test. Data only, so that a user can write one. */
import { z } from "zod";
import { FUZZ_TARGET } from "./bucket.ts";
import { PHASES } from "./parts.ts";
import { seedSchema } from "./seed.ts";

const command = z.array(z.string().min(1)).min(1);
const positive = z.number().positive();

export const expectationSchema = z.enum(["must-pass", "must-detect"]);

export const scenarioSchema = z.strictObject({
  name: z.string().regex(/^[a-z0-9][a-z0-9_-]{0,63}$/),
  /** Share of CPU time relative to the other scenarios. */
  weight: positive,
  /** `must-detect`: every seed is expected to fail, one that passes is the bug. */
  expectation: expectationSchema,
});

export const voprProfileSchema = z.strictObject({
  /** The program and its first arguments; flags of a batch are appended. */
  command,
  /** Flags on every batch. */
  arguments: z.array(z.string()),
  /** What a person types for `command`, in a reproduction line. */
  repro_command: z.string().min(1),
  scenarios: z.array(scenarioSchema).min(1),
  /** First seed ever tested of each scenario. */
  seed_offset: seedSchema,
  batch: z.strictObject({
    /** Seeds in the first batch of a scenario, before its speed is known. */
    first_iterations: z.int().positive(),
    max_iterations: z.int().positive().max(1_000_000),
    /** Aimed-at length of a batch. */
    target_seconds: positive,
    /** A batch that prints no line for so long is hung. */
    stall_seconds: positive,
    /** A batch may never take longer. */
    deadline_seconds: positive,
  }),
  /** A share (0 to 1) of batches runs with these flags, each seed twice. */
  determinism: z.strictObject({ share: z.number().min(0).max(1), arguments: z.array(z.string()) }),
  canary: z.strictObject({
    name: z.string().min(1),
    scenario: z.string().min(1),
    arguments: z.array(z.string()),
    iterations: z.int().positive(),
  }),
  /** More failures than this in one batch are critical news. */
  critical_failures: z.int().positive(),
});

const fuzzTarget = z.string().regex(FUZZ_TARGET);

export const fuzzProfileSchema = z.strictObject({
  tool: z.literal("fast-check"),
  command,
  targets: z.array(fuzzTarget).min(1),
  /** Broken on purpose; not one of the targets. */
  canary_target: fuzzTarget,
});

export const benchmarksProfileSchema = z.strictObject({ tool: z.literal("tinybench"), command });

export const formalVerificationProfileSchema = z.strictObject({
  tool: z.literal("explore"),
  command,
  arguments: z.array(z.string()),
  canary: z.strictObject({ name: z.string().min(1), arguments: z.array(z.string()) }),
});

export const profileSchema = z
  .strictObject({
    name: z.string().regex(/^[a-z0-9][a-z0-9-]{0,63}$/),
    /** Git work tree whose commit is tested; all programs run in it. */
    work_tree: z.string().min(1),
    /** Length of a cycle when none is asked for. */
    duration_seconds: positive,
    /** Parts of a cycle per phase; VOPR also gets what the others leave over. */
    time_shares: z.record(z.enum(PHASES), positive),
    formal_verification: formalVerificationProfileSchema,
    benchmarks: benchmarksProfileSchema,
    fuzz: fuzzProfileSchema,
    vopr: voprProfileSchema,
  })
  .refine(
    ({ vopr }) => vopr.scenarios.some((one) => one.name === vopr.canary.scenario && one.expectation === "must-pass"),
    {
      path: ["vopr", "canary", "scenario"],
      error: "must be one of vopr.scenarios, a must-pass one: in the others every seed fails by design",
    },
  )
  .refine(({ vopr }) => new Set(vopr.scenarios.map(({ name }) => name)).size === vopr.scenarios.length, {
    path: ["vopr", "scenarios"],
    error: "must not name a scenario twice: both would share its seeds",
  })
  .refine(({ fuzz }) => new Set(fuzz.targets).size === fuzz.targets.length, {
    path: ["fuzz", "targets"],
    error: "must not name a target twice",
  })
  .refine(({ fuzz }) => !fuzz.targets.includes(fuzz.canary_target), {
    path: ["fuzz", "canary_target"],
    error: "must not be one of fuzz.targets: it is broken on purpose",
  })
  .meta({ id: "Profile", description: "What to build and run for a project under test" });

export type Profile = z.infer<typeof profileSchema>;
export type VoprProfile = z.infer<typeof voprProfileSchema>;
export type ScenarioProfile = z.infer<typeof scenarioSchema>;
export type Expectation = z.infer<typeof expectationSchema>;
