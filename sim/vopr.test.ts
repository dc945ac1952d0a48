/** The program as a process: what it prints, and how it ends. */
import { spawn, spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, jest, test } from "@jest/globals";
import { parseJson } from "../contracts/json.ts";
import { voprRecordSchema, type VoprRecord } from "../contracts/vopr.ts";
import { CANARIES } from "./canaries.ts";
import { SCENARIOS } from "./scenarios.ts";

// Up to eight runs of the program in one test.
jest.setTimeout(180_000);

const PROGRAM = fileURLToPath(new URL("vopr.ts", import.meta.url));

function vopr(...argv: string[]): { status: number | null; stdout: string; stderr: string } {
  return spawnSync(process.execPath, [PROGRAM, ...argv], { encoding: "utf8", maxBuffer: 1e8 });
}

function recordsOf(stdout: string): VoprRecord[] {
  const lines = stdout.trimEnd().split("\n");
  return lines.map((line) => voprRecordSchema.parse(parseJson(line, "line")));
}

/** Without what is allowed to differ. */
function timeless(stdout: string): string {
  return stdout.replace(/"timestamp":"[^"]*"|"elapsed_secs":[\d.e-]+|"rate":[\d.]+/g, "");
}

describe("output", () => {
  test("every line is a record, and two processes print the same", () => {
    const argv = ["--json", "--scenario", "combined", "--seed", "9007199254740990", "-n", "40"];
    const one = vopr(...argv);
    const other = vopr(...argv);
    expect([one.status, one.stderr]).toEqual([0, ""]);
    expect(timeless(other.stdout)).toBe(timeless(one.stdout));
    const records = recordsOf(one.stdout);
    expect(records.length).toBe(42);
    expect(records[41]).toMatchObject({ type: "batch_complete", data: { successes: 40, failures: 0 } });
    expect(one.stdout).toContain('"seed":9007199254740993,');
  });

  test("failed seeds give exit code 1 and valid records", () => {
    const { status, stdout } = vopr("--json", "--scenario", "combined", "--canary", "skip-fsync", "-n", "30");
    expect(status).toBe(1);
    const records = recordsOf(stdout);
    const end = records.at(-1)!;
    const failed = records.filter(({ type, data }) => type === "iteration" && data["status"] === "failed");
    expect(end.type === "batch_complete" ? end.data.failures : 0).toBe(failed.length);
    expect(failed.length).toBeGreaterThan(0);
  });

  test("--check-determinism finds nothing", () => {
    const { status, stdout } = vopr("--json", "--scenario", "combined", "-n", "20", "--check-determinism");
    expect(status).toBe(0);
    expect(stdout).toContain('"successes":20');
  });

  test("--trace-out: the traces of failed seeds, the same from two processes", () => {
    const folder = mkdtempSync(join(tmpdir(), "kimtest-vopr-"));
    const traceOf = (name: string): string => {
      const path = join(folder, name);
      const run = vopr("--scenario", "leader-race", "-n", "2", "--trace-out", path, "--trace-filter", "minimal");
      expect(run.status).toBe(1);
      return readFileSync(path, "utf8");
    };
    const trace = traceOf("one.ndjson");
    expect(traceOf("two.ndjson")).toBe(trace);
    const events = trace
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line) as { seed: number; type: string });
    expect(events[0]).toMatchObject({ seed: 0, type: "SimulationStart" });
    expect(events.at(-1)).toMatchObject({ seed: 1, type: "SimulationEnd" });
    rmSync(folder, { recursive: true });
  });

  test("--trace-out FILE.json: one array, replaced by the next batch; --trace-events keeps the newest", () => {
    const folder = mkdtempSync(join(tmpdir(), "kimtest-vopr-"));
    const path = join(folder, "trace.json");
    interface Traced {
      seed: number;
      recorded: number;
      events: { seq: number; type: string }[];
    }
    const tracesOf = (...argv: string[]): Traced[] => {
      expect(vopr("--scenario", "leader-race", "-n", "2", "--trace-out", path, ...argv).status).toBe(1);
      return JSON.parse(readFileSync(path, "utf8")) as Traced[];
    };
    const whole = tracesOf();
    expect(whole.map(({ seed, recorded, events }) => [seed, recorded === events.length])).toEqual([
      [0, true],
      [1, true],
    ]);
    const [first, second] = tracesOf("--trace-events", "3");
    expect(first!.recorded).toBe(whole[0]!.recorded);
    expect(first!.events).toEqual(whole[0]!.events.slice(-3));
    expect(second!.events.at(-1)!.type).toBe("SimulationEnd");
    expect(tracesOf("--trace-filter", "failures_only")[0]!.events.map(({ type }) => type)).toEqual([
      "SimulationStart",
      "InvariantViolation",
      "SimulationEnd",
    ]);
    // No failure, no trace: an array all the same.
    expect(vopr("-n", "1", "--trace-out", path).status).toBe(0);
    expect(JSON.parse(readFileSync(path, "utf8"))).toEqual([]);
    rmSync(folder, { recursive: true });
  });

  test.each([
    ["an array that stays one", "trace.json", 0],
    ["a file that had much in it already", "trace.ndjson", 500_000],
  ])("--trace-max-mebibytes: %s, and what found no room is said", (_, name, before) => {
    const folder = mkdtempSync(join(tmpdir(), "kimtest-vopr-"));
    const path = join(folder, name);
    writeFileSync(path, `${"x".repeat(before)}\n`);
    const argv = [
      "--scenario",
      "combined",
      "-n",
      "12",
      "--enable-trace",
      "--trace-events",
      "1000",
      "--trace-out",
      path,
    ];
    const { status, stdout, stderr } = vopr(...argv, "--trace-max-mebibytes", "1", "--json");
    expect(status).toBe(0);
    const text = readFileSync(path, "utf8");
    expect(text.length).toBeLessThanOrEqual(1024 * 1024);
    const end = JSON.parse(stdout.trimEnd().split("\n").at(-1)!) as { data: Record<string, number> };
    const { traces_written: written, traces_left_out: leftOut } = end.data;
    expect(written).toBeGreaterThan(0);
    expect(written! + leftOut!).toBe(12);
    const ends = [...text.matchAll(/"type":"SimulationEnd"/g)].length;
    expect(ends).toBe(written);
    expect(stderr).toBe(
      `vopr: ${path} may have 1 MiB: no trace is added to it from seed ${written!} on\n` +
        "hint: --trace-max-mebibytes N allows more; --trace-filter and --trace-events make traces smaller\n",
    );
    if (name.endsWith(".json")) expect((JSON.parse(text) as unknown[]).length).toBe(written);
    writeFileSync(path, "");
    expect(vopr(...argv).stderr).toBe("");
    rmSync(folder, { recursive: true });
  });

  test("a failed seed is diagnosed with -v, as text and in its record", () => {
    const argv = ["--scenario", "leader-race", "-n", "1", "-v"];
    expect(vopr(...argv).stdout).toContain("look at first:\n");
    expect(vopr(...argv, "--json").stdout).toContain('"classification":"ReplicaDivergence"');
    expect(vopr(...argv, "--no-failure-diagnosis").stdout).not.toContain("look at first:");
  });

  test("coverage thresholds: exit code 3 where they are not met, 1 where a seed failed too", () => {
    const endOf = (...argv: string[]): { status: number | null; types: string[]; validation: unknown } => {
      const { status, stdout } = vopr("--json", "-n", "3", ...argv);
      const records = recordsOf(stdout).filter(({ type }) => type !== "start" && type !== "iteration");
      const end = records.at(-1)!;
      const validation = end.type === "batch_complete" ? end.data.coverage_validation : null;
      return { status, types: records.map(({ type }) => type), validation };
    };
    const thresholds = ["--coverage-threshold", "smoke"];
    expect(endOf("--scenario", "baseline")).toEqual({ status: 0, types: ["batch_complete"], validation: undefined });
    expect(endOf("--scenario", "combined", ...thresholds)).toMatchObject({
      status: 0,
      types: ["batch_complete"],
      validation: { passed: true, violations: [] },
    });
    expect(endOf("--scenario", "baseline", ...thresholds)).toEqual({
      status: 3,
      types: ["coverage_failures", "batch_complete"],
      validation: {
        passed: false,
        violations: [
          {
            kind: "FaultPointCoverage",
            message: "Coverage of fault points below threshold",
            expected: "50.0%",
            actual: "18.5% (5 of 27)",
          },
        ],
        warnings: ["Invariant 'linearizability' executed only 3 times"],
      },
    });
    expect(endOf("--scenario", "leader-race", ...thresholds)).toMatchObject({
      status: 1,
      validation: { passed: false },
    });
    const shown = vopr("-n", "1", "--scenario", "baseline", ...thresholds);
    expect(shown.status).toBe(3);
    expect(shown.stdout).toContain("\nfault points        50.0%                   18.5% (5 of 27)     NOT MET\n");
    expect(shown.stdout).toContain("\nCoverage validation FAILED\n");
  });

  test("lists", () => {
    const { status, stdout } = vopr("scenarios", "--json");
    expect(status).toBe(0);
    const { scenarios } = JSON.parse(stdout) as { scenarios: { name: string }[] };
    expect(scenarios.map(({ name }) => name)).toEqual(SCENARIOS.map(({ name }) => name));
    expect(scenarios.find(({ name }) => name === "gray")).toEqual({
      name: "gray",
      aliases: ["gray-failures"],
      title: expect.any(String),
      description: expect.any(String),
      expectation: "must-pass",
      attack: null,
      network_faults: {
        drop_per_million: 10_000,
        link_failure_every_ms: 200,
        link_failure_for_ms: 200,
        pause_every_ms: 300,
        pause_for_ms: 150,
        clock_drift_per_million: 50_000,
      },
      storage_faults: {
        crash_every_ms: 1_500,
        down_for_ms: 300,
        slow_disk_every_ms: 400,
        slow_disk_for_ms: 400,
        fsync_failure_per_million: 500,
      },
      replicas: 3,
      clients: 4,
      tenants: 1,
      max_events: expect.any(Number),
      max_time_ms: 10_000,
    });
    const shown = vopr("--list-scenarios").stdout;
    expect(shown).toMatch(
      /^gray \(also gray-failures\): .+, must-pass\n {4}.+\n {4}faults: drop 1 %, link failure every 200 ms for 200 ms, /m,
    );
    expect(shown).toContain("fsync failure 0.05 %\n");
    expect(shown).toMatch(/^baseline: .+\n {4}.+\n {4}faults: none$/m);
    expect(shown).toMatch(
      /^byzantine_leader_race .+, must-detect\n {4}.+\n {4}faults: a replica lies \(equivocation\)$/m,
    );
    const { canaries } = JSON.parse(vopr("--list-canaries", "--json").stdout) as { canaries: { name: string }[] };
    expect(canaries.map(({ name }) => name)).toEqual(CANARIES.map(({ name }) => name));
    expect(vopr("--list-canaries").stdout).toContain("wrong-hash: found by hash_chain in baseline\n");
    expect(vopr("--list-invariants").stdout).toContain("linearizability (core)");
    expect(vopr("--help").stdout).toContain("--scenario NAME");
  });
});

