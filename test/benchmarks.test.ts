/** Whole cycles of Criterion benchmarks, with a stand-in for cargo that writes Criterion's own files. */
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, test } from "@jest/globals";
import { baselineSchema, type BenchmarkRun } from "../contracts/benchmark-history.ts";
import { BASELINE_KEY, benchmarksKey } from "../contracts/bucket.ts";
import { KimtestError } from "../contracts/errors.ts";
import { historyOf, MACHINE, nameOf } from "../runner/statistics/runs.fixture.ts";
import { FolderStore } from "../runner/store/folder-store.ts";
import { decodeJson } from "../runner/store/read-json.ts";
import {
  behave,
  benchmarkCycle,
  criterionProfile,
  levels,
  machineWith,
  put,
  seed,
  today,
  type SuiteBehaviour,
} from "./benchmarks.fixture.ts";
import { awayFromMidnight, DAY_HOOK_MS } from "./day.ts";
import { fakeProfile } from "./fake-profile.ts";
import { RecordingMetrics } from "./recording-metrics.ts";
import { until } from "./until.ts";
import { workbenches, type Workbench } from "./workbench.ts";

const workbench = workbenches();
beforeAll(awayFromMidnight, DAY_HOOK_MS);

/** A bench whose one suite is `crypto`, expected to measure the group of all of `historyOf`'s benchmarks. */
function cryptoBench(crypto: SuiteBehaviour, history: readonly BenchmarkRun[] = []) {
  const bench = workbench();
  behave(bench, { crypto });
  seed(bench, history);
  return { bench, profile: criterionProfile(bench, { crypto: ["group"] }) };
}

const NAME = nameOf(3);
const slowedFrom = (run: number) => ({
  runs: 23,
  factor: (index: number, benchmark: number) => (benchmark === 3 && index >= run ? 1.1 : 1),
});
const clean = { runs: 20 };

const phaseResult = (bench: Workbench): unknown => JSON.parse(bench.text("cycles/000001/benchmarks.json"));

test("a slowdown of 10 % in the newest four of 24 runs fails, with its size, its interval and its commits", async () => {
  const { bench, profile } = cryptoBench({ levels: levels({ [NAME]: 1100 }) }, historyOf(slowedFrom(20)));
  const metrics = new RecordingMetrics();
  expect(await benchmarkCycle(bench, profile, { change: { metrics } })).toMatchObject({ kind: "done" });

  const { benchmarks, trust } = bench.digest();
  expect(benchmarks.verdict).toBe("failed");
  expect(benchmarks.reason).toMatch(
    /^group\/function-3: \+(9|10)\.\d % \(95 % interval \+[89]\.\d % to \+1[012]\.\d %\), after commit-19 and up to commit-20$/,
  );
  const open = benchmarks.comparison?.changes.filter((change) => change.open) ?? [];
  expect(open).toHaveLength(1);
  expect(open[0]).toMatchObject({
    benchmark: NAME,
    kind: "regression",
    after_commit: "commit-19",
    up_to_commit: "commit-20",
    text: benchmarks.reason?.replace(`${NAME}: `, ""),
  });
  expect(open[0]?.interval?.lower).toBeLessThan(1.1);
  expect(open[0]?.interval?.upper).toBeGreaterThan(1.1);
  expect(open[0]?.p).toBeLessThan(1e-4);
  expect(trust.benchmarks).toMatchObject({ trusted: true, canary: { found: true, runs: 10 } });
  expect(trust.benchmarks.canary?.found_in).toBeGreaterThanOrEqual(9);

  // What was measured is in the history, and in the result.
  const [run] = today(bench).runs;
  expect(run).toMatchObject({
    tool: "criterion",
    machine: MACHINE,
    compiler: null,
    quietness: { load_average_before: 0.1, busy_share_before: 0.02, steal_share: 0 },
    problems: [],
  });
  const medians = run?.measurements.map(({ benchmark, median }) => [benchmark, Math.round(median.ns)]);
  expect(Object.fromEntries(medians ?? [])).toStrictEqual(levels({ [NAME]: 1100 }));
  expect(phaseResult(bench)).toMatchObject({
    verdict: "failed",
    runs: { crypto: { verdict: "passed", log_key: "cycles/000001/logs/benchmarks/crypto.txt" } },
  });
  expect(bench.text("cycles/000001/logs/benchmarks/crypto.txt")).toContain(`${NAME}    time:   [1100 ns`);
  expect(metrics.sums.Progress).toBeGreaterThan(1);
});

