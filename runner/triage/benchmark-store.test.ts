/** Runs and levels in a real folder, and on a real S3 client against moto: several writers, none of whom loses. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { motoOfFile } from "../../test/aws/moto-hooks.ts";
import { BASELINE_KEY, benchmarksKey } from "../../contracts/bucket.ts";
import type { Baseline, BenchmarkRun } from "../../contracts/benchmark-history.ts";
import { stringifyJson } from "../../contracts/json.ts";
import { historyOf, MACHINE, runAt } from "../statistics/runs.fixture.ts";
import { FolderStore } from "../store/folder-store.ts";
import type { ObjectStore } from "../store/object-store.ts";
import { startOneAtATime, type OneAtATime } from "../store/one-at-a-time.fixture.ts";
import { S3Store } from "../store/s3-store.ts";
import { addRun, changeBaseline, readBaseline, readHistory } from "./benchmark-store.ts";

/** The first run installs moto. */
const INSTALL_TIMEOUT_MS = 330_000;
const WRITERS = 5;

const moto = motoOfFile({ buckets: ["benchmarks"] });
let oneAtATime: OneAtATime;
let folder: string;
let made = 0;
beforeAll(async () => {
  oneAtATime = await startOneAtATime(moto().port);
  process.env["AWS_ENDPOINT_URL"] = oneAtATime.endpoint;
  folder = mkdtempSync(join(tmpdir(), "benchmark-store-"));
}, INSTALL_TIMEOUT_MS);
afterAll(async () => {
  await oneAtATime.stop();
  rmSync(folder, { recursive: true });
});

/** A store of its own, opened by so many writers. */
const KINDS: Record<string, (name: string) => ObjectStore> = {
  folder: (name) => new FolderStore(join(folder, name)),
  S3: (name) => new S3Store({ bucket: "benchmarks", prefix: name }),
};

/** Runs of one day, a minute apart. */
const ofOneDay = (runs: number): BenchmarkRun[] =>
  historyOf({
    runs,
    benchmarks: 1,
    change: (run, index) => ({ ...run, started_at: new Date(Date.UTC(2026, 0, 30, 12, index)).toISOString() }),
  });

const cyclesOf = (runs: readonly BenchmarkRun[]): number[] => runs.map(({ cycle }) => cycle).sort((a, b) => a - b);

const baselineOf = (...names: string[]): Baseline => ({
  version: 1,
  updated_at: runAt(0),
  levels: names.map((benchmark) => ({
    benchmark,
    machine_type: MACHINE.machine_type,
    cpu: MACHINE.cpu,
    level_ns: 1000,
    noise: 0.01,
    runs: 8,
    first_run_at: runAt(0),
    last_run_at: runAt(7),
    git_commit: "abc",
    promoted_at: runAt(8),
    promoted_by: "rule",
  })),
});

