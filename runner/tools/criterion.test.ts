/** The adapter on what a real Criterion wrote (tools/record-criterion.ts), and on that with damage planted in it. */
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, expect, test } from "@jest/globals";
import { measurementSchema } from "../../contracts/benchmark-history.ts";
import type { CriterionProfile } from "../../contracts/profile/benchmarks.ts";
import type { ProgramEnd } from "../platform/program-run.ts";
import { criterionCommand, judgeCriterion, readCriterion, type CriterionResults } from "./criterion.ts";

const RECORDED = fileURLToPath(new URL("../../test/fixtures/criterion/recorded/criterion", import.meta.url));
const STARTED_MS = Date.UTC(2026, 5, 1);
const HASHING = ["hash", "sort", 'parse key/value: "a=1"?'];
const IDS = ["full_write_path/hash_all", "hash/fnv/4096", "hash/fnv/64", 'parse key/value: "a=1"?', "sort/1000"];
const PARSE_FOLDER = "parse key_value_ _a=1__";

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "criterion-"));
  cpSync(RECORDED, folder, { recursive: true });
  age("", STARTED_MS + 1000);
});

afterEach(() => {
  rmSync(folder, { recursive: true });
});

/** Stamps every file below with this time. */
function age(path: string, ms: number): void {
  for (const entry of readdirSync(join(folder, path), { recursive: true, withFileTypes: true }))
    if (entry.isFile()) utimesSync(join(entry.parentPath, entry.name), ms / 1000, ms / 1000);
}

/** Writes a file as this run would have. */
function write(path: string, text: string): void {
  writeFileSync(join(folder, path), text);
  utimesSync(join(folder, path), STARTED_MS / 1000 + 1, STARTED_MS / 1000 + 1);
}

function edit(path: string, change: (json: never) => unknown): void {
  write(path, JSON.stringify(change(JSON.parse(readFileSync(join(folder, path), "utf8")) as never)));
}

const read = (expected: readonly string[] = HASHING): Promise<CriterionResults> =>
  readCriterion({ folder, suite: "hashing", startedMs: STARTED_MS, expected });

const reasons = ({ problems }: CriterionResults): Record<string, string> =>
  Object.fromEntries(problems.map(({ benchmark, reason }) => [benchmark, reason]));

test("every layout is read under the id that Criterion gives it, not under its folder's name", async () => {
  const { measurements, problems, stale } = await read();
  expect(measurements.map(({ benchmark }) => benchmark).sort()).toStrictEqual(IDS);
  expect(problems).toStrictEqual([]);
  expect(stale).toStrictEqual([]);
});

test("the numbers are those of the files", async () => {
  const { measurements } = await read();
  const file = (name: string): Record<string, never> =>
    JSON.parse(readFileSync(join(folder, "hash/fnv/64/new", name), "utf8")) as Record<string, never>;
  const { median, mean, slope, std_dev } = file("estimates.json") as unknown as Record<
    string,
    { point_estimate: number; confidence_interval: { lower_bound: number; upper_bound: number } }
  >;
  const { iters } = file("sample.json") as unknown as { iters: number[] };
  const estimate = (of: typeof median): unknown => ({
    ns: of!.point_estimate,
    lower_ns: of!.confidence_interval.lower_bound,
    upper_ns: of!.confidence_interval.upper_bound,
    confidence: 0.95,
  });
  expect(measurements.find(({ benchmark }) => benchmark === "hash/fnv/64")).toStrictEqual({
    benchmark: "hash/fnv/64",
    suite: "hashing",
    median: estimate(median),
    mean: estimate(mean),
    slope: estimate(slope),
    deviation_ns: std_dev!.point_estimate,
    samples: iters.length,
    iterations: iters.reduce((sum, count) => sum + count, 0),
    throughput: { unit: "Bytes", per_iteration: 64 },
  });
});

test("what is read fits the contract of the history", async () => {
  const { measurements } = await read();
  expect(measurements.map((measurement) => measurementSchema.parse(measurement))).toStrictEqual(measurements);
});

test("flat sampling has no slope, and its ten samples are counted", async () => {
  const { measurements } = await read();
  const flat = measurements.find(({ benchmark }) => benchmark === "full_write_path/hash_all");
  expect(flat).toMatchObject({ slope: null, samples: 10, throughput: null });
});

