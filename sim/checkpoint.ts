/**
 * The checkpoint file: how far a series of runs got. The format is Kimberlite's; what differs is that it
 * is replaced atomically, that a bad file is an error instead of a silent start from zero, and that
 * failed seeds are kept once and not for ever.
 */
import { closeSync, fsyncSync, openSync, readFileSync, renameSync, writeSync } from "node:fs";
import { dirname } from "node:path";
import { KimtestError, reasonOf, systemCodeOf } from "../contracts/errors.ts";
import { parseJson, stringifyJson } from "../contracts/json.ts";
import { MAX_U64 } from "../contracts/u64.ts";

/** The newest are kept. */
export const MAX_FAILED_SEEDS = 10_000;

export interface Checkpoint {
  /** The highest seed that was completed; null before the first. */
  lastSeed: bigint | null;
  totalIterations: number;
  totalFailures: number;
  /** Each once, newest last. */
  failedSeeds: bigint[];
}

export const emptyCheckpoint = (): Checkpoint => ({
  lastSeed: null,
  totalIterations: 0,
  totalFailures: 0,
  failedSeeds: [],
});

/** Adds finished seeds: `lastSeed` the last of them, `failed` those that failed, in order. */
export function advance(
  before: Checkpoint,
  lastSeed: bigint,
  iterations: number,
  failed: readonly bigint[],
): Checkpoint {
  const failedSeeds = new Set(before.failedSeeds);
  for (const seed of failed) {
    failedSeeds.delete(seed);
    failedSeeds.add(seed);
  }
  return {
    lastSeed: before.lastSeed !== null && before.lastSeed > lastSeed ? before.lastSeed : lastSeed,
    totalIterations: before.totalIterations + iterations,
    totalFailures: before.totalFailures + failed.length,
    failedSeeds: [...failedSeeds].slice(-MAX_FAILED_SEEDS),
  };
}

/**
 * The checkpoint in a file, or undefined when there is no such file.
 *
 * @throws KimtestError `BAD_INPUT` when it cannot be read or is no checkpoint; the file is left alone.
 */
export function loadCheckpoint(path: string): Checkpoint | undefined {
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch (error) {
    if (systemCodeOf(error) === "ENOENT") return undefined;
    throw bad(path, `cannot be read: ${reasonOf(error)}`, error);
  }
  let value: unknown;
  try {
    value = parseJson(text, "it");
  } catch (error) {
    throw bad(path, `is no checkpoint: ${reasonOf(error)}`, error);
  }
  if (typeof value !== "object" || value === null || Array.isArray(value)) throw bad(path, "is no checkpoint");
  const fields = value as Record<string, unknown>;
  const lastSeed = fields["last_seed"] === null ? null : seedOf(path, "last_seed", fields["last_seed"]);
  const failedSeeds = fields["failed_seeds"];
  if (!Array.isArray(failedSeeds)) throw bad(path, "is no checkpoint: failed_seeds is no list");
  return {
    lastSeed,
    totalIterations: countOf(path, "total_iterations", fields["total_iterations"]),
    totalFailures: countOf(path, "total_failures", fields["total_failures"]),
    failedSeeds: failedSeeds.map((seed) => seedOf(path, "failed_seeds", seed)),
  };
}

function seedOf(path: string, field: string, value: unknown): bigint {
  if (typeof value === "bigint" || (typeof value === "number" && Number.isSafeInteger(value))) {
    const seed = BigInt(value);
    if (seed >= 0n && seed <= MAX_U64) return seed;
  }
  throw bad(path, `is no checkpoint: ${field} is no seed`);
}

function countOf(path: string, field: string, value: unknown): number {
  if (typeof value === "number" && Number.isSafeInteger(value) && value >= 0) return value;
  throw bad(path, `is no checkpoint: ${field} is no count`);
}

function bad(path: string, what: string, cause?: unknown): KimtestError {
  return new KimtestError("BAD_INPUT", `${path} ${what}`, {
    hint: "mend it, move it away, or name another --checkpoint-file; it was not touched",
    cause,
  });
}

/**
 * Replaces the file as a whole: a crash leaves the old one or the new one.
 *
 * @throws KimtestError `BAD_INPUT` when it cannot be written.
 */
export function saveCheckpoint(path: string, checkpoint: Checkpoint, now: Date): void {
  const text = stringifyJson({
    last_seed: checkpoint.lastSeed,
    total_iterations: checkpoint.totalIterations,
    total_failures: checkpoint.totalFailures,
    failed_seeds: checkpoint.failedSeeds,
    last_update: now.toISOString(),
  });
  const temporary = `${path}.${process.pid}.tmp`;
  try {
    const file = openSync(temporary, "w");
    try {
      writeSync(file, `${text}\n`);
      fsyncSync(file);
    } finally {
      closeSync(file);
    }
    renameSync(temporary, path);
    syncFolder(dirname(path));
  } catch (error) {
    throw new KimtestError("BAD_INPUT", `the checkpoint ${path} cannot be written: ${reasonOf(error)}`, {
      hint: "name a file in a folder that exists and is writable",
      cause: error,
    });
  }
}

/** Makes the rename durable. */
function syncFolder(path: string): void {
  const folder = openSync(path, "r");
  try {
    fsyncSync(folder);
  } finally {
    closeSync(folder);
  }
}
