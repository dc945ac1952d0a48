import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import { parseJson } from "../contracts/json.ts";
import { voprRecordSchema, type VoprRecord } from "../contracts/vopr.ts";
import { parseArguments, type RunOptions } from "./arguments.ts";
import { runBatch, type BatchDeps } from "./batch.ts";
import { loadCheckpoint } from "./checkpoint.ts";
import { SeedCounter } from "./seed.ts";
import type { SimulationResult } from "./simulation/options.ts";

const OK: SimulationResult = {
  failure: null,
  replicas: [],
  events: 10,
  simulatedTimeUs: 2500,
  storageHash: "a".repeat(64),
  kernelStateHash: "b".repeat(64),
};
const FAILED: SimulationResult = { ...OK, failure: { invariant: "vsr_agreement", message: 'two "differ"' } };

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "kimtest-batch-"));
});
afterEach(() => {
  rmSync(folder, { recursive: true, force: true });
});

function options(...argv: string[]): RunOptions {
  const command = parseArguments(["--json", ...argv]);
  if (command.name !== "run") throw new Error("not a run");
  return command.options;
}

interface FakeRun {
  readonly exitCode: number;
  readonly records: VoprRecord[];
  readonly text: string;
  /** Names of the bundles that were written. */
  readonly bundles: string[];
}

async function runWith(
  run: RunOptions,
  simulate: (low: number) => SimulationResult,
  stopAfterMs = Infinity,
): Promise<FakeRun> {
  let text = "";
  const bundles: string[] = [];
  let nowMs = 0;
  const deps: BatchDeps = {
    simulate: (low) => simulate(low),
    commit: "unknown",
    writeFile: (path) => {
      // Somebody who reads the line of a seed finds its bundle.
      expect(text).not.toContain(`"seed":${/-(\d+)\.kmb$/.exec(path)?.[1] ?? "none"},`);
      bundles.push(basename(path));
      return Promise.resolve();
    },
    appendFile: () => Promise.resolve(),
    sizeOf: () => Promise.resolve(0),
    warn: () => undefined,
    write: (chunk) => {
      text += chunk;
      return Promise.resolve();
    },
    breathe: () => Promise.resolve(),
    stopRequested: () => (nowMs >= stopAfterMs ? 143 : undefined),
    now: () => new Date(0),
    monotonicMs: () => (nowMs += 20),
  };
  const exitCode = await runBatch(run, deps);
  const lines = run.json ? text.trimEnd().split("\n") : [];
  return { exitCode, records: lines.map((line) => voprRecordSchema.parse(parseJson(line, "line"))), text, bundles };
}

const typesOf = ({ records }: FakeRun): string[] => records.map(({ type }) => type);

