/** What the history says of the newest benchmark run: noise, changes with their commits, levels promoted. */
import { z } from "zod";
import { count, instant } from "./parts.ts";
import { verdictSchema } from "./verdict.ts";

const positive = z.number().positive();

/** One benchmark over the runs of its machine that count. */
export const benchmarkSeriesSchema = z.object({
  benchmark: z.string(),
  runs: count,
  /** Left out, because the machine was not quiet. */
  loud_runs: count,
  /** The newest level and its noise; null with too few runs. */
  noise: z
    .object({
      level_ns: positive,
      /** From run to run, relative: 0.01 is 1 %. */
      relative_deviation: z.number().nonnegative(),
      /** The smallest change, as a share, that would have been seen. */
      smallest_detectable: z.number().nonnegative(),
    })
    .nullable(),
});

export const benchmarkChangeSchema = z.object({
  /** `(all benchmarks)` for what all of them have in common. */
  benchmark: z.string(),
  /** `drift`: slower than the accepted level, without a single clear step. */
  kind: z.enum(["regression", "improvement", "drift"]),
  /** Neither undone nor accepted. */
  open: z.boolean(),
  /** Time after over time before: 1.1 is 10 % slower. */
  ratio: positive,
  /** Of the ratio; null for a drift. */
  interval: z.object({ lower: positive, upper: positive, confidence: positive }).nullable(),
  p: z.number().min(0).max(1),
  /** It came after the first of these commits and up to the second. */
  after_commit: z.string(),
  up_to_commit: z.string(),
  /** Start of the first run after it; of the newest run for a drift. */
  first_run_at: instant,
  /** All of it in one line for people. */
  text: z.string(),
});

export const benchmarkComparisonSchema = z.object({
  /** `passed`: a change of each benchmark's `smallest_detectable` would have been seen. */
  verdict: verdictSchema,
  reason: z.string().nullable(),
  /** Runs that a series needs before anything is said of it. */
  runs_needed: z.int().positive(),
  /** `no`: this run does not count. */
  quiet: z.enum(["yes", "no", "unknown"]),
  quiet_reason: z.string().nullable(),
  series: z.array(benchmarkSeriesSchema),
  /** Those that are open, and those of the last eight runs. */
  changes: z.array(benchmarkChangeSchema),
  /** Levels that became the accepted ones by rule. */
  promoted: z.array(z.object({ benchmark: z.string(), level_ns: positive, reason: z.string() })),
});

export type BenchmarkSeries = z.infer<typeof benchmarkSeriesSchema>;
export type BenchmarkChange = z.infer<typeof benchmarkChangeSchema>;
export type BenchmarkComparison = z.infer<typeof benchmarkComparisonSchema>;
