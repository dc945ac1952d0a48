/** Small schemas that several contracts share. */
import { z } from "zod";

/** Whole number, zero or more. */
export const count = z.int().nonnegative();
/** Instant, ISO 8601 in UTC. */
export const instant = z.iso.datetime({ offset: true });
export const seconds = z.number().nonnegative();
export const milliseconds = z.number().nonnegative();

/** The five phases that leave a result behind, and the one that reports them; in the order of a cycle. */
export const PHASES = ["prepare", "formal-verification", "benchmarks", "fuzz", "vopr", "digest"] as const;
export const phaseNameSchema = z.enum(PHASES);
export type PhaseName = z.infer<typeof phaseNameSchema>;
/** The phases that test. */
export const workloadSchema = phaseNameSchema.exclude(["prepare", "digest"]);
export const WORKLOADS = workloadSchema.options;
export type Workload = z.infer<typeof workloadSchema>;

/** Where and with what a result was produced. */
export const toolchainSchema = z.object({
  node: z.string(),
  platform: z.string(),
  architecture: z.string(),
  cpu: z.string(),
  cores: count,
  /** What the compilers and tools of the profile say of themselves, once they were asked; null when they did not. */
  versions: z.record(z.string(), z.string().nullable()).optional(),
});
export type Toolchain = z.infer<typeof toolchainSchema>;
