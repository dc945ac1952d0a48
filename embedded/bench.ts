/**
 * The benchmark program of the embedded profile: this project's own hot paths, by tinybench.
 *
 *   bench --json --seconds S      one JSON object on stdout (contracts/programs.ts)
 *
 * Its last pair is a canary: the same work, and the same work slowed down by half.
 */
import { parseArgs } from "node:util";
import { Bench, type Task } from "tinybench";
import type { Benchmark } from "../contracts/results.ts";
import { voprFailureKey, parseFailureKey } from "../contracts/bucket.ts";
import { EXIT, KimtestError, type ExitCode } from "../contracts/errors.ts";
import { parseJson, stringifyJson } from "../contracts/json.ts";
import type { BenchRun } from "../contracts/programs.ts";
import { lineSplitter } from "../runner/platform/lines.ts";
import { runProgram } from "../runner/platform/program.ts";
import { changePoints } from "../runner/statistics/change-points.ts";
import { CHANGE_SETTINGS } from "../runner/statistics/settings.ts";
import { BatchReader } from "../runner/tools/vopr.ts";
import { emptyRegistry, mergeCycle, type Contribution } from "../runner/triage/registry.ts";

/** tinybench keeps every sample in memory: about half a gigabyte for a minute. */
const MAX_SECONDS = 120;
const BATCH = 100;
const hash = "0123456789abcdef".repeat(4);
const timestamp = "2026-11-21T00:00:00.000000000+00:00";

function line(type: string, data: Record<string, unknown>): string {
  return stringifyJson({ data, timestamp, type }, 0);
}

const START = line("start", {
  starting_seed: 0,
  iterations: BATCH,
  network_faults: true,
  storage_faults: true,
  checkpoint_loaded: false,
});
const ITERATIONS = Array.from({ length: BATCH }, (_, seed) =>
  line("iteration", {
    seed,
    status: "ok",
    events: 4321,
    simulated_time_ms: 9876.5,
    storage_hash: hash,
    kernel_state_hash: hash,
  }),
);
const OUTPUT = Buffer.from(`${[START, ...ITERATIONS].join("\n")}\n`);
const LONG_SEED = '{"seed":18446744073709551615,"status":"ok"}';

const RECORD: unknown = JSON.parse(ITERATIONS[0] ?? "");
/** A level that moves by 10 % in the middle, and a ripple. */
const SERIES = Array.from({ length: 50 }, (_, index) => (index < 25 ? 0 : 0.1) + 0.01 * Math.sin(index * 12.9898));
const CONTRIBUTION: Contribution = {
  cycle: 1,
  git_commit: hash,
  at: timestamp,
  rechecks: [],
  sightings: Array.from({ length: 20 }, (_, index) => ({
    signature: `invariant_${String(index)}:combined`,
    workload: "vopr",
    count: 3,
    first_at: timestamp,
    last_at: timestamp,
    seeds: [1n, 2n, 3n],
    message: "replicas 0 and 2 differ at op 41",
    repro: "npx kimtest vopr --seed 1",
    failure_key: "failures/vopr/seed-1-1700000000000.json",
  })),
};

/** Some work that no compiler takes away. */
function work(rounds: number): number {
  let state = 1;
  for (let round = 0; round < rounds; round += 1) state = (Math.imul(state, 1_103_515_245) + 12_345) | 0;
  return state;
}

let sink: unknown;

/** At least eight: with fewer the history could not tell a slower machine from slower code. */
const BENCHMARKS: Readonly<Record<string, () => void>> = {
  "vopr-reader/100-lines": () => {
    const reader = new BatchReader({ startingSeed: 0n, iterations: BATCH });
    reader.take(START);
    for (const text of ITERATIONS) reader.take(text);
    sink = reader.parsed;
  },
  "line-splitter/100-lines": () => {
    sink = lineSplitter(1_000_000).push(OUTPUT);
  },
  "json/parse-small-integers": () => {
    sink = parseJson(ITERATIONS[0] ?? "", "line");
  },
  "json/parse-u64": () => {
    sink = parseJson(LONG_SEED, "line");
  },
  "json/stringify-record": () => {
    sink = stringifyJson(RECORD, 0);
  },
  "bucket/failure-key-round-trip": () => {
    sink = parseFailureKey(voprFailureKey(123_456_789n, 1_700_000_000_000));
  },
  "registry/merge-cycle": () => {
    sink = mergeCycle(emptyRegistry(timestamp), CONTRIBUTION);
  },
  "statistics/change-points-50": () => {
    sink = changePoints(SERIES, CHANGE_SETTINGS);
  },
};
/** Rounds of work that take some tens of microseconds, and half as many more. */
const PLAIN_ROUNDS = 20_000;
const SLOWED_ROUNDS = 30_000;
const MIN_PAIRS = 60;

