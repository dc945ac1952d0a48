/** The registry: every finding ever made, `signatures/known-failures.json`. */
import { z } from "zod";
import { count, instant } from "./parts.ts";
import { seedSchema } from "./seed.ts";

export const findingStateSchema = z.enum([
  "new",
  "ongoing",
  "rare",
  "resolved",
  "regressed",
  "invalid",
  "duplicate-of",
]);
export type FindingState = z.infer<typeof findingStateSchema>;

const sighting = z.object({ at: instant, cycle: count, git_commit: z.string() });

export const findingSchema = z
  .object({
    /** Identity: `invariant:scenario` for VOPR, `fuzz:target:…` and `formal-verification:…` for the others. */
    signature: z.string().min(1),
    workload: z.enum(["vopr", "fuzz", "formal-verification"]),
    state: findingStateSchema,
    /** The signature this one repeats; only with state duplicate-of. */
    duplicate_of: z.string().optional(),
    first_seen: sighting,
    last_seen: sighting,
    /** Failures over all cycles. */
    count,
    /** Failures per cycle, newest last, at most 50. */
    cycles: z.array(
      z.object({ cycle: count, git_commit: z.string(), count, state_before: findingStateSchema.nullable() }),
    ),
    /** Failing seeds, newest last, at most 20; empty for workloads without seeds. */
    seeds: z.array(seedSchema),
    message: z.string(),
    /** One line that shows it again. */
    repro: z.string(),
    /** Bucket key of an archived failure. */
    failure_key: z.string(),
  })
  .meta({ id: "Finding", description: "A bug with its history" });
export type Finding = z.infer<typeof findingSchema>;

export const registrySchema = z
  .object({ version: z.literal(1), updated_at: instant, findings: z.record(z.string(), findingSchema) })
  .meta({ id: "Registry", description: "signatures/known-failures.json: all findings by signature" });
export type Registry = z.infer<typeof registrySchema>;
