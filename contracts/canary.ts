/** A canary: a planted bug that a workload must find, or its green means nothing. */
import { z } from "zod";
import { count, instant } from "./parts.ts";

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