describe("wrong usage", () => {
  test.each([
    [["-n", "many"], '--iterations is "many"'],
    [["--scenario", "nope"], "hint: scenarios: baseline, swizzle, gray, multi-tenant, combined, time-compression, "],
    [["--canary", "nope"], "hint: canaries: skip-fsync"],
    [["stats", "x"], "stats is not supported by the embedded vopr yet"],
    [["--trace-format", "json"], "--trace-format without --trace-out has nothing to say of"],
    [["--trace-out", "x", "--trace-format", "xml"], "hint: formats: ndjson, json"],
    [["--trace-out", "x", "--trace-events", "0"], "--trace-events is"],
  ])("%j", (argv, message) => {
    const { status, stdout, stderr } = vopr(...argv);
    expect([status, stdout]).toEqual([2, ""]);
    expect(stderr).toContain(message);
  });

  test("a corrupt checkpoint is an error, and is not touched", () => {
    const folder = mkdtempSync(join(tmpdir(), "kimtest-vopr-"));
    const path = join(folder, "checkpoint.json");
    writeFileSync(path, "{ half");
    const { status, stdout, stderr } = vopr("--json", "-n", "1", "--checkpoint-file", path);
    expect([status, stdout]).toEqual([2, ""]);
    expect(stderr).toContain("is no checkpoint");
    expect(readFileSync(path, "utf8")).toBe("{ half");
    rmSync(folder, { recursive: true });
  });
});

