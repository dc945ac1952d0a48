import { describe, expect, test } from "@jest/globals";
import { stringifyJson } from "../../contracts/json.ts";
import { MAX_U64 } from "../../contracts/u64.ts";
import { fakeProfile } from "../../test/fake-profile.ts";
import type { ProgramEnd } from "../platform/program-run.ts";
import { batchCommand, BatchReader, reproCommand } from "./vopr.ts";

const HASH = "0123456789abcdef".repeat(4);
const ended = (change: Partial<ProgramEnd> = {}): ProgramEnd => ({
  ending: "exited",
  exitCode: 0,
  signal: null,
  description: "exit code 0",
  stdout: "",
  stderr: "",
  durationMs: 10,
  cpuMs: 10,
  ...change,
});

const line = (type: string, data: object): string =>
  stringifyJson({ data, timestamp: "2026-01-30T12:00:00Z", type }, 0);
const start = (seed: bigint, iterations: number): string =>
  line("start", {
    starting_seed: seed,
    iterations,
    network_faults: true,
    storage_faults: true,
    checkpoint_loaded: false,
  });
const ok = (seed: bigint): string =>
  line("iteration", {
    seed,
    status: "ok",
    events: 1,
    simulated_time_ms: 1,
    storage_hash: HASH,
    kernel_state_hash: HASH,
  });
const bad = (seed: bigint): string =>
  line("iteration", { seed, status: "failed", events: 1, invariant: "linearizability", message: "m" });
const complete = (successes: number, failedSeeds: bigint[]): string =>
  line("batch_complete", {
    successes,
    failures: failedSeeds.length,
    elapsed_secs: 1,
    rate: 1,
    failed_seeds: failedSeeds,
    coverage: {
      fault_points: { total: 1, hit: 1, coverage_percent: 100, fault_points: {} },
      phases: { total_events: 1, unique_phases: 1, phase_counts: {} },
      invariants: { total: 1, executed: 1, coverage_percent: 100, invariant_counts: {} },
    },
    properties: {
      total_observed: 0,
      always_evaluated: 0,
      never_evaluated: 0,
      sometimes_satisfied: 0,
      sometimes_total: 0,
      reached_hit: 0,
      reached_total: 0,
      violation_count: 0,
      unsatisfied_sometimes_ids: [],
      unreached_ids: [],
      violated_ids: [],
    },
  });

/** Reads three seeds from 0 unless told otherwise. */
function judge(lines: string[], end: Partial<ProgramEnd> = {}, range = { startingSeed: 0n, iterations: 3 }) {
  const reader = new BatchReader(range);
  for (const text of lines) if (reader.take(text).next === "stop") break;
  return { ...reader.judge(ended(end)), suspect: reader.suspect, parsed: reader.parsed };
}

const GOOD = [start(0n, 3), ok(0n), ok(1n), ok(2n), complete(3, [])];
const ONE_FAILED = [start(0n, 3), ok(0n), bad(1n), ok(2n), complete(2, [1n])];

test("passed: every seed has its line, and the final record agrees", () => {
  expect(judge(GOOD)).toMatchObject({ verdict: "passed", reason: null, iterations: 3, failures: 0 });
});

test("failed: counted by its lines", () => {
  expect(judge(ONE_FAILED, { exitCode: 1 })).toMatchObject({
    verdict: "failed",
    reason: "1 of 3 seeds failed",
    iterations: 3,
    failures: 1,
  });
});

test("seeds near 2^64 keep every digit", () => {
  const from = MAX_U64 - 2n;
  const lines = [start(from, 3), ok(from), bad(from + 1n), ok(from + 2n), complete(2, [from + 1n])];
  expect(judge(lines, { exitCode: 1 }, { startingSeed: from, iterations: 3 })).toMatchObject({
    verdict: "failed",
    iterations: 3,
  });
  expect(lines[2]).toContain('"seed":18446744073709551614');
});

test("a determinism violation has no line in Kimberlite's output, only an entry in failed_seeds", () => {
  const lines = [start(0n, 3), ok(0n), ok(2n), complete(2, [1n])];
  expect(judge(lines, { exitCode: 1 })).toMatchObject({
    verdict: "failed",
    iterations: 3,
    failures: 1,
    silentFailures: [1n],
  });
});

