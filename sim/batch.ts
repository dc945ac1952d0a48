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
import { EXIT, KimtestError } from "../contracts/errors.ts";
import { MAX_U64 } from "../contracts/u64.ts";
import type { CoverageValidation } from "../contracts/vopr.ts";
import type { RunOptions } from "./arguments.ts";
import { advance, emptyCheckpoint, loadCheckpoint, saveCheckpoint, type Checkpoint } from "./checkpoint.ts";
import { encodeBundle } from "./bundle.ts";
import { Coverage } from "./coverage.ts";
import { batchCompleteRecord, coverageFailuresRecord, iterationRecord, startRecord, timestampOf } from "./records.ts";
import { diagnose, diagnosisText } from "./diagnosis.ts";
import { SeedCounter } from "./seed.ts";
import { Trace, firstDivergence } from "./trace.ts";
import type { SimulationOptions, SimulationResult } from "./simulation/options.ts";

const FLUSH_EVERY_MS = 250;
const MAX_CHUNK_CHARACTERS = 64 * 1024;
const CHECKPOINT_EVERY_MS = 5_000;
/** Of a trace, so many events from its end go into a bundle. */
const BUNDLED_EVENTS = 1_000;

/** Everything a batch needs from outside. */
export interface BatchDeps {
  readonly simulate: (
    low: number,
    high: number,
    options: SimulationOptions,
    coverage: Coverage,
    trace?: Trace,
  ) => SimulationResult;
  /** Replaces a file. */
  readonly writeFile: (path: string, bytes: Buffer) => Promise<void>;
  /** Adds to the end of a file. */
  readonly appendFile: (path: string, text: string) => Promise<void>;
  /** Writes to standard output; settles when more may be written. */
  readonly write: (text: string) => Promise<void>;
  /** Lets signals and errors in. */
  readonly breathe: () => Promise<void>;
  /** The exit code to stop with, once a signal has come. */
  readonly stopRequested: () => number | undefined;
  readonly now: () => Date;
  /** Milliseconds that only grow. */
  readonly monotonicMs: () => number;
}

/** Runs the batch and returns the exit code. */
export async function runBatch(options: RunOptions, deps: BatchDeps): Promise<number> {
  const loaded = options.checkpointFile === null ? undefined : loadCheckpoint(options.checkpointFile);
  const startingSeed = startingSeedOf(options, loaded);
  const output = new Output(options, deps);
  const startedMs = deps.monotonicMs();
  const coverage = new Coverage();
  const seed = new SeedCounter(startingSeed);
  const failedSeeds: bigint[] = [];
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
    if (result.failure !== null) failedSeeds.push(seed.value);
    const trace = wantsTrace(options, result) ? traceOf(seed, options, deps) : null;
    output.iteration(seed, result, trace);
    if (trace !== null && result.failure !== null && options.bundleFolder !== null) {
      await writeBundle(seed, result.failure, result, trace, options, deps);
    }
    if (trace !== null && options.traceFile !== null)
      await deps.appendFile(options.traceFile, trace.toNdjson(seed.value));
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
  const totals = { successes: options.iterations - failures, failures, elapsedSeconds, failedSeeds };
  // Failures are with the reader before the checkpoint moves past them.
  await output.flush("");
  progress.save(options.iterations, failedSeeds);
  const { thresholds } = options;
  const validation = thresholds === null ? null : validateCoverage(coverage.thresholdReport(), thresholds);
  await output.flush(output.end(totals, coverage, validation));
  if (failures > 0) return EXIT.failuresFound;
  return validation?.passed === false ? EXIT.thresholdNotMet : EXIT.ok;
}

/** A trace costs a second run: for a failure that is explained, or for a file. */
function wantsTrace(options: RunOptions, { failure }: SimulationResult): boolean {
  if (options.traceEverything) return true;
  if (failure !== null && options.bundleFolder !== null) return true;
  return failure !== null && options.traceOnFailure && (options.traceFile !== null || options.verbose);
}

async function writeBundle(
  seed: SeedCounter,
  failure: { readonly invariant: string; readonly message: string },
  result: SimulationResult,
  trace: Trace,
  options: RunOptions,
  deps: BatchDeps,
): Promise<void> {
  const scenario = options.scenarioName ?? "default";
  const bytes = encodeBundle({
    seed: seed.value,
    scenario,
    flags: [...options.reproFlags],
    failure: { invariant: failure.invariant, message: failure.message },
    events: result.events,
    simulated_time_us: result.simulatedTimeUs,
    trace: trace.events.slice(-BUNDLED_EVENTS),
  });
  const name = `${failure.invariant}-${scenario}-${seed.toString()}.kmb`;
  await deps.writeFile(join(options.bundleFolder!, name), bytes);
}

function traceOf(seed: SeedCounter, options: RunOptions, deps: BatchDeps): Trace {
  const trace = new Trace(options.traceFilter);
  deps.simulate(seed.low, seed.high, options.simulation, new Coverage(), trace);
  return trace;
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

function runSeed(seed: SeedCounter, options: RunOptions, deps: BatchDeps, coverage: Coverage): SimulationResult {
  const result = deps.simulate(seed.low, seed.high, options.simulation, coverage);
  if (!options.checkDeterminism) return result;
  const again = deps.simulate(seed.low, seed.high, options.simulation, new Coverage());
  const difference = differenceBetween(result, again);
  if (difference === null) return result;
  coverage.violated.add(DETERMINISM);
  const traces = [new Trace(), new Trace()] as const;
  for (const trace of traces) deps.simulate(seed.low, seed.high, options.simulation, new Coverage(), trace);
  const message = `${difference}; ${firstDivergence(...traces) ?? "their traces are equal"}`;
  return { ...result, failure: { invariant: DETERMINISM, message } };
}

/** What differs between two runs of one seed, or null. */
export function differenceBetween(first: SimulationResult, second: SimulationResult): string | null {
  const pairs: [string, string | number, string | number][] = [
    ["storage_hash", first.storageHash, second.storageHash],
    ["kernel_state_hash", first.kernelStateHash, second.kernelStateHash],
    ["events", first.events, second.events],
    ["simulated_time_us", first.simulatedTimeUs, second.simulatedTimeUs],
    ["failure", JSON.stringify(first.failure), JSON.stringify(second.failure)],
  ];
  const different = pairs.filter(([, one, other]) => one !== other);
  if (different.length === 0) return null;
  return `two runs of this seed differ: ${different.map(([what, one, other]) => `${what} ${one} != ${other}`).join(", ")}`;
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

  end(
    totals: { successes: number; failures: number; elapsedSeconds: number; failedSeeds: bigint[] },
    coverage: Coverage,
    validation: CoverageValidation | null,
  ): string {
    if (this.options.json) {
      const timestamp = timestampOf(this.deps.now());
      const lacking = validation === null ? "" : coverageFailuresRecord(validation, timestamp);
      return lacking + batchCompleteRecord(totals, coverage, validation, timestamp);
    }
    const { successes, failures, elapsedSeconds, failedSeeds } = totals;
    const rate = Math.round((successes + failures) / Math.max(elapsedSeconds, 0.001));
    const lines = [
      `${successes + failures} seeds, ${failures} failed, ${elapsedSeconds.toFixed(1)} s, ${rate} seeds/s`,
    ];
    if (failures > 0) {
      const shown = failedSeeds.slice(0, 10).join(", ");
      lines.push(`failed: ${shown}${failures > 10 ? `, and ${failures - 10} more` : ""}`);
      if (!this.options.verbose) lines.push(`details: the same command with --seed ${failedSeeds[0]!} -n 1 -v`);
    }
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