test("the same slowdown, measured beside other work, does not count: inconclusive, and no change", async () => {
  const { bench, profile } = cryptoBench({ levels: levels({ [NAME]: 1100 }) }, historyOf(slowedFrom(21)));
  await benchmarkCycle(bench, profile, { change: { sampleMachine: machineWith({ busy: 0.9 }) } });
  const { benchmarks } = bench.digest();
  expect(benchmarks).toMatchObject({
    verdict: "inconclusive",
    reason: "this run does not count: 90.0 % of CPU time busy before the run, above 50.0 %",
    comparison: { quiet: "no", changes: [] },
  });
  expect(benchmarks.comparison?.series.find(({ benchmark }) => benchmark === NAME)).toMatchObject({
    runs: 23,
    loud_runs: 1,
  });
  expect(today(bench).runs).toHaveLength(1); // kept all the same
});

test("a first run passes and says that the history begins; its statistics are not trusted yet", async () => {
  const { bench, profile } = cryptoBench({ levels: levels() });
  await benchmarkCycle(bench, profile);
  const { benchmarks, trust } = bench.digest();
  expect(benchmarks).toMatchObject({ verdict: "passed", reason: null, comparison: { verdict: "inconclusive" } });
  expect(benchmarks.comparison?.reason).toBe("the history begins: 1 of 12 runs, changes are not judged yet");
  expect(trust.benchmarks.reason).toBe(
    "its canary planted-slowdown was not found: the history needs 12 runs, there are 1",
  );
});

test("a planted slowdown that is too small for the noise is not noticed, and the phase is not trusted", async () => {
  const { bench, profile } = cryptoBench({ levels: levels() }, historyOf(clean));
  if (profile.benchmarks.tool !== "criterion") throw new Error("another tool");
  await benchmarkCycle(bench, { ...profile, benchmarks: { ...profile.benchmarks, planted_slowdown: 0.005 } });
  expect(bench.digest().trust.benchmarks).toMatchObject({
    trusted: false,
    reason: "its canary planted-slowdown was not found: 0.5 % were noticed in 0 of 10 benchmarks",
  });
});

test("a benchmark that is missing is named; what was measured beside it is kept", async () => {
  const others = Object.fromEntries(Object.entries(levels()).filter(([name]) => name !== NAME));
  const { bench, profile } = cryptoBench({ levels: others }, historyOf(clean));
  if (profile.benchmarks.tool !== "criterion") throw new Error("another tool");
  const expected = { crypto: ["group", "blake3_hash"] };
  await benchmarkCycle(bench, { ...profile, benchmarks: { ...profile.benchmarks, suites: expected } });
  expect(bench.digest().benchmarks).toMatchObject({
    verdict: "inconclusive",
    reason: `blake3_hash: not measured; ${NAME}: not measured in this run`,
  });
  expect(today(bench).runs[0]).toMatchObject({
    problems: [{ benchmark: "blake3_hash", suite: "crypto", reason: "not measured" }],
  });
  expect(today(bench).runs[0]?.measurements).toHaveLength(9);
});

test("suites that fail or hang are inconclusive, each with its reason and its log", async () => {
  const bench = workbench();
  const broken = 'error: could not compile `bench` (bench "kernel") due to 1 previous error';
  behave(bench, {
    crypto: { levels: { a: 1 } },
    kernel: { exit: 101, says: broken },
    storage: { levels: { b: 1 }, hang: true },
  });
  const profile = criterionProfile(bench, { crypto: ["a"], kernel: ["k"], storage: ["b"] });
  if (profile.benchmarks.tool !== "criterion") throw new Error("another tool");
  await benchmarkCycle(bench, { ...profile, benchmarks: { ...profile.benchmarks, suite_deadline_seconds: 6 } });
  const { benchmarks } = bench.digest();
  expect(benchmarks.verdict).toBe("inconclusive");
  expect(benchmarks.runs).toMatchObject({
    crypto: { verdict: "passed", reason: null },
    kernel: { verdict: "inconclusive", reason: `kernel: exit code 101: ${broken}` },
    storage: {
      verdict: "inconclusive",
      reason: "storage: still running at its deadline of 6.0 s: b    time:   [1 ns 1 ns 1 ns]",
    },
  });
  expect(bench.text(benchmarks.runs["kernel"]?.log_key ?? "")).toBe(broken);
  // What the suites had measured until then was measured; that they failed is in the history, too.
  const [run] = today(bench).runs;
  expect(run?.measurements.map(({ benchmark }) => benchmark)).toStrictEqual(["a", "b"]);
  expect(run?.problems.map(({ benchmark }) => benchmark)).toStrictEqual(["kernel", "k", "storage"]);
});

