/** The raw output behind an inconclusive verdict: `cycles/NNNNNN/evidence/…`. */
import { z } from "zod";
import { batchSchema } from "./checkpoint.ts";
import { milliseconds } from "./parts.ts";

export const evidenceSchema = z
  .object({
    batch: batchSchema,
    command: z.array(z.string()),
    reason: z.string().nullable(),
    /** How the process ended: exited, killed, deadline, stalled, flooded, rejected, not-started. */
    ending: z.string(),
    exit_code: z.int().nullable(),
    signal: z.string().nullable(),
    description: z.string(),
    duration_ms: milliseconds,
    /** Head and tail, at most 128 KiB each. */
    stdout: z.string(),
    stderr: z.string(),
  })
  .meta({ id: "Evidence", description: "Raw output of a batch without a verdict" });

export type Evidence = z.infer<typeof evidenceSchema>;
