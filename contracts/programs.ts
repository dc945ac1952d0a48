/**
 * What the embedded programs print: one JSON object on stdout, and before it lines of progress. The runner
 * reads it against these.
 */
import { z } from "zod";
import { count, seconds } from "./parts.ts";
import { benchmarkSchema } from "./results.ts";
import { seedSchema } from "./seed.ts";

/** A line of its own: what has really been done so far. One that says no more than the line before shows no progress. */
export const programProgressSchema = z
  .strictObject({ progress: z.strictObject({ done: count, of: z.string().min(1) }) })
  .meta({ id: "ProgramProgress", description: "How much a program of a profile has done so far: a line on stdout" });

/** `sim/explore.ts`: bounded exhaustive exploration of the replica state machine. */
export const explorationSchema = z
  .looseObject({
    states: count,
    transitions: count,
    depth: count,
    /** The whole scope was explored: nothing was left in the frontier. */
    complete: z.boolean(),
    violation: z.looseObject({ invariant: z.string(), message: z.string(), trace: z.array(z.string()) }).nullable(),
    scope: z.record(z.string(), z.unknown()),
    elapsed_secs: seconds,
    states_per_sec: z.number().nonnegative(),
  })
  .meta({ id: "Exploration", description: "Output of the exploration program" });
export type Exploration = z.infer<typeof explorationSchema>;

/** `sim/vopr.ts repro BUNDLE --json`. */
export const bundleReproSchema = z
  .object({
    reproduced: z.boolean(),
    seed: seedSchema,
    expected: z.object({ invariant: z.string(), message: z.string() }),
    /** Null when it passed. */
    found: z.object({ invariant: z.string(), message: z.string() }).nullable(),
  })
  .meta({ id: "BundleRepro", description: "Output of the simulator that ran a bundle again" });
export type BundleRepro = z.infer<typeof bundleReproSchema>;

/** `embedded/fuzz.ts`: one target for a while. */
export const fuzzRunSchema = z
  .object({
    target: z.string(),
    executions: count,
    elapsed_secs: seconds,
    /** Shrunk; null when none was found. `seed` and `path` replay it. */
    failure: z
      .object({ message: z.string(), counterexample: z.string(), seed: z.int(), path: z.string(), shrinks: count })
      .nullable(),
  })
  .meta({ id: "FuzzRun", description: "Output of the fuzz program" });
export type FuzzRun = z.infer<typeof fuzzRunSchema>;

/** `embedded/bench.ts`: all benchmarks, and the planted slowdown. */
export const benchRunSchema = z
  .object({
    benchmarks: z.array(benchmarkSchema),
    /** The same work twice, the second time with a planted slowdown that a comparison must show. */
    canary: z.object({
      name: z.string(),
      /** Slowed time over plain time, of pairs measured in turn: median, and its 99 % confidence interval. */
      ratio: z.object({ median: z.number().positive(), lower: z.number().positive(), upper: z.number().positive() }),
      pairs: count,
    }),
  })
  .meta({ id: "BenchRun", description: "Output of the benchmark program" });
export type BenchRun = z.infer<typeof benchRunSchema>;
