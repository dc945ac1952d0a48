/**
 * A batch: seed after seed, one line each, until all are done or somebody says stop.
 *
 * Output is collected and written in chunks (a system call per seed would cost more than many seeds), but
 * never held back for long, so that a reader can tell a slow run from a hung one. A stopped batch prints
 * no `batch_complete`: its absence is how a reader knows.
 */
import { join } from "node:path";
import {
  coverageChecks,
  coverageChecksText,
  coverageValidationText,
  validateCoverage,
} from "../contracts/coverage-thresholds.ts";
import { DETERMINISM } from "../contracts/determinism.ts";
import { EXIT, KimtestError, reasonOf } from "../contracts/errors.ts";
import { MAX_U64 } from "../contracts/u64.ts";
import type { CoverageValidation } from "../contracts/vopr.ts";
import type { RunOptions } from "./arguments.ts";
import { advance, emptyCheckpoint, loadCheckpoint, saveCheckpoint, type Checkpoint } from "./checkpoint.ts";
import { bundleName, bundleOf, encodeBundle } from "./bundle.ts";
import { Coverage } from "./coverage.ts";
import { Recorder } from "./decisions/recorder.ts";
import { runTwice, type Simulate } from "./determinism.ts";
import {
  batchCompleteRecord,
  coverageFailuresRecord,
  iterationRecord,
  startRecord,
  timestampOf,
  type BatchTotals,
} from "./records.ts";
import { diagnose, diagnosisText } from "./diagnosis.ts";
import { SeedCounter } from "./seed.ts";
import { Trace } from "./trace.ts";
import { TraceFile, type TraceFileDeps } from "./trace-file.ts";
import type { StopRequested } from "./signals.ts";
import type { SimulationResult } from "./simulation/options.ts";

const FLUSH_EVERY_MS = 250;
const MAX_CHUNK_CHARACTERS = 64 * 1024;
const CHECKPOINT_EVERY_MS = 5_000;

/** Everything a batch needs from outside. */
export interface BatchDeps extends TraceFileDeps {
  readonly simulate: Simulate;
  /** The commit of this simulator, or `unknown`. */
  readonly commit: string;
  /** Writes to standard output; settles when more may be written. */
  readonly write: (text: string) => Promise<void>;
  /** Lets signals and errors in. */
  readonly breathe: () => Promise<void>;
  /** The exit code to stop with, once a signal has come. */
  readonly stopRequested: StopRequested;
  readonly now: () => Date;
  /** Milliseconds that only grow. */
  readonly monotonicMs: () => number;
}

/** Runs the batch and returns the exit code. */
export async function runBatch(options: RunOptions, deps: BatchDeps): Promise<number> {
  const { traceFile, traceFormat } = options;
  if (traceFile === null) return await runSeeds(options, deps, null);
  const file = new TraceFile(traceFile, traceFormat, options.traceMaxMebibytes, deps);
  await file.open();
  try {
    return await runSeeds(options, deps, file);
  } finally {
    await file.close();
  }
}

async function runSeeds(options: RunOptions, deps: BatchDeps, traces: TraceFile | null): Promise<number> {
  const loaded = options.checkpointFile === null ? undefined : loadCheckpoint(options.checkpointFile);
  const startingSeed = startingSeedOf(options, loaded);
  const output = new Output(options, deps);
  const startedMs = deps.monotonicMs();
  const coverage = new Coverage();
  const seed = new SeedCounter(startingSeed);
  const failedSeeds: bigint[] = [];
  const bundles = new BundleCount(options);
  const progress = new Progress(options.checkpointFile, loaded ?? emptyCheckpoint(), startingSeed, deps);
  await output.flush(output.start(startingSeed, loaded !== undefined));

  for (let done = 0; done < options.iterations; done++) {
    let result: SimulationResult;
    try {
      result = runSeed(seed, options, deps, coverage);
    } catch (error) {
      // The simulator itself is broken: what is known of earlier seeds still goes out.
      await output.flush("");
      throw brokenBy(seed, error);
    }
    const failed = result.failure !== null;
    if (failed) failedSeeds.push(seed.value);
    const isTraced = wantsTrace(options, failed);
    const isOfUse = traces?.isFull !== true || (failed && options.verbose);
    const trace = isTraced && isOfUse ? traceOf(seed, options, deps) : null;
    output.iteration(seed, result, trace);
    // Before the seed's line goes out: whoever reads the line finds the bundle.
    if (result.failure !== null && options.bundleFolder !== null && bundles.take(result.failure.invariant)) {
      try {
        await writeBundle(seed, result, options.bundleFolder, options, deps);
      } catch (error) {
        await output.flush(""); // the failure itself is known, whatever becomes of its bundle
        throw unwritable(options.bundleFolder, error);
      }
    }
    if (isTraced) await traces?.add(seed.value, trace);
    seed.next();
    if (!output.isDue()) continue;
    await output.flush("");
    progress.saveIfDue(done + 1, failedSeeds);
    const exitCode = deps.stopRequested();
    if (exitCode === undefined) continue;
    progress.save(done + 1, failedSeeds);
    return exitCode;
  }
  const failures = failedSeeds.length;
  const elapsedSeconds = (deps.monotonicMs() - startedMs) / 1000;
  const bundled = options.bundleFolder === null ? null : bundles.taken;
  const totals = {
    successes: options.iterations - failures,
    failures,
    elapsedSeconds,
    failedSeeds,
    bundles: bundled,
    traces,
  };
  // Failures are with the reader before the checkpoint moves past them.
  await output.flush("");
  progress.save(options.iterations, failedSeeds);
  const { thresholds } = options;
  const validation = thresholds === null ? null : validateCoverage(coverage.thresholdReport(), thresholds);
  await output.flush(output.end(totals, coverage, validation));
  if (failures > 0) return EXIT.failuresFound;
  return validation?.passed === false ? EXIT.thresholdNotMet : EXIT.ok;
}

