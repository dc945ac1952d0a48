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
import { BatchReader } from "../runner/tools/vopr.ts";

const MAX_SECONDS = 3600;
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

/** Some work that no compiler takes away. */
function work(rounds: number): number {
  let state = 1;
  for (let round = 0; round < rounds; round += 1) state = (Math.imul(state, 1_103_515_245) + 12_345) | 0;
  return state;
}

let sink: unknown;

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
  "bucket/failure-key-round-trip": () => {
    sink = parseFailureKey(voprFailureKey(123_456_789n, 1_700_000_000_000));
  },
};
const CANARY = {
  reference: () => {
    sink = work(20_000);
  },
  slowed: () => {
    sink = work(30_000);
  },
};

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
  const tasks = Object.keys(BENCHMARKS).length + Object.keys(CANARY).length;
  const perTaskMs = (seconds * 1000) / tasks;
  const bench = new Bench({ time: perTaskMs * 0.8, warmupTime: perTaskMs * 0.2, throws: true });
  for (const [name, run] of Object.entries({ ...BENCHMARKS, ...CANARY })) bench.add(name, run);
  await bench.run();
  const measured = new Map(bench.tasks.map((task) => [task.name, benchmarkOf(task)]));
  const { reference, slowed } = { reference: measured.get("reference"), slowed: measured.get("slowed") };
  if (reference === undefined || slowed === undefined || sink === undefined)
    throw new Error("the canary was not measured");
  return {
    benchmarks: Object.keys(BENCHMARKS).flatMap((name) => measured.get(name) ?? []),
    canary: { name: "planted-slowdown", reference, slowed },
  };
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
