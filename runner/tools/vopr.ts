/**
 * The adapter for a `vopr`, whichever it is: start it on a batch, read what it prints, judge it.
 *
 * The first infrastructure took a crashed simulator for a success (its exit code was dropped, its stderr
 * mixed into the records, its seeds counted by what was asked for). Here a batch passes or fails only
 * when the process ended by itself with the code that fits, every line parsed, and the final record
 * agrees with the lines that were counted. Everything else is inconclusive, with the reason.
 */
import type { PlantedCanary } from "../../contracts/canary.ts";
import type { Batch } from "../../contracts/checkpoint.ts";
import { DETERMINISM } from "../../contracts/determinism.ts";
import { parseJson } from "../../contracts/json.ts";
import type { VoprProfile } from "../../contracts/profile/vopr.ts";
import { inconclusive, failed, PASSED, type Judgement } from "../../contracts/verdict.ts";
import { voprRecordSchema, type BatchCompleteData, type VoprRecord } from "../../contracts/vopr.ts";
import { reasonOf } from "../../contracts/errors.ts";
import type { ProgramEnd } from "../platform/program-run.ts";
import { shellQuoted } from "./shell.ts";

/** A panic of a Rust program; ours uses the same code. */
const EXIT_PANIC = 101;
/** Seeds without an iteration line that are remembered; more make the batch inconclusive. */
const MAX_SILENT_SEEDS = 10_000;

export interface SeedRange {
  readonly startingSeed: bigint;
  readonly iterations: number;
}

export const rangeOf = (batch: Batch): SeedRange => ({
  startingSeed: batch.starting_seed,
  iterations: batch.iterations,
});

/** Program and arguments for one batch. */
export function batchCommand(profile: VoprProfile, batch: Batch): string[] {
  const determinism = batch.kind === "determinism" ? profile.determinism.arguments : [];
  return voprCommand(profile, batch.scenario, rangeOf(batch), determinism);
}

/** Program and arguments for the canary's batch. */
export function canaryCommand(profile: VoprProfile, range: SeedRange): string[] {
  const { canary } = profile;
  const program = canary.command === undefined ? profile : { ...profile, command: canary.command };
  return voprCommand(program, canary.scenario, range, canary.arguments);
}

function voprCommand(profile: VoprProfile, scenario: string, range: SeedRange, extra: readonly string[]): string[] {
  return [...profile.command, "--json", ...seedArguments(profile, scenario, range), ...extra];
}

function seedArguments(profile: VoprProfile, scenario: string, range: SeedRange): string[] {
  const seeds = ["--seed", range.startingSeed.toString(), "-n", String(range.iterations)];
  return ["--scenario", scenario, ...seeds, ...profile.arguments];
}

/** Program and arguments that run one seed of a batch again, and the same as a line to paste. */
export function reproCommand(profile: VoprProfile, batch: Batch, seed: bigint): { command: string[]; repro: string } {
  const determinism = batch.kind === "determinism" ? profile.determinism.arguments : [];
  const flags = [...seedArguments(profile, batch.scenario, { startingSeed: seed, iterations: 1 }), ...determinism];
  return bothWays(profile, flags);
}

function bothWays(profile: VoprProfile, flags: readonly string[]): { command: string[]; repro: string } {
  return {
    command: [...profile.command, "--json", ...flags],
    repro: [profile.repro_command, ...flags.map(shellQuoted), "-v"].join(" "),
  };
}

/** Program and arguments that run seeds with a bug planted, and the same as a line to paste. */
export function plantedCommand(
  profile: VoprProfile,
  { name, finds, scenario }: Pick<PlantedCanary, "name" | "finds" | "scenario">,
  range: SeedRange,
): { command: string[]; repro: string } {
  const determinism = finds === DETERMINISM ? profile.determinism.arguments : [];
  const flags = [...seedArguments(profile, scenario, range), "--canary", name, ...determinism];
  return bothWays(profile, flags);
}

/** Reads the records of one batch in order. Memory does not grow with iterations. */
export class BatchReader {
  readonly #range: SeedRange;
  readonly #endSeed: bigint;
  #lines = 0;
  #started = false;
  #nextSeed: bigint;
  #ok = 0;
  /** Seeds whose line said failed; bounded by the batch. */
  readonly #failedSeeds = new Set<bigint>();
  /** Seeds for which no line was printed though a later one had its own. */
  readonly #silent: bigint[] = [];
  #complete: BatchCompleteData | undefined;
  #problem: string | undefined;

  constructor(range: SeedRange) {
    this.#range = range;
    this.#nextSeed = range.startingSeed;
    this.#endSeed = range.startingSeed + BigInt(range.iterations);
  }

  /** Iterations with a line of their own, so far. */
  get parsed(): number {
    return this.#ok + this.#failedSeeds.size;
  }

  /** The seed the program was at: the first without a line. */
  get suspect(): bigint {
    return this.#silent[0] ?? this.#nextSeed;
  }