describe.each(Object.entries(KINDS))("%s", (_kind, open) => {
  const opened = (): ((writer?: number) => ObjectStore) => {
    made += 1;
    const name = `store-${String(made)}`;
    return () => open(name);
  };

  test("writers at the same time: every run of the day is there", async () => {
    const store = opened();
    await Promise.all(ofOneDay(WRITERS).map((run) => addRun(store(), run)));
    const { runs, unreadable } = await readHistory(store());
    expect(cyclesOf(runs)).toStrictEqual([1, 2, 3, 4, 5]);
    expect(unreadable).toStrictEqual([]);
  }, 180_000);

  test("writers of levels at the same time: each sees the others' and adds its own", async () => {
    const store = opened();
    const names = Array.from({ length: WRITERS }, (_, index) => `b${String(index)}`);
    const add = (name: string) => (baseline: Baseline | undefined) =>
      baselineOf(...(baseline?.levels ?? []).map(({ benchmark }) => benchmark), name);
    await Promise.all(names.map((name) => changeBaseline(store(), add(name))));
    const levels = (await readBaseline(store()))?.levels ?? [];
    expect(levels.map(({ benchmark }) => benchmark).sort()).toStrictEqual(names);
  }, 180_000);

  test("levels are left as they are by whoever decides nothing", async () => {
    const store = opened()();
    expect(await changeBaseline(store, () => undefined)).toBeUndefined();
    expect(await store.get(BASELINE_KEY)).toBeUndefined();
    await store.put(BASELINE_KEY, stringifyJson(baselineOf("a")));
    const before = (await store.get(BASELINE_KEY))?.etag;
    expect(await changeBaseline(store, () => undefined)).toStrictEqual(baselineOf("a"));
    expect((await store.get(BASELINE_KEY))?.etag).toBe(before);
  });

  test("a damaged file is kept under another name and said once, and its day begins again", async () => {
    const store = opened()();
    const [run] = ofOneDay(1);
    const key = benchmarksKey(new Date(run!.started_at));
    await store.put(key, "{ damaged");
    const said = await addRun(store, run!);
    expect(said).toMatch(/^benchmarks\/2026-01-30\.json is no history of benchmarks, it is kept as /);
    const aside = /kept as (\S+): /.exec(said ?? "")?.[1] ?? "";
    expect((await store.get(aside))?.body.toString()).toBe("{ damaged");
    const { runs, unreadable } = await readHistory(store);
    expect({ cycles: cyclesOf(runs), unreadable }).toStrictEqual({ cycles: [1], unreadable: [] });
    expect(await addRun(store, run!)).toBeUndefined();
  });
});

test("a history is of one machine: the one asked for, or that of the newest run", async () => {
  const store = KINDS["folder"]!("machines");
  const other = { ...MACHINE, cpu: "Neoverse-N1" };
  const mixed = historyOf({
    runs: 6,
    benchmarks: 1,
    change: (run, index) => (index % 2 === 0 ? run : { ...run, machine: other }),
  });
  for (const run of mixed) await addRun(store, run);
  expect(cyclesOf((await readHistory(store, MACHINE)).runs)).toStrictEqual([1, 3, 5]);
  expect(cyclesOf((await readHistory(store)).runs)).toStrictEqual([2, 4, 6]);
});

test("of a long history as much is read as is used, the newest first", async () => {
  const store = KINDS["folder"]!("long");
  const runs = historyOf({ runs: 220, benchmarks: 1 });
  for (const run of runs) await store.put(benchmarksKey(new Date(run.started_at)), dayOf(run));
  const asked: string[] = [];
  const get = store.get.bind(store);
  store.get = (key, options) => {
    asked.push(key);
    return get(key, options);
  };
  const cycles = cyclesOf((await readHistory(store)).runs);
  expect([cycles.length, cycles.at(0), cycles.at(-1)]).toStrictEqual([200, 21, 220]);
  expect(asked).toHaveLength(200);
}, 180_000);

const dayOf = (run: BenchmarkRun): string =>
  stringifyJson({ version: 1, date: run.started_at.slice(0, 10), runs: [run] });

test("days that cannot be read are named, the others are there", async () => {
  const store = KINDS["folder"]!("damaged");
  for (const run of historyOf({ runs: 3, benchmarks: 1 })) await addRun(store, run);
  await store.put(benchmarksKey(new Date(runAt(1))), "[]");
  await store.put("benchmarks/2026-notes.txt", "not a day");
  const { runs, unreadable } = await readHistory(store);
  expect(cyclesOf(runs)).toStrictEqual([1, 3]);
  expect(unreadable).toHaveLength(1);
  expect(unreadable[0]).toContain("benchmarks/2026-01-03.json does not have the expected shape");
});

test("somebody who is always faster: given up, in words, and nothing is lost", async () => {
  const store = KINDS["folder"]!("busy");
  const [first, second] = ofOneDay(2);
  await addRun(store, first!);
  store.putIf = () => Promise.resolve(undefined);
  await expect(addRun(store, second!)).rejects.toMatchObject({
    code: "STORE_UNREACHABLE",
    message: "benchmarks/2026-01-30.json was changed by others 10 times in a row",
  });
  expect(cyclesOf((await readHistory(store)).runs)).toStrictEqual([1]);
});
