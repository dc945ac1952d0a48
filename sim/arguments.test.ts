import { describe, expect, test } from "@jest/globals";
import { NO_THRESHOLDS, THRESHOLD_PROFILES } from "../contracts/coverage-thresholds.ts";
import { KimtestError } from "../contracts/errors.ts";
import { parseArguments, type RunOptions } from "./arguments.ts";

function run(...argv: string[]): RunOptions {
  const command = parseArguments(argv);
  if (command.name !== "run") throw new Error(`that is ${command.name}`);
  return command.options;
}

describe("what is accepted", () => {
  test("the defaults", () => {
    const options = run();
    expect(options).toMatchObject({
      seed: undefined,
      iterations: 100,
      scenarioName: null,
      canaryName: null,
      networkFaults: true,
      storageFaults: true,
      json: false,
      verbose: false,
      checkpointFile: null,
      checkDeterminism: false,
    });
    expect(options.simulation).toMatchObject({ maxEvents: 10_000, maxTimeUs: 10_000_000, plainWorkload: false });
    expect(options.simulation.invariants.size).toBe(19);
  });

  test.each<[string[], Partial<RunOptions>]>([
    [["-s", "18446744073709551615", "-n", "1"], { seed: 2n ** 64n - 1n, iterations: 1 }],
    [["--seed=7", "--iterations=3"], { seed: 7n, iterations: 3 }],
    [["run", "--json", "-v"], { json: true, verbose: true }],
    [["--scenario", "Gray-Failures"], { scenarioName: "gray" }],
    [["--canary", "skip-fsync"], { canaryName: "skip-fsync" }],
    [["--faults", "network"], { networkFaults: true, storageFaults: false }],
    [["-f", "storage"], { networkFaults: false, storageFaults: true }],
    [["--scenario", "combined", "--no-faults"], { networkFaults: false, storageFaults: false }],
    [["--vsr-mode", "--no-trace-on-failure", "--check-determinism"], { checkDeterminism: true }],
    [["--checkpoint-file", "a.json", "--no-failure-diagnosis"], { checkpointFile: "a.json", diagnosis: false }],
  ])("%j", (argv, expected) => {
    expect(run(...argv)).toMatchObject(expected);
  });

  test("limits are honoured with a scenario too", () => {
    const { simulation } = run("--scenario", "combined", "--max-events", "500", "--max-time", "3");
    expect([simulation.maxEvents, simulation.maxTimeUs]).toEqual([500, 3_000_000]);
    expect(run("--scenario", "baseline", "--max-events", "20000").simulation.scenario.requestsPerClient).toBe(80);
  });

  test("invariants are switched from left to right", () => {
    const enabled = (...argv: string[]): boolean => run(...argv).simulation.invariants.has("vsr_agreement");
    expect(enabled("--core-invariants-only")).toBe(false);
    expect(enabled("--core-invariants-only", "--enable-invariant", "vsr_agreement")).toBe(true);
    expect(enabled("--enable-invariant", "vsr_agreement", "--core-invariants-only")).toBe(false);
    expect(enabled("--disable-vsr-invariants")).toBe(false);
    expect(enabled("--disable-vsr-invariants", "--enable-vsr-invariants")).toBe(true);
    expect(run("--disable-invariant", "hash_chain").simulation.invariants.has("hash_chain")).toBe(false);
  });

  test("the pace of the workload", () => {
    expect(run("--workload-ops-per-tick", "0").simulation.thinkTimeUs).toBe(0);
    expect(run("--workload-ops-per-tick", "4", "--workload-tick-ms", "10").simulation.thinkTimeUs).toBe(10_000);
    expect(run("--no-enhanced-workloads").simulation.plainWorkload).toBe(true);
  });

  test("a failing seed is printed with the flags that matter", () => {
    expect(run("--scenario", "gray", "-n", "5", "--json", "-s", "3", "--max-time", "4").reproFlags).toEqual([
      "--scenario",
      "gray",
      "--max-time",
      "4",
    ]);
  });

  test("coverage thresholds: a profile, numbers of their own, or both", () => {
    expect(run().thresholds).toBe(null);
    expect(run("--coverage-threshold", "smoke").thresholds).toEqual(THRESHOLD_PROFILES.smoke);
    expect(run("--min-fault-coverage", "62.5").thresholds).toEqual({ ...NO_THRESHOLDS, faultPointCoverageMin: 0.625 });
    const nightly = run(
      "--min-invariant-coverage=100",
      "--coverage-threshold",
      "nightly",
      "--min-fault-coverage",
      "95",
    );
    expect(nightly.thresholds).toEqual({
      ...THRESHOLD_PROFILES.nightly,
      faultPointCoverageMin: 0.95,
      invariantCoverageMin: 1,
    });
    expect(run("--require-all-invariants").thresholds?.requiredInvariants.length).toBe(19);
    // They judge a batch: a seed that is run again is not held to them.
    expect(nightly.reproFlags).toEqual([]);
  });

  test("flags that replace the run", () => {
    expect(parseArguments(["scenarios"])).toEqual({ name: "list-scenarios", json: false });
    expect(parseArguments(["--list-scenarios", "--json"])).toEqual({ name: "list-scenarios", json: true });
    expect(parseArguments(["--list-invariants"])).toEqual({ name: "list-invariants", json: false });
    expect(parseArguments(["--seed", "1", "-h"])).toEqual({ name: "help" });
    expect(parseArguments(["help"])).toEqual({ name: "help" });
  });
});