  /** Takes one line; `stop` when the output makes no sense and nothing after it can be believed. */
  take(line: string): { next: "continue" | "stop"; record?: VoprRecord } {
    this.#lines += 1;
    if (line.trim() === "") return { next: "continue" };
    let json: unknown;
    try {
      json = parseJson(line, `line ${String(this.#lines)}`);
    } catch (error) {
      return this.#stop(`${reasonOf(error)} (${quoted(line)})`);
    }
    const parsed = voprRecordSchema.safeParse(json);
    if (!parsed.success) {
      const issue = parsed.error.issues[0];
      const where = issue === undefined ? "" : ` at ${issue.path.join(".") || "the top"}: ${issue.message}`;
      return this.#stop(`line ${String(this.#lines)} is no vopr record${where} (${quoted(line)})`);
    }
    const problem = this.#fold(parsed.data);
    return problem === undefined ? { next: "continue", record: parsed.data } : this.#stop(problem);
  }

  #stop(problem: string): { next: "stop" } {
    this.#problem ??= problem;
    return { next: "stop" };
  }

  /** Undefined when the record fits what came before; else what is wrong. */
  #fold(record: VoprRecord): string | undefined {
    if (record.type === "start") {
      if (this.#started) return "a second start record";
      this.#started = true;
      const { starting_seed: seed, iterations } = record.data;
      return seed === this.#range.startingSeed && iterations === this.#range.iterations
        ? undefined
        : `was asked for ${String(this.#range.iterations)} seeds from ${this.#range.startingSeed.toString()}, ` +
            `but started ${String(iterations)} from ${seed.toString()}`;
    }
    if (!this.#started) return `a ${record.type} record before the start record`;
    if (record.type === "batch_complete") {
      if (this.#complete !== undefined) return "a second batch_complete record";
      this.#complete = record.data;
      return undefined;
    }
    if (record.type === "coverage_failures") return undefined;
    if (this.#complete !== undefined) return "an iteration after batch_complete";
    const { seed, status } = record.data;
    if (seed < this.#nextSeed || seed >= this.#endSeed) {
      return `seed ${seed.toString()} is out of order or was not asked for`;
    }
    const skipped = seed - this.#nextSeed;
    if (BigInt(this.#silent.length) + skipped > BigInt(MAX_SILENT_SEEDS)) return "too many seeds without a line";
    for (let silent = this.#nextSeed; silent < seed; silent += 1n) this.#silent.push(silent);
    this.#nextSeed = seed + 1n;
    if (status === "ok") this.#ok += 1;
    else this.#failedSeeds.add(seed);
    return undefined;
  }

  /**
   * Judges the batch once its process has ended. `silentFailures` are seeds that count as failed though
   * no line said so: Kimberlite prints none for a determinism violation, only an entry in `failed_seeds`.
   */
  judge(end: ProgramEnd): BatchVerdict {
    const nothing = { iterations: 0, failures: 0, silentFailures: [] };
    const no = (reason: string): BatchVerdict => ({ ...inconclusive(reason), ...nothing });
    if (this.#problem !== undefined) return no(this.#problem);
    if (end.ending !== "exited") return no(`${end.description}${lastWords(end.stderr)}`);
    if (end.exitCode === EXIT_PANIC) return no(`panicked (exit code 101)${lastWords(end.stderr)}`);
    if (end.exitCode !== 0 && end.exitCode !== 1) return no(`${end.description}${lastWords(end.stderr)}`);
    if (!this.#started) return no(`printed no start record, ${end.description}${lastWords(end.stderr)}`);
    const complete = this.#complete;
    if (complete === undefined) return no(`ended without batch_complete, ${end.description}${lastWords(end.stderr)}`);

    if (this.#endSeed - this.#nextSeed > BigInt(MAX_SILENT_SEEDS)) return no("too many seeds without a line");
    const silent = [...this.#silent];
    for (let seed = this.#nextSeed; seed < this.#endSeed; seed += 1n) silent.push(seed);
    const named = new Set(complete.failed_seeds);
    const unexplained = silent.find((seed) => !named.has(seed));
    if (unexplained !== undefined) return no(`no line and no entry in failed_seeds for seed ${unexplained.toString()}`);
    const unnamed = [...this.#failedSeeds].find((seed) => !named.has(seed));
    if (unnamed !== undefined) return no(`seed ${unnamed.toString()} failed, but failed_seeds does not name it`);
    const failures = this.#failedSeeds.size + silent.length;
    if (complete.successes !== this.#ok || complete.failures !== failures) {
      return no(
        `batch_complete says ${String(complete.successes)} ok and ${String(complete.failures)} failed, ` +
          `but the lines say ${String(this.#ok)} and ${String(failures)}`,
      );
    }
    if (named.size !== failures) {
      return no(`failed_seeds names ${String(named.size)} seeds, but the lines say ${String(failures)}`);
    }
    if ((end.exitCode === 1) !== failures > 0) {
      return no(`exit code ${String(end.exitCode)} does not fit ${String(failures)} failures`);
    }
    const judgement =
      failures === 0 ? PASSED : failed(`${String(failures)} of ${String(this.#range.iterations)} seeds failed`);
    return { ...judgement, iterations: this.#ok + failures, failures, silentFailures: silent };
  }
}

export interface BatchVerdict extends Judgement {
  /** Seeds with a verdict; 0 when inconclusive. */
  readonly iterations: number;
  readonly failures: number;
  readonly silentFailures: readonly bigint[];
}

function quoted(line: string): string {
  return JSON.stringify(line.length > 80 ? `${line.slice(0, 80)}…` : line);
}

/** The last line of stderr: a panic message stands there. */
function lastWords(stderr: string): string {
  const last = stderr.trimEnd().split("\n").at(-1)?.trim() ?? "";
  return last === "" ? "" : `: ${last.slice(0, 200)}`;
}