test("results of an earlier run are no evidence", async () => {
  age("", STARTED_MS - 1000);
  const results = await read();
  expect(results.measurements).toStrictEqual([]);
  expect([...results.stale].sort()).toStrictEqual(IDS);
  expect(reasons(results)).toStrictEqual(
    Object.fromEntries(HASHING.map((id) => [id, "not measured in this run, only in an earlier one"])),
  );
  expect(judgeCriterion(results, "hashing", ended(0)).verdict).toBe("inconclusive");
});

test("those of another suite are left alone", async () => {
  age("full_write_path", STARTED_MS - 1000);
  const { measurements, problems, stale } = await read();
  expect(measurements.length).toBe(4);
  expect(problems).toStrictEqual([]);
  expect(stale).toStrictEqual(["full_write_path/hash_all"]);
});

test("a file's clock ticks coarser than the run's: a tick before the start is this run", async () => {
  age("", STARTED_MS - 10);
  expect((await read()).measurements.length).toBe(5);
});

test("what is expected and not there is named; a group stands for its benchmarks, a prefix of a name for nothing", async () => {
  const results = await read(["hash", "hash/fnv", "hash/fnv/64", "has", "chain_hash"]);
  expect(reasons(results)).toStrictEqual({ has: "not measured", chain_hash: "not measured" });
  expect(judgeCriterion(results, "hashing", ended(0))).toStrictEqual({
    verdict: "inconclusive",
    reason: "has: not measured; chain_hash: not measured",
  });
});

test("no folder at all", async () => {
  rmSync(folder, { recursive: true });
  const results = await read(["hash"]);
  expect(reasons(results)).toStrictEqual({ hash: `not measured: there is no folder ${folder}` });
  expect(judgeCriterion(await read([]), "hashing", ended(0))).toStrictEqual({
    verdict: "inconclusive",
    reason: "hashing: no benchmark was measured",
  });
  mkdirSync(folder);
});

const SAMPLE = "hash/fnv/64/new/sample.json";
const ESTIMATES = "hash/fnv/64/new/estimates.json";

test.each<[what: string, damage: () => void, id: string, reason: RegExp]>([
  [
    "empty file",
    () => {
      write(ESTIMATES, "");
    },
    "hash/fnv/64",
    /^estimates\.json is not valid JSON: /,
  ],
  [
    "truncated",
    () => {
      write(ESTIMATES, '{"mean":{"confidence_interval":{"confi');
    },
    "hash/fnv/64",
    /^estimates\.json is not valid JSON: /,
  ],
  [
    "garbage",
    () => {
      write(SAMPLE, "\u0000\u0001ELF");
    },
    "hash/fnv/64",
    /^sample\.json is not valid JSON: /,
  ],
  [
    "another shape",
    () => {
      write(ESTIMATES, '{"median":1}');
    },
    "hash/fnv/64",
    /^estimates\.json does not have the expected shape: mean: /,
  ],
  [
    "no id",
    () => {
      write("hash/fnv/64/new/benchmark.json", "{}");
    },
    "hash/fnv/64",
    /^benchmark\.json does not have the expected shape: group_id: /,
  ],
  [
    "no file",
    () => {
      rmSync(join(folder, SAMPLE));
    },
    "hash/fnv/64",
    /^sample\.json missing$/,
  ],
  [
    "cut between files",
    () => {
      utimesSync(join(folder, ESTIMATES), 1000, 1000);
    },
    "hash/fnv/64",
    /^estimates\.json of an earlier run: this run was cut$/,
  ],
  [
    "no samples",
    () => {
      write(SAMPLE, '{"sampling_mode":"Linear","iters":[],"times":[]}');
    },
    "hash/fnv/64",
    /^sample\.json has no samples$/,
  ],
  [
    "times missing",
    () => {
      edit(SAMPLE, (json: { times: number[] }) => ({ ...json, times: json.times.slice(1) }));
    },
    "hash/fnv/64",
    /^sample\.json has \d+ times for \d+ samples$/,
  ],
  [
    "no iterations",
    () => {
      edit(SAMPLE, (json: { iters: number[] }) => ({ ...json, iters: json.iters.map(() => 0) }));
    },
    "hash/fnv/64",
    /^sample\.json has a sample without iterations$/,
  ],
  [
    "another run's samples",
    () => {
      edit(SAMPLE, (json: { times: number[] }) => ({ ...json, times: json.times.map((time) => time * 1.01) }));
    },
    "hash/fnv/64",
    /^the mean of estimates\.json is .* ns, that of sample\.json .* ns: not of one run$/,
  ],
  [
    "nothing timed",
    () => {
      edit(ESTIMATES, (json: { mean: object }) => ({ ...json, mean: { ...json.mean, point_estimate: 0 } }));
    },
    "hash/fnv/64",
    /^the mean is 0 ns: the compiler may have removed the work$/,
  ],
  [
    "not a number",
    () => {
      edit(ESTIMATES, (json: { mean: object }) => ({ ...json, mean: { ...json.mean, point_estimate: null } }));
    },
    "hash/fnv/64",
    /^estimates\.json does not have the expected shape: mean\.point_estimate: /,
  ],
  [
    "outside its interval",
    () => {
      edit(ESTIMATES, (json: { median: object }) => ({ ...json, median: { ...json.median, point_estimate: 1e9 } }));
    },
    "hash/fnv/64",
    /^the median of 1000000000 ns lies outside its own interval$/,
  ],
  [
    "two folders, one id",
    () => {
      cpSync(join(folder, "sort/1000"), join(folder, "sort/2000"), { recursive: true, preserveTimestamps: true });
    },
    "sort/1000",
    /^measured twice under one id$/,
  ],
  [
    "far too large",
    () => {
      write(SAMPLE, " ".repeat(5 * 1024 * 1024));
    },
    "hash/fnv/64",
    /^sample\.json has 5242880 bytes, more than 4194304$/,
  ],
  [
    "an id that cannot be read",
    () => {
      write(`${PARSE_FOLDER}/new/benchmark.json`, "{");
    },
    PARSE_FOLDER,
    /^benchmark\.json is not valid JSON: /,
  ],
])("damage is named and makes the suite inconclusive: %s", async (_what, damage, id, reason) => {
  damage();
  const results = await read(["hash", "sort"]);
  expect(Object.keys(reasons(results))).toStrictEqual([id]);
  expect(reasons(results)[id]).toMatch(reason);
  expect(judgeCriterion(results, "hashing", ended(0)).verdict).toBe("inconclusive");
});

