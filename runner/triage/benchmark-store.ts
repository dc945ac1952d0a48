/**
 * Benchmark runs and accepted levels in the store. Both are changed under a condition, so that a second run of a day,
 * or another machine's, never replaces the first.
 */
import { BASELINE_KEY, benchmarksKey, dayOfBenchmarksKey, EXPIRING_PREFIXES } from "../../contracts/bucket.ts";
import {
  baselineSchema,
  benchmarkHistorySchema,
  type Baseline,
  type BenchmarkHistory,
  type BenchmarkMachine,
  type BenchmarkRun,
} from "../../contracts/benchmark-history.ts";
import { KimtestError, reasonOf } from "../../contracts/errors.ts";
import { stringifyJson } from "../../contracts/json.ts";
import { withRun } from "../statistics/history.ts";
import { isOfMachine, MAX_HISTORY } from "../statistics/series.ts";
import type { ObjectStore, PutCondition } from "../store/object-store.ts";
import { readJson, type ReadJson } from "../store/read-json.ts";

/** Tries against other writers before giving up. */
const MAX_TRIES = 10;
/** MAX_HISTORY runs, one every two days. */
const MAX_DAYS = 400;
const DAYS_AT_ONCE = 8;
/** Of a file that will not become readable by asking again. */
const UNREADABLE = ["CORRUPT_DATA", "LIMIT_EXCEEDED"];

export interface History {
  /** Of one machine, newest day first. */
  readonly runs: readonly BenchmarkRun[];
  /** Files that cannot be read, each with why; their runs are missing above. */
  readonly unreadable: readonly string[];
}

/**
 * The newest runs of a machine, MAX_HISTORY of them or some more; without one, of the machine of the newest run.
 *
 * @throws KimtestError when the store cannot be asked.
 */
export async function readHistory(store: ObjectStore, machine?: BenchmarkMachine): Promise<History> {
  const days: string[] = [];
  for await (const { key } of store.list(EXPIRING_PREFIXES.dailyBenchmarks))
    if (dayOfBenchmarksKey(key) !== undefined) days.push(key);
  const newestFirst = days.sort().reverse().slice(0, MAX_DAYS);

  const runs: BenchmarkRun[] = [];
  const unreadable: string[] = [];
  let wanted = machine;
  for (let from = 0; from < newestFirst.length && runs.length < MAX_HISTORY; from += DAYS_AT_ONCE) {
    const read = await Promise.all(newestFirst.slice(from, from + DAYS_AT_ONCE).map((key) => readDay(store, key)));
    for (const day of read) {
      if (typeof day === "string") {
        unreadable.push(day);
        continue;
      }
      wanted ??= day?.runs.at(-1)?.machine;
      if (wanted !== undefined) runs.push(...(day?.runs.filter(isOfMachine(wanted)) ?? []));
    }
  }
  return { runs, unreadable };
}

/** Undefined when it has expired meanwhile; what is damaged, in words. */
async function readDay(store: ObjectStore, key: string): Promise<BenchmarkHistory | string | undefined> {
  try {
    return (await readJson(store, key, benchmarkHistorySchema))?.value;
  } catch (error) {
    if (error instanceof KimtestError && UNREADABLE.includes(error.code)) return reasonOf(error);
    throw error;
  }
}

/**
 * Adds a run to the file of its day. A damaged file is kept under another name, and the day begins again.
 *
 * @returns the damage, in words; undefined when there was none
 * @throws KimtestError `LIMIT_EXCEEDED` when the day is full, and what the store throws.
 */
export async function addRun(store: ObjectStore, run: BenchmarkRun): Promise<string | undefined> {
  const key = benchmarksKey(new Date(run.started_at));
  let damage: string | undefined;
  await changed(store, key, async () => {
    try {
      const read = await readJson(store, key, benchmarkHistorySchema);
      return { condition: conditionOf(read), value: withRun(read?.value, run) };
    } catch (error) {
      if (!(error instanceof KimtestError) || error.code !== "CORRUPT_DATA") throw error;
      const object = await store.get(key);
      if (object === undefined) return { condition: { ifAbsent: true }, value: withRun(undefined, run) };
      const aside = `${key}.damaged-${object.etag.replaceAll(/[^A-Za-z0-9]/g, "").slice(0, 16)}`;
      await store.put(aside, object.body);
      damage = `${key} is no history of benchmarks, it is kept as ${aside}: ${reasonOf(error)}`;
      return { condition: { ifMatch: object.etag }, value: withRun(undefined, run) };
    }
  });
  return damage;
}

/** @throws KimtestError when it cannot be read; it is never taken for empty. */
export async function readBaseline(store: ObjectStore): Promise<Baseline | undefined> {
  return (await readJson(store, BASELINE_KEY, baselineSchema))?.value;
}

/**
 * Changes the accepted levels; `decide` is asked again when somebody else was faster, and gives undefined to leave
 * them as they are.
 *
 * @returns what is stored now
 */
export async function changeBaseline(
  store: ObjectStore,
  decide: (baseline: Baseline | undefined) => Baseline | undefined,
): Promise<Baseline | undefined> {
  return changed<Baseline | undefined>(store, BASELINE_KEY, async () => {
    const read = await readJson(store, BASELINE_KEY, baselineSchema);
    const value = decide(read?.value);
    return value === undefined ? { value: read?.value } : { condition: conditionOf(read), value };
  });
}

const conditionOf = (read: ReadJson<unknown> | undefined): PutCondition =>
  read === undefined ? { ifAbsent: true } : { ifMatch: read.etag };

/** Reads, decides and writes until nobody wrote in between. Without a condition nothing is written. */
async function changed<T>(
  store: ObjectStore,
  key: string,
  next: () => Promise<{ readonly condition?: PutCondition; readonly value: T }>,
): Promise<T> {
  for (let attempt = 0; attempt < MAX_TRIES; attempt += 1) {
    const { condition, value } = await next();
    if (condition === undefined) return value;
    if ((await store.putIf(key, stringifyJson(value), condition)) !== undefined) return value;
  }
  throw new KimtestError("STORE_UNREACHABLE", `${key} was changed by others ${String(MAX_TRIES)} times in a row`, {
    hint: "try again in a moment",
  });
}
