import { expect, test } from "@jest/globals";
import fc from "fast-check";
import { fakeProfile } from "../../../test/fake-profile.ts";
import { batchIterations, determinismDue, newBatch, nextScenario } from "./schedule.ts";
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

/** A marathon of one scenario that has used no time yet. */
function fresh(rate: number | null, cpuMs = 0) {
  return { ...freshVoprState([]), scenarios: { combined: { ...share(cpuMs), iterations_per_second: rate } } };
}

test("batches grow with speed, shrink towards the end, and have a limit", () => {
  const { vopr } = fakeProfile(); // first 10, target 0.5 s, at most 50,000
  const scenario = vopr.scenarios.find(({ name }) => name === "combined")!;
  const length = (rate: number | null, leftMs: number): number =>
    batchIterations(vopr, fresh(rate), new Map(), scenario, { leftMs, capacityMs: 1e9 });
  expect(length(null, 60_000)).toBe(10);
  expect(length(1_000, 60_000)).toBe(500);
  expect(length(1_000, 100)).toBe(85);
  expect(length(1e9, 60_000)).toBe(50_000);
  expect(length(0.001, 60_000)).toBe(1);
});

test("a batch takes what is left of its scenario's share, and a little at least", () => {
  const { vopr } = fakeProfile(); // baseline 1, combined 3
  const profile = { ...vopr, batch: { ...vopr.batch, target_seconds: 60 } };
  const scenario = profile.scenarios.find(({ name }) => name === "combined")!;
  const seeds = (cpuMs: number, running: number, leftMs: number): number => {
    const time = { leftMs, capacityMs: 40_000 };
    return batchIterations(profile, fresh(1_000, cpuMs), new Map([["combined", running]]), scenario, time);
  };
  expect(seeds(0, 0, 36_000)).toBe(30_000);
  expect(seeds(10_000, 5_000, 20_000)).toBe(15_000);
  expect(seeds(29_000, 5_000, 8_000)).toBe(6_000); // its share is used up: its part of what is left
  expect(seeds(29_000, 5_000, 2_500)).toBe(2_000);
});

test("the profile's share of all seeds is checked for determinism, in batches worth a process", () => {
  const { vopr } = fakeProfile(); // a share of 0.05, first batch of 10
  let state = { ...freshVoprState([]), scenarios: { combined: share(0) } };
  const checks: number[] = [];
  for (let batch = 0; batch < 100; batch += 1) {
    const due = Math.min(determinismDue(vopr, state), 50);
    const iterations = due === 0 ? 100 : due;
    const done = state.scenarios.combined.iterations + iterations;
    state = {
      ...state,
      determinism_iterations: state.determinism_iterations + due,
      scenarios: { combined: { ...share(0), iterations: done } },
    };
    if (due > 0) checks.push(due);
  }
  expect(Math.min(...checks)).toBeGreaterThanOrEqual(10);
  expect(state.determinism_iterations / state.scenarios.combined.iterations).toBeCloseTo(0.05, 2);
  const shareOf = (part: number) => ({ ...vopr, determinism: { ...vopr.determinism, share: part } });
  expect(determinismDue(shareOf(0), state)).toBe(0);
  expect(determinismDue(shareOf(1), freshVoprState([]))).toBe(Infinity);
});

test("what runs or waits counts as handed out, and as checked", () => {
  const { vopr } = fakeProfile();
  const batch = newBatch("combined", 0n, 400, "normal", 1);
  const running = { ...freshVoprState([]), open: [batch] };
  expect(determinismDue(vopr, running)).toBe(21); // 21 of 421
  const checking = newBatch("combined", 400n, 21, "determinism", 2);
  expect(determinismDue(vopr, { ...running, waiting: [checking] })).toBe(0);
});
