/**
 * The adapter for Criterion: reads what a run of a suite left in `target/criterion` and judges it.
 *
 * Criterion exits 0 whatever it measured, its folder keeps the results of every earlier run, and the first
 * infrastructure stored "passed" without a single number. So a benchmark counts as measured only when all three of
 * its files were written after the run began and agree with each other; what was expected and is not there is
 * named. Criterion's own comparison with the run before (`change/`) is not read: one run is no baseline.
 */
import { readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import type { BenchmarkProblem, Estimate, Measurement } from "../../contracts/benchmark-history.ts";
import { KimtestError, reasonOf } from "../../contracts/errors.ts";
import type { CriterionProfile } from "../../contracts/profile/benchmarks.ts";
import { inconclusive, PASSED, type Judgement } from "../../contracts/verdict.ts";
import type { ProgramEnd } from "../platform/program-run.ts";
import { decodeJson } from "../store/read-json.ts";
import { criterionFolders, CRITERION_FILES, type CriterionFile, type CriterionFolder } from "./criterion-files.ts";
import { benchmarkFileSchema, estimatesSchema, sampleSchema, type CriterionEstimate } from "./criterion-schema.ts";

/** Program and arguments of one suite. Where it writes is said by CRITERION_HOME. */
export function criterionCommand(profile: CriterionProfile, suite: string): string[] {
  return [...profile.cargo, "bench", "-p", profile.package, "--bench", suite, "--", "--noplot", ...profile.arguments];
}

/** Files are stamped with a clock that ticks coarser than the one that gives a run's start. */
const CLOCK_TICK_MS = 20;
const MAX_FILE_BYTES = 4 * 1024 * 1024;
/** Rounding in Criterion's own sums, relative; different runs differ by far more. */
const SAME_RUN = 1e-6;

export interface CriterionOptions {
  /** `target/criterion`, or where CRITERION_HOME points. */
  readonly folder: string;
  readonly suite: string;
  /** When the suite was started, Unix milliseconds. What is older is of another run. */
  readonly startedMs: number;
  /** Ids (`hash/fnv/64`) or groups (`hash`) that must have been measured. */
  readonly expected: readonly string[];
}

export interface CriterionResults {
  /** Measured in this run, by id. */
  readonly measurements: readonly Measurement[];
  /** Expected and not measured, or not readable. */
  readonly problems: readonly BenchmarkProblem[];
  /** Benchmarks whose files are all of earlier runs: other suites, or removed. */
  readonly stale: readonly string[];
}

/** @throws KimtestError `LIMIT_EXCEEDED` for a tree that cannot be Criterion's, and system errors other than missing files. */
export async function readCriterion(options: CriterionOptions): Promise<CriterionResults> {
  const { folder, suite, startedMs, expected } = options;
  const folders = await criterionFolders(folder);
  const measurements = new Map<string, Measurement>();
  const problems: BenchmarkProblem[] = [];
  const stale: string[] = [];
  const problem = (benchmark: string, reason: string): void => void problems.push({ benchmark, suite, reason });

  for (const found of folders ?? []) {
    const age = ageOf(found, startedMs);
    if (age === "stale") {
      stale.push(await idOrName(found));
      continue;
    }
    if (age !== "fresh") {
      problem(await idOrName(found), age.problem);
      continue;
    }
    try {
      const measurement = await readMeasurement(found, suite);
      if (measurements.has(measurement.benchmark)) problem(measurement.benchmark, "measured twice under one id");
      measurements.set(measurement.benchmark, measurement);
    } catch (error) {
      problem(await idOrName(found), reasonOf(error));
    }
  }

  const accountedFor = [...measurements.keys(), ...problems.map(({ benchmark }) => benchmark)];
  for (const wanted of expected) {
    if (accountedFor.some((id) => belongsTo(id, wanted))) continue;
    if (folders === undefined) problem(wanted, `not measured: there is no folder ${folder}`);
    else if (stale.some((id) => belongsTo(id, wanted)))
      problem(wanted, "not measured in this run, only in an earlier one");
    else problem(wanted, "not measured");
  }
  return { measurements: [...measurements.values()], problems, stale };
}

/** Passed: the suite ended well, something was measured, and nothing is missing or damaged. */
export function judgeCriterion(
  { measurements, problems }: CriterionResults,
  suite: string,
  end: ProgramEnd,
): Judgement {
  if (end.ending !== "exited" || end.exitCode !== 0) return inconclusive(`${suite}: ${end.description}`);
  if (problems.length > 0)
    return inconclusive(problems.map(({ benchmark, reason }) => `${benchmark}: ${reason}`).join("; "));
  if (measurements.length === 0) return inconclusive(`${suite}: no benchmark was measured`);
  return PASSED;
}

const belongsTo = (id: string, wanted: string): boolean => id === wanted || id.startsWith(`${wanted}/`);

/** A run that was cut between two files leaves some of each. */
function ageOf({ modifiedMs }: CriterionFolder, startedMs: number): "fresh" | "stale" | { problem: string } {
  const fresh = CRITERION_FILES.filter((name) => (modifiedMs.get(name) ?? 0) >= startedMs - CLOCK_TICK_MS);
  if (fresh.length === 0) return "stale";
  const missing = CRITERION_FILES.filter((name) => !modifiedMs.has(name));
  if (missing.length > 0) return { problem: `${missing.join(" and ")} missing` };
  const old = CRITERION_FILES.filter((name) => !fresh.includes(name));
  return old.length === 0 ? "fresh" : { problem: `${old.join(" and ")} of an earlier run: this run was cut` };
}

/** For naming something that is damaged: its id where that can be read, else its folder. */
async function idOrName(found: CriterionFolder): Promise<string> {
  if (!found.modifiedMs.has("benchmark.json")) return found.name;
  try {
    return (await readJsonFile(found, "benchmark.json", benchmarkFileSchema)).full_id;
  } catch (error) {
    // The damage is reported with the folder's name by whoever reads the file for its content.
    if (error instanceof KimtestError) return found.name;
    throw error;
  }
}

async function readMeasurement(found: CriterionFolder, suite: string): Promise<Measurement> {
  const benchmark = await readJsonFile(found, "benchmark.json", benchmarkFileSchema);
  const estimates = await readJsonFile(found, "estimates.json", estimatesSchema);
  const { iters, times } = await readJsonFile(found, "sample.json", sampleSchema);
  if (iters.length === 0) throw damaged("sample.json has no samples");
  if (iters.length !== times.length) throw damaged(`sample.json has ${times.length} times for ${iters.length} samples`);
  if (!iters.every((count) => count > 0)) throw damaged("sample.json has a sample without iterations");
  const { ns } = estimateOf(estimates.mean, "mean");
  const sampled = times.reduce((sum, time, index) => sum + time / iters[index]!, 0) / times.length;
  if (!(Math.abs(sampled / ns - 1) <= SAME_RUN))
    throw damaged(`the mean of estimates.json is ${ns} ns, that of sample.json ${sampled} ns: not of one run`);
  if (!(estimates.std_dev.point_estimate >= 0)) throw damaged("the standard deviation is below zero");
  return {
    benchmark: benchmark.full_id,
    suite,
    median: estimateOf(estimates.median, "median"),
    mean: estimateOf(estimates.mean, "mean"),
    slope: estimates.slope === null ? null : estimateOf(estimates.slope, "slope"),
    deviation_ns: estimates.std_dev.point_estimate,
    samples: iters.length,
    iterations: iters.reduce((sum, count) => sum + count, 0),
    throughput: throughputOf(benchmark.throughput),
  };
}

function estimateOf(estimate: CriterionEstimate, name: string): Estimate {
  const { point_estimate: ns, confidence_interval: interval } = estimate;
  if (!(ns > 0)) throw damaged(`the ${name} is ${ns} ns: the compiler may have removed the work`);
  if (!(interval.lower_bound <= ns && ns <= interval.upper_bound))
    throw damaged(`the ${name} of ${ns} ns lies outside its own interval`);
  return {
    ns,
    lower_ns: Math.max(0, interval.lower_bound),
    upper_ns: interval.upper_bound,
    confidence: interval.confidence_level,
  };
}

/** Criterion's `ElementsAndBytes` holds two numbers and has no one amount. */
function throughputOf(throughput: Record<string, unknown> | null): Measurement["throughput"] {
  const [unit, amount] = Object.entries(throughput ?? {})[0] ?? [];
  return unit === undefined || typeof amount !== "number" || !(amount > 0) ? null : { unit, per_iteration: amount };
}

async function readJsonFile<T>(
  { path }: CriterionFolder,
  name: CriterionFile,
  schema: Parameters<typeof decodeJson<T>>[2],
): Promise<T> {
  const file = join(path, name);
  const { size } = await stat(file);
  if (size > MAX_FILE_BYTES) throw damaged(`${name} has ${size} bytes, more than ${MAX_FILE_BYTES}`);
  return decodeJson(await readFile(file, "utf8"), name, schema);
}

const damaged = (message: string): KimtestError =>
  new KimtestError("CORRUPT_DATA", message, {
    hint: "run the suite again; remove its folder in target/criterion first",
  });