test("a suite with next to no time is not begun, and says so", async () => {
  const bench = workbench();
  behave(bench, { crypto: { levels: { a: 1 } }, wire: { levels: { b: 1 } } });
  await benchmarkCycle(bench, criterionProfile(bench, { crypto: ["a"], wire: ["b"] }), { budgetMs: 2_100 });
  expect(bench.digest().benchmarks).toMatchObject({
    verdict: "inconclusive",
    runs: { crypto: { reason: "crypto: not begun, less than 1 s was left for it", log_key: null } },
  });
});

test("an id that two suites use is no name: neither is kept", async () => {
  const bench = workbench();
  behave(bench, { crypto: { levels: { same: 1, own: 2 } }, wire: { levels: { same: 3 } } });
  await benchmarkCycle(bench, criterionProfile(bench, { crypto: ["same"], wire: ["same"] }));
  expect(bench.digest().benchmarks).toMatchObject({
    verdict: "inconclusive",
    reason: "same: measured by another suite, too: which of them is meant cannot be told",
  });
  expect(today(bench).runs[0]?.measurements.map(({ benchmark }) => benchmark)).toStrictEqual(["own"]);
});

test("what an earlier cycle measured is no evidence for this one", async () => {
  const bench = workbench();
  const profile = criterionProfile(bench, { crypto: ["a", "b"] });
  behave(bench, { crypto: { levels: { a: 1, b: 2 } } });
  await benchmarkCycle(bench, profile);
  behave(bench, { crypto: { levels: { a: 1 } } });
  await benchmarkCycle(bench, profile);
  expect(bench.digest().benchmarks).toMatchObject({
    verdict: "inconclusive",
    reason: "b: not measured in this run, only in an earlier one",
  });
  expect(today(bench).runs[1]?.measurements).toHaveLength(1);
});

test("two runs on one day are both kept, in order", async () => {
  const { bench, profile } = cryptoBench({ levels: levels() });
  await benchmarkCycle(bench, profile);
  await benchmarkCycle(bench, profile);
  const runs = today(bench).runs;
  expect(runs.map(({ cycle }) => cycle)).toStrictEqual([1, 2]);
  expect(Date.parse(runs[0]!.started_at)).toBeLessThan(Date.parse(runs[1]!.started_at));
});

test("a steady level becomes the accepted one by rule; levels of others stay", async () => {
  const { bench, profile } = cryptoBench({ levels: levels() }, historyOf(clean));
  const other = {
    benchmark: "elsewhere",
    machine_type: "c8g.large",
    cpu: "Neoverse-V2",
    level_ns: 1,
    noise: 0,
    runs: 8,
    first_run_at: "2026-01-01T00:00:00.000Z",
    last_run_at: "2026-01-01T00:00:00.000Z",
    git_commit: "abc",
    promoted_at: "2026-01-01T00:00:00.000Z",
    promoted_by: "person",
  };
  put(bench, BASELINE_KEY, JSON.stringify({ version: 1, updated_at: other.promoted_at, levels: [other] }));
  await benchmarkCycle(bench, profile);
  const { levels: accepted } = decodeJson(bench.text(BASELINE_KEY), BASELINE_KEY, baselineSchema);
  expect(accepted).toHaveLength(11);
  expect(accepted[0]).toStrictEqual(other);
  expect(accepted.find(({ benchmark }) => benchmark === NAME)).toMatchObject({ promoted_by: "rule", runs: 8 });
  const promoted = bench.digest().benchmarks.comparison?.promoted ?? [];
  expect(promoted).toHaveLength(10);
  expect(promoted[0]).toMatchObject({ reason: "there was no baseline" });
});