/** How many bundles were written, and whether one more may be. */
class BundleCount {
  private readonly limits: Pick<RunOptions, "maxBundles" | "maxBundlesPerInvariant">;
  private readonly byInvariant = new Map<string, number>();
  taken = 0;

  constructor(limits: Pick<RunOptions, "maxBundles" | "maxBundlesPerInvariant">) {
    this.limits = limits;
  }

  take(invariant: string): boolean {
    const ofIts = this.byInvariant.get(invariant) ?? 0;
    if (this.taken >= this.limits.maxBundles || ofIts >= this.limits.maxBundlesPerInvariant) return false;
    this.taken += 1;
    this.byInvariant.set(invariant, ofIts + 1);
    return true;
  }
}

/** A trace costs a second run: for a failure that is explained, or for a file. */
function wantsTrace(options: RunOptions, failed: boolean): boolean {
  if (options.traceEverything) return true;
  return failed && options.traceOnFailure && (options.traceFile !== null || options.verbose);
}

function traceOf(seed: SeedCounter, options: RunOptions, deps: BatchDeps): Trace {
  const trace = new Trace(options.traceFilter, options.traceEvents);
  deps.simulate(seed.low, seed.high, options.simulation, new Coverage(), { trace });
  return trace;
}

/** The seed runs again, with a whole trace and a log of its decisions. */
async function writeBundle(
  seed: SeedCounter,
  result: SimulationResult,
  folder: string,
  options: RunOptions,
  deps: BatchDeps,
): Promise<void> {
  const trace = new Trace();
  const decisions = new Recorder();
  deps.simulate(seed.low, seed.high, options.simulation, new Coverage(), { trace, decisions });
  const scenario = options.scenarioName ?? "default";
  const origin = { seed: seed.value, scenario, commit: deps.commit, flags: options.reproFlags };
  const log = result.failure?.invariant === DETERMINISM ? null : decisions.log;
  const bundle = bundleOf(origin, result, trace, log);
  await deps.writeFile(join(folder, bundleName(bundle)), encodeBundle(bundle));
}

function unwritable(folder: string, error: unknown): KimtestError {
  return new KimtestError("BAD_INPUT", `no bundle can be written into ${folder}: ${reasonOf(error)}`, {
    hint: "name a folder that is writable and has room with --bundle-out",
    cause: error,
  });
}

function brokenBy(seed: SeedCounter, error: unknown): Error {
  return new Error(`seed ${seed.toString()}: ${error instanceof Error ? error.message : String(error)}`, {
    cause: error,
  });
}

function startingSeedOf(options: RunOptions, loaded: Checkpoint | undefined): bigint {
  const behind = loaded === undefined || loaded.lastSeed === null ? 0n : loaded.lastSeed + 1n;
  const startingSeed = options.seed ?? behind;
  if (startingSeed + BigInt(options.iterations) - 1n > MAX_U64) {
    throw new KimtestError("USAGE", `${options.iterations} seeds from ${startingSeed} on do not fit into 64 bits`, {
      hint: "give a smaller --seed",
    });
  }
  return startingSeed;
}

function runSeed(
  { low, high }: SeedCounter,
  options: RunOptions,
  deps: BatchDeps,
  coverage: Coverage,
): SimulationResult {
  const { simulation, checkDeterminism } = options;
  if (checkDeterminism) return runTwice(deps.simulate, low, high, simulation, coverage);
  return deps.simulate(low, high, simulation, coverage);
}

/** What the checkpoint file says while the batch goes on. */
class Progress {
  private readonly path: string | null;
  private readonly before: Checkpoint;
  private readonly startingSeed: bigint;
  private readonly deps: BatchDeps;
  private savedMs: number;