describe("being stopped", () => {
  interface Ended {
    code: number | null;
    signal: NodeJS.Signals | null;
    stdout: string;
  }

  /** Starts a batch that takes long; `onOutput` is called with the process when the first output has come. */
  function long(
    argv: string[],
    onOutput: (kill: (signal: NodeJS.Signals) => void, close: () => void) => void,
  ): Promise<Ended> {
    const child = spawn(process.execPath, [PROGRAM, "--json", "--scenario", "baseline", "-n", "1000000", ...argv], {
      stdio: ["ignore", "pipe", "pipe"],
    });
    let stdout = "";
    let seen = false;
    child.stdout.on("data", (chunk: Buffer) => {
      stdout += chunk.toString();
      if (seen || !stdout.includes('"iteration"')) return;
      seen = true;
      onOutput(
        (signal) => child.kill(signal),
        () => child.stdout.destroy(),
      );
    });
    return new Promise((resolve) => {
      child.on("exit", (code, signal) => {
        child.stdout.destroy();
        resolve({ code, signal, stdout });
      });
    });
  }

  test.each<[NodeJS.Signals, number]>([
    ["SIGTERM", 143],
    ["SIGINT", 130],
  ])("%s ends the batch after a seed, with a checkpoint and without an end", async (signal, code) => {
    const folder = mkdtempSync(join(tmpdir(), "kimtest-vopr-"));
    const path = join(folder, "checkpoint.json");
    const ended = await long(["--checkpoint-file", path], (kill) => {
      kill(signal);
    });
    expect([ended.code, ended.signal]).toEqual([code, null]);
    expect(ended.stdout).not.toContain("batch_complete");
    const { last_seed: lastSeed, total_iterations: total } = JSON.parse(readFileSync(path, "utf8")) as Record<
      string,
      number
    >;
    expect(total).toBe(lastSeed! + 1);
    rmSync(folder, { recursive: true });
  });

  test("when its reader is gone it leaves at once and says nothing", async () => {
    const ended = await long([], (_kill, close) => {
      close();
    });
    expect([ended.code, ended.signal]).toEqual([141, null]);
  });
});
