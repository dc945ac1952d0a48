import { describe, expect, test } from "@jest/globals";
import { parseArguments } from "./arguments.ts";
import { Coverage } from "./coverage.ts";
import { SCENARIOS, scenarioNamed } from "./scenarios.ts";
import { Simulation, type SimulationOptions, type SimulationResult } from "./simulation.ts";

function options(...argv: string[]): SimulationOptions {
  const command = parseArguments(argv);
  if (command.name !== "run") throw new Error("not a run");
  return command.options.simulation;
}

function runSeeds(count: number, run: SimulationOptions, coverage = new Coverage()): SimulationResult[] {
  return Array.from({ length: count }, (_, seed) => new Simulation(seed, 0, run, coverage).run());
}

describe("scenarios", () => {
  test.each(SCENARIOS.map(({ name }) => name))("%s passes", (name) => {
    const failed = runSeeds(60, options("--scenario", name)).filter(({ failure }) => failure !== null);
    expect(failed).toEqual([]);
  });

  test("the default mix passes", () => {
    expect(runSeeds(60, options()).filter(({ failure }) => failure !== null)).toEqual([]);
  });

  test("combined exercises every fault, every phase and every invariant", () => {
    const coverage = new Coverage();
    runSeeds(150, options("--scenario", "combined"), coverage);
    expect(coverage.report()).toMatchObject({
      fault_points: { total: 21, hit: 21, coverage_percent: 100 },
      phases: { unique_phases: 22 },
      invariants: { total: 8, executed: 8, coverage_percent: 100 },
    });
    expect(coverage.properties()).toMatchObject({
      unsatisfied_sometimes_ids: [],
      unreached_ids: [],
      violated_ids: [],
      violation_count: 0,
    });
  });

  test("baseline has no faults, and says so", () => {
    const coverage = new Coverage();
    runSeeds(5, options("--scenario", "baseline"), coverage);
    expect(coverage.properties()).toMatchObject({ violation_count: 0 });
    expect(coverage.report()).toMatchObject({ fault_points: { fault_points: { "network.drop": { applied: 0 } } } });
  });

  test("names are not case-sensitive and have aliases", () => {
    expect(scenarioNamed("SWIZZLE-clogging").name).toBe("swizzle");
    expect(() => scenarioNamed("nope")).toThrow('there is no scenario "nope"');
  });
});

describe("the canary", () => {
  test("skip-fsync is found in combined, in more than one seed of twenty", () => {
    const results = runSeeds(100, options("--scenario", "combined", "--canary", "skip-fsync"));
    const invariants = new Set(results.flatMap(({ failure }) => failure?.invariant ?? []));
    expect([...invariants].sort()).toEqual(["commit_history", "liveness_eventual_progress"]);
    expect(results.filter(({ failure }) => failure?.invariant === "commit_history").length).toBeGreaterThanOrEqual(5);
  });

  test("skip-fsync is not found where nothing crashes: the invariants do not simply look for it", () => {
    const results = runSeeds(20, options("--scenario", "baseline", "--canary", "skip-fsync"));
    expect(results.filter(({ failure }) => failure !== null)).toEqual([]);
  });

  test("a disabled invariant finds nothing", () => {
    const argv = ["--scenario", "combined", "--canary", "skip-fsync"];
    for (const invariant of ["commit_history", "liveness_eventual_progress", "vsr_agreement", "storage_determinism"]) {
      argv.push("--disable-invariant", invariant);
    }
    const found = runSeeds(20, options(...argv)).flatMap(({ failure }) => failure?.invariant ?? []);
    expect(found).not.toContain("liveness_eventual_progress");
  });
});

describe("one seed", () => {
  test("gives the same result every time, and another seed another", () => {
    const run = options("--scenario", "combined");
    const one = new Simulation(4, 2, run, new Coverage()).run();
    expect(new Simulation(4, 2, run, new Coverage()).run()).toEqual(one);
    const other = new Simulation(4, 3, run, new Coverage()).run();
    expect(other.storageHash).not.toBe(one.storageHash);
    expect(other.kernelStateHash).not.toBe(one.kernelStateHash);
  });

  test("--max-events and --max-time end requests and faults", () => {
    const full = new Simulation(1, 0, options("--scenario", "swizzle"), new Coverage()).run();
    const few = new Simulation(1, 0, options("--scenario", "swizzle", "--max-events", "300"), new Coverage()).run();
    const short = new Simulation(1, 0, options("--scenario", "swizzle", "--max-time", "1"), new Coverage()).run();
    expect(few.failure).toBe(null);
    expect(few.events).toBeLessThan(1000);
    expect(short.simulatedTimeUs).toBeLessThan(full.simulatedTimeUs);
  });

  test("without a workload nothing is asked, and nothing fails", () => {
    const coverage = new Coverage();
    const { failure } = new Simulation(1, 0, options("--workload-ops-per-tick", "0"), coverage).run();
    expect(failure).toBe(null);
    expect(coverage.properties()).toMatchObject({ violation_count: 0 });
    expect(coverage.report()).not.toHaveProperty(["phases", "phase_counts", "client:request_sent"]);
  });
});