describe("inconclusive, with the reason", () => {
  const table: [string, string[], Partial<ProgramEnd>, string | RegExp][] = [
    ["no final record", GOOD.slice(0, 4), {}, "ended without batch_complete, exit code 0"],
    ["no start record", [], {}, "printed no start record, exit code 0"],
    [
      "a panic",
      GOOD.slice(0, 2),
      { exitCode: 101, stderr: "note\nthread panicked at x.rs:1\n" },
      "panicked (exit code 101): thread panicked at x.rs:1",
    ],
    ["a panic after everything was printed", GOOD, { exitCode: 101 }, "panicked (exit code 101)"],
    [
      "a signal",
      GOOD,
      { ending: "killed", exitCode: null, signal: "SIGKILL", description: "killed by SIGKILL" },
      "killed by SIGKILL",
    ],
    [
      "the deadline",
      GOOD,
      { ending: "deadline", exitCode: null, description: "still running at its deadline of 1.0 s" },
      "still running at its deadline of 1.0 s",
    ],
    [
      "a missing program",
      [],
      { ending: "not-started", exitCode: null, description: "cannot be started: vopr does not exist" },
      "cannot be started: vopr does not exist",
    ],
    [
      "a usage error",
      [],
      { exitCode: 2, description: "exit code 2", stderr: "Unknown argument: run\n" },
      "exit code 2: Unknown argument: run",
    ],
    [
      "text between the records",
      [GOOD[0]!, "Warning: Failed to save checkpoint"],
      {},
      /^line 2 is not valid JSON: .*\("Warning: Failed to save checkpoint"\)$/,
    ],
    ["a truncated line", [GOOD[0]!, GOOD[1]!.slice(0, 30)], {}, /^line 2 is not valid JSON/],
    ["a record of no known type", [GOOD[0]!, line("progress", {})], {}, /^line 2 is no vopr record at type/],
    [
      "a record without its fields",
      [GOOD[0]!, line("iteration", { seed: 0, status: "ok" })],
      {},
      /^line 2 is no vopr record at data\.events/,
    ],
    ["a seed nobody asked for", [GOOD[0]!, ok(7n)], {}, "seed 7 is out of order or was not asked for"],
    ["a seed twice", [GOOD[0]!, ok(0n), ok(0n)], {}, "seed 0 is out of order or was not asked for"],
    ["another range than asked for", [start(1n, 3)], {}, "was asked for 3 seeds from 0, but started 3 from 1"],
    ["an iteration before the start", [ok(0n)], {}, "a iteration record before the start record"],
    [
      "an iteration after the end",
      [...GOOD.slice(0, 3), complete(2, []), ok(2n)],
      {},
      "an iteration after batch_complete",
    ],
    [
      "a seed without a word",
      [start(0n, 3), ok(0n), ok(2n), complete(2, [])],
      {},
      "no line and no entry in failed_seeds for seed 1",
    ],
    [
      "a final record that lies",
      [...GOOD.slice(0, 4), complete(2, [])],
      {},
      "batch_complete says 2 ok and 0 failed, but the lines say 3 and 0",
    ],
    [
      "failed seeds that no line knows",
      [
        ...GOOD.slice(0, 4),
        line("batch_complete", { ...(JSON.parse(complete(3, [])) as { data: object }).data, failed_seeds: [1, 99] }),
      ],
      {},
      "failed_seeds names 2 seeds, but the lines say 0",
    ],
    [
      "a failed line that the final record does not name",
      [...ONE_FAILED.slice(0, 4), complete(2, [2n])],
      { exitCode: 1 },
      "seed 1 failed, but failed_seeds does not name it",
    ],
    ["exit code 0 with failures", ONE_FAILED, { exitCode: 0 }, "exit code 0 does not fit 1 failures"],
    ["exit code 1 without failures", GOOD, { exitCode: 1 }, "exit code 1 does not fit 0 failures"],
  ];
  test.each(table)("%s", (_name, lines, end, reason) => {
    const judged = judge(lines, end);
    expect(judged).toMatchObject({ verdict: "inconclusive", iterations: 0, failures: 0 });
    if (typeof reason === "string") expect(judged.reason).toBe(reason);
    else expect(judged.reason).toMatch(reason);
  });
});

test("the suspect is the first seed without a line", () => {
  expect(judge(GOOD.slice(0, 3), { exitCode: 101 }).suspect).toBe(2n);
  expect(judge([start(0n, 3), ok(0n), ok(2n)], { exitCode: 101 }).suspect).toBe(1n);
});

test("unknown fields are no fault", () => {
  const record = JSON.parse(ok(0n)) as { data: object };
  const reader = new BatchReader({ startingSeed: 0n, iterations: 1 });
  reader.take(start(0n, 1));
  const { record: read } = reader.take(
    JSON.stringify({ ...record, host: "a", data: { ...record.data, coverage: { x: 1 } } }),
  );
  expect(read).toMatchObject({ host: "a", data: { coverage: { x: 1 } } });
});

test("the command of a batch, and of one of its seeds", () => {
  const profile = {
    ...fakeProfile().vopr,
    command: ["vopr"],
    arguments: ["--max-events", "500"],
    repro_command: "cargo run --bin vopr --",
  };
  const batch = {
    id: 1,
    kind: "determinism",
    scenario: "combined",
    starting_seed: 5n,
    iterations: 10,
    attempt: 1,
    counted_failures: [],
  } as const;
  const seeded = { ...batch, counted_failures: [] };
  expect(batchCommand(profile, seeded).join(" ")).toBe(
    "vopr --json --scenario combined --seed 5 -n 10 --max-events 500 --check-determinism",
  );
  expect(batchCommand(profile, { ...seeded, kind: "normal" }).join(" ")).toBe(
    "vopr --json --scenario combined --seed 5 -n 10 --max-events 500",
  );
  expect(reproCommand(profile, seeded, 7n)).toEqual({
    command: [
      "vopr",
      "--json",
      "--scenario",
      "combined",
      "--seed",
      "7",
      "-n",
      "1",
      "--max-events",
      "500",
      "--check-determinism",
    ],
    repro: "cargo run --bin vopr -- --scenario combined --seed 7 -n 1 --max-events 500 --check-determinism -v",
  });
});
