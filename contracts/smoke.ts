/** What `kimtest test-infra-smoke` found: whether every program of a profile does its work on this machine. */
import { z } from "zod";
import { count, instant, seconds, workloadSchema } from "./parts.ts";
import { verdictSchema } from "./verdict.ts";

export const smokePartSchema = z.union([z.literal("prepare"), workloadSchema]);
export type SmokePart = z.infer<typeof smokePartSchema>;

const smokeCheckSchema = z.object({
  part: smokePartSchema,
  /** Of a scenario, a target, a suite, a check of the profile, or what else was looked at. */
  name: z.string(),
  verdict: verdictSchema,
  /** What was seen; of a check that did not pass, why. */
  what: z.string(),
  seconds,
  /** What to type or do next; null when it passed. */
  hint: z.string().nullable(),
});
export type SmokeCheck = z.infer<typeof smokeCheckSchema>;

export const smokeReportSchema = z
  .object({
    profile: z.string(),
    /** null: nothing could be prepared. */
    git_commit: z.string().nullable(),
    architecture: z.string(),
    started_at: instant,
    elapsed_seconds: seconds,
    /** The worst of all checks. */
    verdict: verdictSchema,
    passed: count,
    failed: count,
    inconclusive: count,
    /** In the order in which they ended. */
    checks: z.array(smokeCheckSchema),
    /** What no check fails by, and somebody should know. */
    warnings: z.array(z.string()),
    /** State, logs and what was built, with --keep; null: removed. */
    kept: z.string().nullable(),
  })
  .meta({ id: "SmokeReport", description: "test-infra-smoke --json: what of a profile works on this machine" });
export type SmokeReport = z.infer<typeof smokeReportSchema>;