describe("runBatch", () => {
  test("prints start, one line per seed, and the end", async () => {
    const run = await runWith(options("--seed", "18446744073709551613", "-n", "3"), () => OK);
    expect(run.exitCode).toBe(0);
    expect(typesOf(run)).toEqual(["start", "iteration", "iteration", "iteration", "batch_complete"]);
    expect(run.text).toContain('"seed":18446744073709551615,');
    expect(run.text.split("\n")[1]).toBe(
      `{"data":{"events":10,"kernel_state_hash":"${"b".repeat(64)}","seed":18446744073709551613,` +
        `"simulated_time_ms":2.5,"status":"ok","storage_hash":"${"a".repeat(64)}"},` +
        `"timestamp":"1970-01-01T00:00:00.000000000+00:00","type":"iteration"}`,
    );
  });

  test("counts failures and names them", async () => {
    const run = await runWith(options("--seed", "5", "-n", "4"), (low) => (low % 2 === 0 ? FAILED : OK));
    expect(run.exitCode).toBe(1);
    const end = run.records.at(-1)!;
    expect(end.type === "batch_complete" ? [end.data.successes, end.data.failures, end.data.failed_seeds] : []).toEqual(
      [2, 2, [6n, 8n]],
    );
    const failed = run.records[2]!;
    expect(failed.data).toMatchObject({
      seed: 6n,
      invariant: "vsr_agreement",
      message: 'two "differ"',
      scenario: "default",
    });
  });

  test("with --check-determinism a difference is a failed iteration with both values", async () => {
    let runs = 0;
    const simulate = (): SimulationResult => {
      runs += 1;
      return runs === 4 ? { ...OK, storageHash: "c".repeat(64) } : OK;
    };
    const run = await runWith(options("-n", "2", "--check-determinism"), simulate);
    expect(run.exitCode).toBe(1);
    expect(run.records[1]!.data).toMatchObject({ seed: 0n, status: "ok" });
    expect(run.records[2]!.data).toMatchObject({
      seed: 1n,
      invariant: "determinism",
      message: `two runs of this seed differ: storage_hash ${"a".repeat(64)} != ${"c".repeat(64)}; their traces are equal`,
    });
  });

  test("goes on behind the checkpoint; an explicit seed wins; totals add up", async () => {
    const file = join(folder, "checkpoint.json");
    const first = await runWith(options("--checkpoint-file", file, "-n", "3"), (low) => (low === 1 ? FAILED : OK));
    const second = await runWith(options("--checkpoint-file", file, "-n", "2"), () => OK);
    const third = await runWith(options("--checkpoint-file", file, "-n", "1", "--seed", "1"), () => FAILED);
    const starts = [first, second, third].map(({ records }) => {
      const start = records[0]!;
      return start.type === "start" ? [start.data.starting_seed, start.data.checkpoint_loaded] : [];
    });
    expect(starts).toEqual([
      [0n, false],
      [3n, true],
      [1n, true],
    ]);
    expect(loadCheckpoint(file)).toEqual({ lastSeed: 4n, totalIterations: 6, totalFailures: 2, failedSeeds: [1n] });
  });

  test("a stopped batch ends after a seed, keeps its checkpoint, and prints no end", async () => {
    const file = join(folder, "checkpoint.json");
    const run = await runWith(options("--checkpoint-file", file, "-n", "1000"), () => OK, 500);
    expect(run.exitCode).toBe(143);
    expect(typesOf(run)).not.toContain("batch_complete");
    const done = run.records.filter(({ type }) => type === "iteration").length;
    expect(done).toBeGreaterThan(0);
    expect(done).toBeLessThan(1000);
    expect(loadCheckpoint(file)!.lastSeed).toBe(BigInt(done - 1));
  });

  test("for people: failures with a command that repeats them", async () => {
    const command = parseArguments(["--scenario", "gray", "--seed", "7", "-n", "1", "-v"]);
    if (command.name !== "run") throw new Error("not a run");
    const run = await runWith(command.options, () => FAILED);
    expect(run.text).toContain('seed 7 FAILED: vsr_agreement\n  two "differ"\n  ReplicaDivergence, after 10 events');
    expect(run.text).toContain("again: npx kimtest vopr --seed 7 -n 1 --scenario gray -v\n");
    expect(run.text).toContain("1 seeds, 1 failed");
  });

  test("a simulator that breaks takes no earlier seed with it, and the seed is named", async () => {
    const simulate = (low: number): SimulationResult => {
      if (low === 2) throw new TypeError("no such slot");
      return FAILED;
    };
    let text = "";
    const deps: BatchDeps = {
      simulate,
      commit: "unknown",
      writeFile: () => Promise.resolve(),
      appendFile: () => Promise.resolve(),
      sizeOf: () => Promise.resolve(0),
      warn: () => undefined,
      write: (chunk) => {
        text += chunk;
        return Promise.resolve();
      },
      breathe: () => Promise.resolve(),
      stopRequested: () => undefined,
      now: () => new Date(0),
      monotonicMs: () => 0,
    };
    await expect(runBatch(options("-n", "5"), deps)).rejects.toThrow("seed 2: no such slot");
    expect(text.match(/"type":"iteration"/g)!.length).toBe(2);
    expect(text).not.toContain("batch_complete");
  });

  test("a failure that comes often leaves room for the bundle of one that comes rarely", async () => {
    const rare = { ...OK, failure: { invariant: "hash_chain", message: "broken" } };
    const simulate = (low: number): SimulationResult => (low === 7 ? rare : FAILED);
    const argv = ["-n", "9", "--scenario", "combined", "--bundle-out", folder, "--max-bundles-per-invariant", "2"];
    const names = [0, 1].map((seed) => `vsr_agreement-combined-${seed}.kmb`);
    const both = await runWith(options(...argv), simulate);
    expect(both.bundles).toEqual([...names, "hash_chain-combined-7.kmb"]);
    expect(both.text).toContain('"bundles_written":3,');
    expect((await runWith(options(...argv, "--max-bundles", "2"), simulate)).bundles).toEqual(names);
  });

  test("behind the last seed there is nothing", async () => {
    const file = join(folder, "checkpoint.json");
    await runWith(options("--checkpoint-file", file, "-n", "1", "--seed", "18446744073709551615"), () => OK);
    await expect(runWith(options("--checkpoint-file", file, "-n", "1"), () => OK)).rejects.toThrow(
      "do not fit into 64 bits",
    );
  });
});

test("seeds are counted over the border of their halves", () => {
  const seed = new SeedCounter(2n ** 32n - 1n);
  seed.next();
  expect([seed.low, seed.high, seed.toString(), seed.value]).toEqual([0, 1, "4294967296", 2n ** 32n]);
  expect(new SeedCounter(2n ** 53n + 1n).toString()).toBe("9007199254740993");
  expect(new SeedCounter(2n ** 64n - 1n).toString()).toBe("18446744073709551615");
});