test("a benchmark called new, and baselines of other names, are told apart", async () => {
  cpSync(join(folder, "sort/1000/new"), join(folder, "sort/1000/main"), { recursive: true, preserveTimestamps: true });
  mkdirSync(join(folder, "words"));
  cpSync(join(folder, "hash/fnv/64"), join(folder, "words/new"), { recursive: true, preserveTimestamps: true });
  edit("words/new/new/benchmark.json", (json: object) => ({ ...json, full_id: "words/new" }));
  mkdirSync(join(folder, "sort/3000/new"), { recursive: true });
  const { measurements, problems, stale } = await read();
  expect(measurements.map(({ benchmark }) => benchmark).sort()).toStrictEqual([...IDS, "words/new"].sort());
  expect(problems).toStrictEqual([]);
  expect(stale).toStrictEqual([]);
});

const END = { signal: null, stdout: "", stderr: "", durationMs: 1, cpuMs: 1 } as const;

function ended(exitCode: number): ProgramEnd {
  return { ...END, ending: "exited", exitCode, description: `exit code ${String(exitCode)}` };
}

test("whole and complete, the suite passes; a suite that did not end well never does", async () => {
  const results = await read();
  expect(judgeCriterion(results, "hashing", ended(0))).toStrictEqual({ verdict: "passed", reason: null });
  expect(judgeCriterion(results, "hashing", ended(101))).toStrictEqual({
    verdict: "inconclusive",
    reason: "hashing: exit code 101",
  });
  const late: ProgramEnd = { ...END, ending: "deadline", exitCode: null, description: "ended after its deadline" };
  expect(judgeCriterion(results, "hashing", late).reason).toBe("hashing: ended after its deadline");
});

test("the command runs one suite, without plots, with the profile's toolchain", () => {
  const profile: CriterionProfile = {
    tool: "criterion",
    cargo: ["cargo", "+1.88.0"],
    package: "kimberlite-bench",
    suites: { crypto: ["blake3_hash"] },
    arguments: ["--sample-size", "20"],
    suite_deadline_seconds: 900,
    planted_slowdown: 0.1,
  };
  expect(criterionCommand(profile, "crypto").join(" ")).toBe(
    "cargo +1.88.0 bench -p kimberlite-bench --bench crypto -- --noplot --sample-size 20",
  );
});