/** Pairs measured in turn, so that a machine that changes its speed changes both. */
function measureCanary(ms: number): BenchRun["canary"] {
  const time = (rounds: number): number => {
    const started = performance.now();
    for (let repeat = 0; repeat < 20; repeat += 1) sink = work(rounds);
    return performance.now() - started;
  };
  const ratios: number[] = [];
  const endMs = performance.now() + ms;
  time(PLAIN_ROUNDS); // compiles it
  while (ratios.length < MIN_PAIRS || performance.now() < endMs) {
    const plain = time(PLAIN_ROUNDS);
    ratios.push(time(SLOWED_ROUNDS) / plain);
  }
  return { name: "planted-slowdown", ratio: medianWithInterval(ratios), pairs: ratios.length };
}

/**
 * Median and its 99 % confidence interval from order statistics (Conover, Practical Nonparametric
 * Statistics, ch. 3.2): no assumption about how the noise is distributed.
 */
function medianWithInterval(values: readonly number[]): BenchRun["canary"]["ratio"] {
  const sorted = values.toSorted((a, b) => a - b);
  const reach = 2.576 * 0.5 * Math.sqrt(sorted.length);
  const at = (position: number): number => sorted[Math.min(sorted.length - 1, Math.max(0, position))]!;
  const middle = (sorted.length - 1) / 2;
  return {
    median: at(Math.round(middle)),
    lower: at(Math.floor(middle - reach)),
    upper: at(Math.ceil(middle + reach)),
  };
}

function benchmarkOf(task: Task): Benchmark {
  const { result } = task;
  if (!("latency" in result)) throw new Error(`benchmark ${task.name} did not complete: ${result.state}`);
  const { latency } = result;
  const meanNs = latency.mean * 1e6;
  const marginNs = latency.moe * 1e6;
  return {
    name: task.name,
    samples: latency.samplesCount,
    median_ns: latency.p50 * 1e6,
    mean_ns: meanNs,
    lower_ns: Math.max(Number.MIN_VALUE, meanNs - marginNs),
    upper_ns: meanNs + marginNs,
    operations_per_second: 1e9 / meanNs,
  };
}

async function measure(seconds: number): Promise<BenchRun> {
  const taskMs = (seconds * 1000) / (Object.keys(BENCHMARKS).length + 1);
  const bench = new Bench({ time: taskMs * 0.8, warmupTime: taskMs * 0.2, throws: true });
  for (const [name, run] of Object.entries(BENCHMARKS)) bench.add(name, run);
  await bench.run();
  const canary = measureCanary(taskMs);
  if (sink === undefined) throw new Error("nothing was measured");
  return { benchmarks: bench.tasks.map(benchmarkOf), canary };
}

async function main(argv: string[]): Promise<ExitCode> {
  const { values } = parseArgs({
    args: argv,
    options: { json: { type: "boolean", default: false }, seconds: { type: "string", default: "5" } },
  });
  const seconds = Number(values.seconds);
  if (!(seconds > 0 && seconds <= MAX_SECONDS)) {
    throw new KimtestError(
      "USAGE",
      `--seconds is "${values.seconds}", but must be a number above 0, at most ${String(MAX_SECONDS)}`,
    );
  }
  const run = await measure(seconds);
  process.stdout.write(values.json ? `${stringifyJson(run, 0)}\n` : humanText(run));
  return EXIT.ok;
}

function humanText({ benchmarks }: BenchRun): string {
  return benchmarks
    .map(
      ({ name, median_ns, samples }) =>
        `${name.padEnd(32)} ${median_ns.toFixed(0).padStart(9)} ns  (${String(samples)} samples)\n`,
    )
    .join("");
}

runProgram("bench", () => main(process.argv.slice(2)));