test("stopped in the middle of a suite: nothing half is kept, and the next start measures all of it", async () => {
  const { bench, profile } = cryptoBench({});
  const hung = join(bench.folder, "hung");
  behave(bench, { crypto: { levels: levels(), once: hung } });
  const stop = new AbortController();
  const running = benchmarkCycle(bench, profile, { signal: stop.signal });
  await until("a suite runs", () => existsSync(hung));
  stop.abort();
  expect(await running).toStrictEqual({ kind: "interrupted", cycle: 1, phase: "benchmarks" });
  expect(bench.keys("benchmarks/")).toStrictEqual([]);

  expect(await benchmarkCycle(bench, profile)).toMatchObject({ kind: "done" });
  expect(bench.digest()).toMatchObject({ cycle: 1, interruptions: 1, benchmarks: { verdict: "passed" } });
  expect(today(bench).runs).toHaveLength(1);
});

test("kill -9 in the middle of a suite: the next start ends what was left over and measures again", async () => {
  const bench = workbench();
  const profile = criterionProfile(bench, { crypto: ["group"] });
  behave(bench, { crypto: { levels: levels(), once: join(bench.folder, "hung") } });
  bench.writeProfile(profile);
  const args = bench.cycleArguments("20s");
  const running = bench.start(args);
  await until("a suite runs", () => existsSync(join(bench.folder, "hung")));
  running.kill("SIGKILL");
  await running;
  expect(readdirSync(join(bench.state, "children"))).toHaveLength(1);

  await bench.start(args);
  expect(bench.digest()).toMatchObject({ cycle: 1, interruptions: 1 });
  const [run, ...more] = today(bench).runs;
  expect(more).toStrictEqual([]);
  expect(run?.measurements).toHaveLength(10);
  expect(readdirSync(join(bench.state, "children"))).toStrictEqual([]);
}, 90_000);

test("a store that is away: the run waits on the disk, and the next cycle adds it to its day", async () => {
  const { bench, profile } = cryptoBench({ levels: levels() });
  const store = new FolderStore(bench.store);
  store.putIf = () => Promise.reject(new KimtestError("STORE_UNREACHABLE", "the network is down"));
  await benchmarkCycle(bench, profile, { change: { store } });
  expect(bench.keys("benchmarks/")).toStrictEqual([]);
  const { benchmarks, warnings } = bench.digest();
  expect(warnings).toContain("benchmark runs wait on this disk for the next cycle: the network is down");
  expect(benchmarks.comparison?.series[0]).toMatchObject({ runs: 1 }); // judged all the same

  await benchmarkCycle(bench, profile);
  expect(today(bench).runs.map(({ cycle }) => cycle)).toStrictEqual([1, 2]);
  expect(readdirSync(join(bench.state, "benchmark-runs"))).toStrictEqual([]);
});

test("a history that cannot be asked is no history: nothing is judged, nothing passes", async () => {
  const { bench, profile } = cryptoBench({ levels: levels() }, historyOf(clean));
  const store = new FolderStore(bench.store);
  store.list = () => {
    throw new KimtestError("STORE_UNREACHABLE", "the network is down");
  };
  await benchmarkCycle(bench, profile, { change: { store } });
  expect(bench.digest().benchmarks).toMatchObject({
    verdict: "inconclusive",
    reason: "no change can be judged: the network is down",
    comparison: null,
  });
});

test("a damaged file of the day is kept under another name, a damaged one of another day is said", async () => {
  const { bench, profile } = cryptoBench({ levels: levels() }, historyOf(clean));
  const key = benchmarksKey(new Date());
  put(bench, key, "{ damaged");
  put(bench, "benchmarks/2026-01-01.json", "[]");
  await benchmarkCycle(bench, profile);
  expect(today(bench).runs).toHaveLength(1);
  const [aside = ""] = bench.keys(`${key}.damaged-`);
  expect(bench.text(aside)).toBe("{ damaged");
  const { warnings, benchmarks } = bench.digest();
  expect(warnings).toHaveLength(2);
  expect(warnings[0]).toContain(`${key} is no history of benchmarks, it is kept as ${aside}: `);
  expect(warnings[1]).toContain("the history of benchmarks lacks 1 days: ");
  expect(warnings[1]).toContain("2026-01-01.json does not have the expected shape");
  expect(benchmarks.comparison?.series[0]).toMatchObject({ runs: 20 }); // 19 of 20, and this one
});

