import { describe, expect, test } from "@jest/globals";
import { Coverage } from "./coverage.ts";
import { differenceBetween, runTwice, simulateSeed, type Simulate } from "./determinism.ts";
import { runOptions } from "./failures.fixture.ts";
import type { SimulationResult } from "./simulation/options.ts";

const OK: SimulationResult = {
  failure: null,
  replicas: [],
  events: 10,
  simulatedTimeUs: 2500,
  storageHash: "a".repeat(64),
  kernelStateHash: "b".repeat(64),
};

const { simulation } = runOptions("--scenario", "combined");

describe("runTwice", () => {
  test("of a seed of ours finds nothing", () => {
    const coverage = new Coverage();
    const result = runTwice(simulateSeed, 3, 0, simulation, coverage);
    expect(result).toEqual(simulateSeed(3, 0, simulation, new Coverage()));
    expect(coverage.violated.size).toBe(0);
  });

  test("runs that end alike, but did not go alike, differ", () => {
    let runs = 0;
    const simulate: Simulate = (_low, _high, _options, _coverage, watch) => {
      runs += 1;
      watch!.trace!.add(0, "NodePause", { replica: 1, for_us: 5 });
      watch!.trace!.add(9, "NodePause", { replica: runs, for_us: 5 });
      return OK;
    };
    const coverage = new Coverage();
    expect(runTwice(simulate, 3, 0, simulation, coverage).failure).toEqual({
      invariant: "determinism",
      message:
        "two runs of this seed end alike; first diverging event: " +
        '{"seq":1,"event":0,"time_us":9,"type":"NodePause","replica":1,"for_us":5} or ' +
        '{"seq":1,"event":0,"time_us":9,"type":"NodePause","replica":2,"for_us":5}',
    });
    expect([...coverage.violated]).toEqual(["determinism"]);
  });
});

test("differenceBetween names everything that differs", () => {
  expect(differenceBetween(OK, { ...OK })).toBe(null);
  expect(differenceBetween(OK, { ...OK, events: 11, simulatedTimeUs: 1 })).toBe(
    "two runs of this seed differ: events 10 != 11, simulated_time_us 2500 != 1",
  );
  const failed = { ...OK, failure: { invariant: "vsr_agreement", message: "two differ" } };
  expect(differenceBetween(OK, failed)).toContain("failure null != ");
});
