/**
 * The history of benchmark runs, and the levels that were accepted.
 *
 * `benchmarks/YYYY-MM-DD.json` holds all runs of a day: a second run is added, it never replaces the first.
 * `benchmarks/baseline.json` holds one level per series, which is a benchmark on one kind of machine. Numbers of
 * different machine types or CPUs are never compared.
 */
import { z } from "zod";
import { count, instant } from "./parts.ts";

/** Runs kept in the file of one day. */
export const MAX_RUNS_PER_DAY = 100;
/** Benchmarks in one run. */
export const MAX_MEASUREMENTS = 2000;

const positive = z.number().positive();

export const BENCHMARK_TOOLS = ["criterion", "tinybench"] as const;

/** A value and its confidence interval, nanoseconds per iteration. */
export const estimateSchema = z.object({
  ns: positive,
  lower_ns: z.number().nonnegative(),
  upper_ns: positive,
  confidence: z.number().gt(0).max(1),
});

/** As an estimate; the interval is null where the tool gives none. */
const medianSchema = z.object({
  ns: positive,
  lower_ns: z.number().nonnegative().nullable(),
  upper_ns: positive.nullable(),
  confidence: z.number().gt(0).max(1).nullable(),
});

export const benchmarkMachineSchema = z.object({
  /** The cloud's name of it (`c7g.xlarge`); elsewhere the CPU's. Never made up. */
  machine_type: z.string().min(1),
  cpu: z.string().min(1),
  architecture: z.string().min(1),
  cores: z.int().positive(),
});

/** What else ran while it was measured. Null: the system does not say, which is not the same as quiet. */
export const quietnessSchema = z.object({
  /** Load average over one minute before the run. Null also when it may be the load of our own phases before. */
  load_average_before: z.number().nonnegative().nullable(),
  /** Share (0 to 1) of CPU time that was busy in a moment before the run in which nothing of ours ran. */
  busy_share_before: z.number().min(0).max(1).nullable(),
  /** Share (0 to 1) of CPU time that the hypervisor gave to others, over the run. */
  steal_share: z.number().min(0).max(1).nullable(),
});

export const measurementSchema = z.object({
  /** Criterion's full id: GROUP[/FUNCTION][/PARAMETER]; with tinybench the name of the task. */
  benchmark: z.string().min(1),
  /** Of Criterion; tinybench has none and says its own name. */
  suite: z.string().min(1),
  median: medianSchema,
  mean: estimateSchema,
  /** Null with flat sampling, for which Criterion fits no slope, and with tinybench, which never does. */
  slope: estimateSchema.nullable(),
  /** Of the samples; null where the tool does not say. */
  deviation_ns: z.number().nonnegative().nullable(),
  samples: z.int().positive(),
  iterations: z.number().positive(),
  /** Work of one iteration, where the benchmark declares it. */
  throughput: z.object({ unit: z.string().min(1), per_iteration: positive }).nullable(),
});

export const benchmarkProblemSchema = z.object({
  /** A benchmark's id, a folder where the id could not be read, or a suite that failed as a whole. */
  benchmark: z.string(),
  suite: z.string(),
  reason: z.string().min(1),
});

export const benchmarkRunSchema = z
  .object({
    version: z.literal(1),
    tool: z.enum(BENCHMARK_TOOLS),
    cycle: count,
    git_commit: z.string().min(1),
    started_at: instant,
    ended_at: instant,
    machine: benchmarkMachineSchema,
    /** As `rustc --version` says it, or the version of Node.js; null when it could not be asked. */
    compiler: z.string().nullable(),
    quietness: quietnessSchema,
    measurements: z.array(measurementSchema).max(MAX_MEASUREMENTS),
    /** What was expected and not measured, or could not be read. */
    problems: z.array(benchmarkProblemSchema).max(MAX_MEASUREMENTS),
  })
  .meta({ id: "BenchmarkRun", description: "One run of all benchmarks of a profile" });

export const benchmarkHistorySchema = z
  .object({
    version: z.literal(1),
    /** `YYYY-MM-DD`, UTC. */
    date: z.string().regex(/^\d{4}-\d{2}-\d{2}$/),
    runs: z.array(benchmarkRunSchema).min(1).max(MAX_RUNS_PER_DAY),
  })
  .meta({ id: "BenchmarkHistory", description: "benchmarks/YYYY-MM-DD.json: all runs of a day" });

export const baselineLevelSchema = z.object({
  benchmark: z.string().min(1),
  machine_type: z.string().min(1),
  cpu: z.string().min(1),
  /** Median of the runs it rests on. */
  level_ns: positive,
  /** Relative noise between runs: 0.01 is 1 %. */
  noise: z.number().nonnegative(),
  runs: z.int().positive(),
  /** The first and the last of these runs. */
  first_run_at: instant,
  last_run_at: instant,
  /** Commit of the last of these runs. */
  git_commit: z.string().min(1),
  promoted_at: instant,
  /** `person`: by `kimtest bench-baseline`, which accepts a level whatever the rule says. */
  promoted_by: z.enum(["rule", "person"]),
});

export const baselineSchema = z
  .object({ version: z.literal(1), updated_at: instant, levels: z.array(baselineLevelSchema) })
  .meta({ id: "BenchmarkBaseline", description: "benchmarks/baseline.json" });

export type BenchmarkTool = (typeof BENCHMARK_TOOLS)[number];
export type Estimate = z.infer<typeof estimateSchema>;
export type BenchmarkMachine = z.infer<typeof benchmarkMachineSchema>;
export type Quietness = z.infer<typeof quietnessSchema>;
export type Measurement = z.infer<typeof measurementSchema>;
export type BenchmarkProblem = z.infer<typeof benchmarkProblemSchema>;
export type BenchmarkRun = z.infer<typeof benchmarkRunSchema>;
export type BenchmarkHistory = z.infer<typeof benchmarkHistorySchema>;
export type BaselineLevel = z.infer<typeof baselineLevelSchema>;
export type Baseline = z.infer<typeof baselineSchema>;