describe("what is refused", () => {
  test.each<[string[], string]>([
    [["--seed", "x"], '--seed is "x", but must be a whole number from 0 to 18446744073709551615'],
    [["--seed", "18446744073709551616"], '--seed is "18446744073709551616", but must be'],
    [["--seed", "-1"], '--seed is "-1", but must be'],
    [["-n", "1e6"], '--iterations is "1e6", but must be a whole number from 1 to 1000000000'],
    [["-n", "0"], '--iterations is "0", but must be'],
    [["-n"], "-n needs a value"],
    [["--scenario", "--json"], "--scenario needs a value"],
    [["--scenario="], "--scenario needs a value"],
    [["--json=yes"], "--json takes no value"],
    [["--scenario", "nope"], 'there is no scenario "nope"'],
    [["--canary", "nope"], 'there is no canary "nope"'],
    [["--enable-invariant", "nope"], 'there is no invariant "nope"'],
    [["--faults", "network,disk"], '--faults names "disk"'],
    [["--max-events", "0"], '--max-events is "0", but must be'],
    [["--max-time", "0.5"], '--max-time is "0.5", but must be'],
    [["--bogus"], 'unknown argument "--bogus"'],
    [["--json", "constructor"], 'unknown argument "constructor"'],
    [["--json", "stray"], 'unknown argument "stray"'],
    [["walk"], '"walk" is no command'],
    [["--trace-filter", "some"], 'there is no trace filter "some"'],
    [["--enable-trace"], "--enable-trace without --trace-out would be written nowhere"],
    [["--coverage-threshold", "80"], 'there is no coverage threshold "80"'],
    [["--coverage-threshold", "toString"], 'there is no coverage threshold "toString"'],
    [["--min-fault-coverage", "0.8"], '--min-fault-coverage is "0.8", but must be a number of per cent from 1 to 100'],
    [["--min-invariant-coverage", "101"], '--min-invariant-coverage is "101", but must be'],
    [["--require-all-invariants=yes"], "--require-all-invariants takes no value"],
    [["--seed", "18446744073709551615", "-n", "2"], "2 seeds from 18446744073709551615 on do not fit into 64 bits"],
  ])("%j", (argv, message) => {
    let error: unknown;
    try {
      parseArguments(argv);
    } catch (thrown) {
      error = thrown;
    }
    expect(error).toBeInstanceOf(KimtestError);
    expect((error as KimtestError).message).toContain(message);
    expect((error as KimtestError).exitCode).toBe(2);
  });

  test("all invariants disabled", () => {
    const argv = ["--core-invariants-only"];
    for (const name of run(...argv).simulation.invariants) argv.push("--disable-invariant", name);
    expect(() => run(...argv)).toThrow("all invariants are disabled");
  });
});
