/** What a proof tool (TLC, Alloy, Coq, Ivy, TLAPS, Kani) showed about one of its subjects. */
import { z } from "zod";
import { count, seconds } from "./parts.ts";
import { verdictSchema } from "./verdict.ts";

/** One thing that does not hold. */
export const proofFindingSchema = z.object({
  /** The invariant, check, lemma or harness by its own name: it goes into the signature. */
  property: z.string(),
  message: z.string(),
  /** As the tool named it, relative to where it ran; null when it named none. */
  file: z.string().nullable(),
  line: count.nullable(),
  /** The counterexample, one entry per state or per line; empty when the tool gives none. */
  trace: z.array(z.string()),
});
export type ProofFinding = z.infer<typeof proofFindingSchema>;

/** Part of the result of the phase; no object of its own in the store. */
export const proofResultSchema = z.object({
  tool: z.enum(["tlc", "alloy", "coq", "ivy", "tlaps", "kani"]),
  /** What was checked: a specification, a list of files, a workspace. */
  subject: z.string(),
  verdict: verdictSchema,
  reason: z.string().nullable(),
  /** Program and arguments. */
  command: z.array(z.string()),
  duration_seconds: seconds,
  /** The evidence, counted from what the tool printed: `distinct_states`, `obligations`, `checks`, … */
  counted: z.record(z.string(), count),
  /** What bounds the result, in words: a small model, a loop bound, proofs that were left out. */
  scope: z.string().nullable(),
  findings: z.array(proofFindingSchema),
});
export type ProofResult = z.infer<typeof proofResultSchema>;