/** A program that prints what it measured, in place of Criterion. */
function tinybenchBench(measured: Record<string, number>, history: readonly BenchmarkRun[]) {
  const bench = workbench();
  seed(bench, history);
  const profile = fakeProfile();
  const command = ["env", `FAKE_BENCH=${JSON.stringify(measured)}`, ...profile.benchmarks.command];
  return { bench, profile: { ...profile, benchmarks: { ...profile.benchmarks, command } } };
}

describe("tinybench: the same history, the same statistics", () => {
  test("a slowdown of 10 % in the newest four runs fails, with its commits", async () => {
    const { bench, profile } = tinybenchBench(levels({ [NAME]: 1100 }), historyOf(slowedFrom(20)));
    await benchmarkCycle(bench, profile, { budgetMs: 10_000 });
    const { benchmarks, trust } = bench.digest();
    expect(benchmarks.verdict).toBe("failed");
    expect(benchmarks.reason).toMatch(/^group\/function-3: \+\d+\.\d % .*, after commit-19 and up to commit-20$/);
    expect(trust.benchmarks.trusted).toBe(true);
    expect(today(bench).runs[0]).toMatchObject({
      tool: "tinybench",
      compiler: "Node.js v24",
      measurements: expect.arrayContaining([
        expect.objectContaining({
          benchmark: NAME,
          suite: "tinybench",
          median: { ns: 1100, lower_ns: null, upper_ns: null, confidence: null },
          mean: { ns: 1100, lower_ns: 1089, upper_ns: 1111, confidence: 0.99 },
          deviation_ns: null,
        }),
      ]),
    });
  });

  test.each<[what: string, busy: number, history: BenchmarkRun[], said: RegExp]>([
    ["a loud machine", 0.9, historyOf(clean), /^this run does not count: 90\.0 % of CPU time busy/],
    [
      "noise",
      0,
      historyOf({ runs: 20, factor: (run, one) => (one === 3 ? 1 + 0.9 * ((run * 7) % 5) : 1) }),
      /too noisy/,
    ],
    ["a history that begins", 0, [], /^the history begins: 1 of 12 runs/],
    ["a benchmark that is gone", 0, historyOf({ runs: 20, benchmarks: 11 }), /^group\/function-10: not measured in/],
  ])("%s is said, and the phase stands on what it measured", async (_what, busy, history, said) => {
    const { bench, profile } = tinybenchBench(levels(), history);
    const change = { sampleMachine: machineWith({ busy }) };
    await benchmarkCycle(bench, profile, { budgetMs: 10_000, change });
    const { benchmarks } = bench.digest();
    expect(benchmarks).toMatchObject({ verdict: "passed", reason: null, comparison: { verdict: "inconclusive" } });
    expect(benchmarks.comparison?.reason).toMatch(said);
  });

  test("more benchmarks than the history takes: cut, and said", async () => {
    const many = Object.fromEntries(Array.from({ length: 2_001 }, (_, index) => [`b${String(index)}`, 1_000]));
    const { bench, profile } = tinybenchBench(many, []);
    await benchmarkCycle(bench, profile, { budgetMs: 10_000 });
    expect(bench.digest().benchmarks).toMatchObject({
      verdict: "inconclusive",
      reason: "b2000: left out, like all after it: the history takes 2000 benchmarks in one run",
    });
    expect(today(bench).runs[0]?.measurements).toHaveLength(2_000);
  });

  test("a program that measures nothing is inconclusive, and that is in the history", async () => {
    const { bench, profile } = tinybenchBench({}, []);
    await benchmarkCycle(bench, profile, { budgetMs: 10_000 });
    expect(bench.digest().benchmarks).toMatchObject({ verdict: "inconclusive", reason: "no benchmark was run" });
    expect(today(bench).runs[0]).toMatchObject({ measurements: [], problems: [{ reason: "no benchmark was run" }] });
  });
});
