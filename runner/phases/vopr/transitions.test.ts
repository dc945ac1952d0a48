import { expect, test } from "@jest/globals";
import fc from "fast-check";
import type { Batch } from "../../../contracts/checkpoint.ts";
import type { CycleState } from "../../../contracts/cycle.ts";
import { fakeProfile } from "../../../test/fake-profile.ts";
import { beginning } from "../../cycle-state.ts";
import {
  bookConclusive,
  bookInconclusive,
  bookLost,
  checkpointOf,
  freshVoprState,
  giveBack,
  handOutNew,
  handOutWaiting,
  reopen,
  voprOf,
} from "./transitions.ts";

const profile = fakeProfile();
const SCENARIOS = profile.vopr.scenarios.map(({ name }) => name);

function freshState(): CycleState {
  const found = { state: undefined, checkpoint: undefined, damage: [] };
  const state = beginning(found, { profile, budgetMs: 1_000, nowMs: 1_000, outageBeforeMs: 0, storeUrl: "/store" });
  return { ...state, git_commit: "abc", vopr: freshVoprState([]) };
}

const seedsOf = (from: bigint, iterations: number): bigint[] =>
  Array.from({ length: iterations }, (_, index) => from + BigInt(index));

/** Where each seed of a scenario is, by the books; counted ones only as a number. */
function placesOf(state: CycleState, scenario: string): { counted: number; left: bigint[]; inconclusive: bigint[] } {
  const vopr = voprOf(state);
  const of = (batches: readonly Pick<Batch, "scenario" | "starting_seed" | "iterations">[]): bigint[] =>
    batches
      .filter((batch) => batch.scenario === scenario)
      .flatMap((batch) => seedsOf(batch.starting_seed, batch.iterations));
  return {
    counted: vopr.scenarios[scenario]?.iterations ?? 0,
    left: of([...vopr.open, ...vopr.waiting]),
    inconclusive: of(vopr.inconclusive),
  };
}

const step = fc.record({
  action: fc.constantFrom("new", "waiting", "pass", "fail", "inconclusive", "lost", "cut", "crash"),
  scenario: fc.constantFrom(...SCENARIOS),
  iterations: fc.integer({ min: 1, max: 12 }),
  pick: fc.nat(),
});

test("every seed below the cursor is in exactly one place, whatever happens to the batches", () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      let state = freshState();
      const counted = new Map(SCENARIOS.map((name) => [name, new Set<bigint>()]));
      for (const { action, scenario, iterations, pick } of steps) {
        const batch = voprOf(state).open[pick % Math.max(1, voprOf(state).open.length)];
        const end = { failedSeeds: [], cpuMs: 1, iterationsPerSecond: 1 };
        if (action === "new") state = handOutNew(state, profile.vopr, scenario, iterations, "normal", 5).state;
        else if (action === "waiting") state = handOutWaiting(state)?.state ?? state;
        else if (action === "crash") state = reopen(state);
        else if (batch === undefined) continue;
        else if (action === "cut") state = giveBack(state, batch, { ...end, iterations: 0 });
        else if (action === "lost") {
          const nothing = { ...end, iterations: 0, reason: "r", suspect: 0n, evidenceKey: null };
          state = bookLost(state, batch, nothing);
        } else if (action === "inconclusive") {
          const suspect = batch.starting_seed + BigInt(pick % batch.iterations);
          state = bookInconclusive(state, batch, { ...end, iterations: 0, reason: "r", suspect, evidenceKey: null });
        } else {
          for (const seed of seedsOf(batch.starting_seed, batch.iterations)) {
            expect(counted.get(batch.scenario)!.has(seed)).toBe(false);
            counted.get(batch.scenario)!.add(seed);
          }
          const failedSeeds = action === "fail" ? [batch.starting_seed] : [];
          state = bookConclusive(state, batch, { ...end, failedSeeds, iterations: batch.iterations });
        }
      }
      for (const scenario of SCENARIOS) {
        const next = state.checkpoint.scenarios[scenario]?.next_seed ?? 0n;
        const places = placesOf(state, scenario);
        const everywhere = [...counted.get(scenario)!, ...places.left, ...places.inconclusive];
        expect(everywhere.toSorted((a, b) => Number(a - b))).toEqual(seedsOf(0n, Number(next)));
        expect(places.counted).toBe(counted.get(scenario)!.size);
      }
      expect(state.checkpoint.total_iterations).toBe([...counted.values()].reduce((sum, seeds) => sum + seeds.size, 0));
    }),
    { numRuns: 300 },
  );
});

test("batch ids are unique even within one millisecond", () => {
  let state = freshState();
  const ids = Array.from({ length: 5 }, () => {
    const handed = handOutNew(state, profile.vopr, "combined", 1, "normal", 77);
    state = handed.state;
    return handed.batch.id;
  });
  expect(ids).toEqual([77, 78, 79, 80, 81]);
});

test("a seed that fails in both attempts is counted once", () => {
  const handed = handOutNew(freshState(), profile.vopr, "combined", 4, "normal", 5);
  const nothing = { iterations: 0, cpuMs: 1, iterationsPerSecond: 1 };
  const first = bookInconclusive(handed.state, handed.batch, {
    ...nothing,
    failedSeeds: [0n],
    reason: "panicked",
    suspect: 2n,
    evidenceKey: "e",
  });
  expect(first.checkpoint.total_failures).toBe(1);
  expect(voprOf(first).waiting).toMatchObject([
    { starting_seed: 0n, iterations: 2, attempt: 2, counted_failures: [0n], id: handed.batch.id },
    { starting_seed: 2n, iterations: 1, attempt: 2, counted_failures: [] },
    { starting_seed: 3n, iterations: 1, attempt: 2, counted_failures: [] },
  ]);
  const retry = handOutWaiting(first)!;
  // The archive leaves out what was counted: the retry reports no new failing seed.
  const second = bookConclusive(retry.state, retry.batch, {
    iterations: 2,
    failedSeeds: [],
    cpuMs: 1,
    iterationsPerSecond: 1,
  });
  expect(second.checkpoint).toMatchObject({ total_failures: 1, total_iterations: 2, failed_seeds: [0n] });
});

test("a second inconclusive attempt is reported with its evidence", () => {
  const handed = handOutNew(freshState(), profile.vopr, "combined", 1, "normal", 5);
  const ended = {
    iterations: 0,
    failedSeeds: [],
    cpuMs: 1,
    iterationsPerSecond: 1,
    reason: "hung",
    suspect: 0n,
    evidenceKey: "key",
  };
  const retry = handOutWaiting(bookInconclusive(handed.state, handed.batch, ended))!;
  const state = bookInconclusive(retry.state, retry.batch, ended);
  expect(voprOf(state)).toMatchObject({
    waiting: [],
    inconclusive_seeds: 1,
    inconclusive: [{ scenario: "combined", starting_seed: 0n, iterations: 1, reason: "hung", evidence_key: "key" }],
  });
});

test("ranges are contiguous per scenario and commit", () => {
  const first = handOutNew(freshState(), profile.vopr, "combined", 10, "normal", 1).state;
  const second = handOutNew({ ...first, git_commit: "def" }, profile.vopr, "combined", 5, "normal", 2).state;
  const third = handOutNew(second, profile.vopr, "combined", 5, "normal", 3).state;
  expect(checkpointOf({ ...third, git_commit: "def" }, 0).scenarios["combined"]).toMatchObject({
    next_seed: 20n,
    commits: [
      { git_commit: "abc", from_seed: 0n, next_seed: 10n },
      { git_commit: "def", from_seed: 10n, next_seed: 20n },
    ],
  });
});
