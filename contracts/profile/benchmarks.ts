/** What is measured. */
import { z } from "zod";
import { command, positive } from "./parts.ts";

const tinybench = z.strictObject({ tool: z.literal("tinybench"), command });

const criterion = z.strictObject({
  tool: z.literal("criterion"),
  /** `cargo`, or `cargo +TOOLCHAIN`. */
  cargo: command,
  package: z.string().min(1),
  /** Per suite (`--bench SUITE`) the benchmarks or groups that it must measure. */
  suites: z.record(z.string().regex(/^[A-Za-z0-9_][A-Za-z0-9_-]{0,99}$/), z.array(z.string().min(1)).min(1)),
  /** For the suites themselves, behind the dashes. */
  arguments: z.array(z.string()),
  suite_deadline_seconds: positive,
  /** The canary: by so much (0.1 is 10 %) the newest runs are slowed in a copy of the history; it must be noticed. */
  planted_slowdown: z.number().positive().max(1),
});

export const benchmarksProfileSchema = z.discriminatedUnion("tool", [tinybench, criterion]);

export type BenchmarksProfile = z.infer<typeof benchmarksProfileSchema>;
export type TinybenchProfile = z.infer<typeof tinybench>;
export type CriterionProfile = z.infer<typeof criterion>;
