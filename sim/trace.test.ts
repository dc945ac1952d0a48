import { describe, expect, test } from "@jest/globals";
import { parseArguments } from "./arguments.ts";
import { Coverage } from "./coverage.ts";
import { classificationOf, diagnose, diagnosisText } from "./diagnosis.ts";
import { INVARIANTS } from "./invariants/catalogue.ts";
import { Simulation } from "./simulation.ts";
import type { SimulationResult } from "./simulation/options.ts";
import { linesOf } from "./trace-file.ts";
import { TRACE_TYPES, Trace, firstDivergence } from "./trace.ts";

function traced(argv: string[], seed: number, trace = new Trace()): { result: SimulationResult; trace: Trace } {
  const command = parseArguments(argv);
  if (command.name !== "run") throw new Error("not a run");
  return { result: new Simulation(seed, 0, command.options.simulation, new Coverage(), { trace }).run(), trace };
}

describe("Trace", () => {
  test("keeps the newest events", () => {
    const trace = new Trace("verbose", 3);
    for (let time = 0; time < 5; time++) trace.add(time, "Fsync", { replica: time });
    expect(trace.events.map(({ seq }) => seq)).toEqual([2, 3, 4]);
    expect(trace.recorded).toBe(5);
  });

  test("records by filter", () => {
    const counts = (["failures_only", "minimal", "verbose"] as const).map((filter) => {
      const trace = new Trace(filter);
      trace.add(0, "InvariantViolation", {});
      trace.add(0, "NodeCrash", {});
      trace.add(0, "NetworkSend", {});
      return trace.recorded;
    });
    expect(counts).toEqual([1, 2, 3]);
  });

  test("of one seed is the same every time, and its run is the one without a trace", () => {
    const argv = ["--scenario", "combined"];
    const one = traced(argv, 5);
    expect(firstDivergence(one.trace, traced(argv, 5).trace)).toBe(null);
    expect(linesOf(5n, one.trace)).toBe(linesOf(5n, traced(argv, 5).trace));
    const command = parseArguments(argv);
    if (command.name !== "run") throw new Error("not a run");
    expect(new Simulation(5, 0, command.options.simulation, new Coverage()).run()).toEqual(one.result);
  });

  test("a build that is not deterministic is caught by its first diverging event", () => {
    const argv = ["--scenario", "combined", "--canary", "rng-unseeded"];
    expect(firstDivergence(traced(argv, 5).trace, traced(argv, 5).trace)).toMatch(
      /^first diverging event: \{"seq":\d+,"event":\d+,"time_us":/,
    );
  });

  test("every type of event happens", () => {
    const seen = new Set<string>();
    const look = (argv: string[], seed: number): void => {
      for (const { type } of traced(argv, seed, new Trace("verbose", 100_000)).trace.events) seen.add(type);
    };
    for (let seed = 0; seed < 12; seed++) look(["--scenario", "combined"], seed);
    look(["--scenario", "session-eviction"], 1);
    look(["--scenario", "leader-race"], 1);
    expect([...seen].sort()).toEqual(Object.keys(TRACE_TYPES).sort());
  });
});

describe("diagnosis", () => {
  test("every invariant has its class, with four to seven causes; there are seven classes", () => {
    const kinds = [...INVARIANTS.map(({ name }) => name), "determinism"].map(classificationOf);
    expect(new Set(kinds.map(({ classification }) => classification)).size).toBe(7);
    for (const { causes } of kinds) {
      expect(causes.length).toBeGreaterThanOrEqual(4);
      expect(causes.length).toBeLessThanOrEqual(7);
    }
  });

  test("says what, when, before what, in what state, and how to see it again", () => {
    const { result, trace } = traced(["--scenario", "leader-race"], 3);
    const diagnosis = diagnose(3n, result, trace, ["--scenario", "byzantine_leader_race"]);
    expect(diagnosis).toMatchObject({
      invariant: "vsr_prefix_property",
      classification: "ReplicaDivergence",
      repro: "npx kimtest vopr --seed 3 -n 1 --scenario byzantine_leader_race -v",
    });
    expect(diagnosis.replicas.map(({ replica, status }) => [replica, status])).toEqual([
      [0, "normal"],
      [1, "normal"],
      [2, "normal"],
    ]);
    expect(diagnosis.context.at(-1)).toMatchObject({ type: "InvariantViolation", invariant: "vsr_prefix_property" });
    expect(diagnosis.context.length).toBe(9);
    const later = traced(["--scenario", "malicious-view-change"], 3);
    expect(diagnose(3n, later.result, later.trace, []).context.length).toBe(20);
    const text = diagnosisText(diagnosis);
    expect(text).toContain("ReplicaDivergence, after ");
    expect(text).toContain("    2: normal, view 0, op 1, commit 0, checkpoint 0\n");
  });
});
