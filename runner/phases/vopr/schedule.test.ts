import { expect, test } from "@jest/globals";
import fc from "fast-check";
import { fakeProfile } from "../../../test/fake-profile.ts";
import { batchIterations, isDeterminismBatch, nextScenario } from "./schedule.ts";
import { freshVoprState } from "./transitions.ts";

const share = (cpuMs: number) => ({
  from_seed: 0n,
  iterations: 1,
  failures: 0,
  cpu_ms: cpuMs,
  iterations_per_second: null,
});

test("CPU time is shared by weight, whatever the batches cost", () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 1, max: 100 }), { minLength: 300, maxLength: 300 }), (costs) => {
      const profile = fakeProfile().vopr; // baseline 1, combined 3
      const cpuMs: Record<string, number> = { baseline: 0, combined: 0 };
      for (const cost of costs) {
        const scenarios = { baseline: share(cpuMs["baseline"]!), combined: share(cpuMs["combined"]!) };
        cpuMs[nextScenario(profile, { ...freshVoprState([]), scenarios }, new Map()).name]! += cost;
      }
      // No scenario is ever ahead by more than its last batch.
      expect(Math.abs(cpuMs["baseline"]! - cpuMs["combined"]! / 3)).toBeLessThanOrEqual(100);
    }),
    { numRuns: 50 },
  );
});

test("what is running counts: two workers do not both take the same scenario", () => {
  const profile = fakeProfile().vopr;
  const state = freshVoprState([]);
  const first = nextScenario(profile, state, new Map()).name;
  expect(nextScenario(profile, state, new Map([[first, 500]])).name).not.toBe(first);
});

test("batches grow with speed, shrink towards the end, and have a limit", () => {
  const { vopr } = fakeProfile(); // first 10, target 0.5 s, at most 50,000
  expect(batchIterations(vopr, null, 60_000)).toBe(10);
  expect(batchIterations(vopr, 1_000, 60_000)).toBe(500);
  expect(batchIterations(vopr, 1_000, 100)).toBe(92);
  expect(batchIterations(vopr, 1e9, 60_000)).toBe(50_000);
  expect(batchIterations(vopr, 0.001, 60_000)).toBe(1);
});

test("one batch in twenty is checked for determinism", () => {
  const flagged = Array.from({ length: 200 }, (_, n) => isDeterminismBatch(n, 0.05));
  expect(flagged.filter(Boolean)).toHaveLength(10);
  expect(Array.from({ length: 50 }, (_, n) => isDeterminismBatch(n, 0)).some(Boolean)).toBe(false);
});