  constructor(path: string | null, before: Checkpoint, startingSeed: bigint, deps: BatchDeps) {
    this.path = path;
    this.before = before;
    this.startingSeed = startingSeed;
    this.deps = deps;
    this.savedMs = deps.monotonicMs();
  }

  saveIfDue(done: number, failedSeeds: readonly bigint[]): void {
    if (this.deps.monotonicMs() - this.savedMs >= CHECKPOINT_EVERY_MS) this.save(done, failedSeeds);
  }

  save(done: number, failedSeeds: readonly bigint[]): void {
    if (this.path === null) return;
    const lastSeed = this.startingSeed + BigInt(done) - 1n;
    saveCheckpoint(this.path, advance(this.before, lastSeed, done, failedSeeds), this.deps.now());
    this.savedMs = this.deps.monotonicMs();
  }
}

/** What is printed, for machines or for people. */
class Output {
  private readonly options: RunOptions;
  private readonly deps: BatchDeps;
  private readonly scenario: string;
  private chunk = "";
  private flushedMs: number;

  constructor(options: RunOptions, deps: BatchDeps) {
    this.options = options;
    this.deps = deps;
    this.scenario = options.scenarioName ?? "default";
    this.flushedMs = deps.monotonicMs();
  }

  start(startingSeed: bigint, checkpointLoaded: boolean): string {
    const { options } = this;
    if (options.json) return startRecord(options, startingSeed, checkpointLoaded, timestampOf(this.deps.now()));
    const canary = options.canaryName === null ? "" : `, canary ${options.canaryName}`;
    const resumed = checkpointLoaded ? " (behind the checkpoint)" : "";
    const last = startingSeed + BigInt(options.iterations) - 1n;
    return `vopr: scenario ${this.scenario}${canary}, seeds ${startingSeed} to ${last}${resumed}\n`;
  }

  iteration({ value }: SeedCounter, result: SimulationResult, trace: Trace | null): void {
    const { options } = this;
    const seed = value.toString();
    const explained = result.failure !== null && options.verbose && options.diagnosis;
    const diagnosis = explained ? diagnose(value, result, trace ?? new Trace(), options.reproFlags) : null;
    if (options.json) {
      this.chunk += iterationRecord(seed, result, this.scenario, timestampOf(this.deps.now()), diagnosis);
    } else if (result.failure !== null) {
      this.chunk += `seed ${seed} FAILED: ${result.failure.invariant}\n`;
      if (diagnosis !== null) this.chunk += diagnosisText(diagnosis);
    } else if (options.verbose) {
      this.chunk += `seed ${seed} ok: ${result.events} events, ${result.simulatedTimeUs / 1000} ms simulated\n`;
    }
  }

  end(totals: BatchTotals, coverage: Coverage, validation: CoverageValidation | null): string {
    if (this.options.json) {
      const timestamp = timestampOf(this.deps.now());
      const lacking = validation === null ? "" : coverageFailuresRecord(validation, timestamp);
      return lacking + batchCompleteRecord(totals, coverage, validation, timestamp);
    }
    const { successes, failures, elapsedSeconds, failedSeeds, bundles, traces } = totals;
    const rate = Math.round((successes + failures) / Math.max(elapsedSeconds, 0.001));
    const lines = [
      `${successes + failures} seeds, ${failures} failed, ${elapsedSeconds.toFixed(1)} s, ${rate} seeds/s`,
    ];
    if (failures > 0) {
      const shown = failedSeeds.slice(0, 10).join(", ");
      lines.push(`failed: ${shown}${failures > 10 ? `, and ${failures - 10} more` : ""}`);
      if (!this.options.verbose) lines.push(`details: the same command with --seed ${failedSeeds[0]!} -n 1 -v`);
    }
    if (traces !== null && traces.leftOut > 0) {
      lines.push(`traces: ${traces.written} of ${traces.written + traces.leftOut} seeds, the file is full`);
    }
    if (bundles !== null && failures > 0) lines.push(`bundles: ${bundles} of ${failures} failures`);
    return `${lines.join("\n")}\n${this.coverageText(coverage, validation)}`;
  }

  private coverageText(coverage: Coverage, validation: CoverageValidation | null): string {
    const { thresholds } = this.options;
    if (thresholds === null || validation === null) return "";
    const checks = coverageChecks(coverage.thresholdReport(), thresholds);
    return `\n${coverageChecksText(checks)}\n${coverageValidationText(validation)}`;
  }

  isDue(): boolean {
    return this.chunk.length >= MAX_CHUNK_CHARACTERS || this.deps.monotonicMs() - this.flushedMs >= FLUSH_EVERY_MS;
  }

  /** Writes what was collected, and `more`. */
  async flush(more: string): Promise<void> {
    const text = this.chunk + more;
    this.chunk = "";
    if (text.length > 0) await this.deps.write(text);
    await this.deps.breathe();
    this.flushedMs = this.deps.monotonicMs();
  }
}
