import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import type { Recheck, Sighting } from "../../contracts/cycle.ts";
import type { Finding, FindingState, Registry } from "../../contracts/registry.ts";
import { knownFinding, sighting } from "../phases/digest/samples.fixture.ts";
import { emptyRegistry, mergeCycle, type Contribution } from "./registry.ts";

const AT = "2026-11-21T12:00:00.000Z";
const SIGNATURE = "vsr_agreement:combined";

function contribution(cycle: number, sightings: Sighting[], rechecks: Recheck[] = []): Contribution {
  return { cycle, git_commit: `commit${String(cycle)}`, at: AT, sightings, rechecks };
}
const seen = (cycle: number, count = 1): Contribution => contribution(cycle, [sighting(SIGNATURE, { count })]);
const unseen = (cycle: number): Contribution => contribution(cycle, []);
function rechecked(cycle: number, passed: number, failed = 0, inconclusive = 0): Contribution {
  return contribution(cycle, [], [{ signature: SIGNATURE, passed, failed, inconclusive }]);
}
const after = (...contributions: Contribution[]): Registry => contributions.reduce(mergeCycle, emptyRegistry(AT));
const findingAfter = (...contributions: Contribution[]): Finding | undefined =>
  after(...contributions).findings[SIGNATURE];
const stateAfter = (...contributions: Contribution[]): FindingState | undefined =>
  findingAfter(...contributions)?.state;

test("a first sighting, whole", () => {
  expect(after(seen(3, 4))).toEqual({
    version: 1,
    updated_at: AT,
    findings: {
      [SIGNATURE]: knownFinding(SIGNATURE, {
        state: "new",
        count: 4,
        first_seen: { at: sighting(SIGNATURE).first_at, cycle: 3, git_commit: "commit3" },
        last_seen: { at: sighting(SIGNATURE).last_at, cycle: 3, git_commit: "commit3" },
        cycles: [{ cycle: 3, git_commit: "commit3", count: 4, state_before: null }],
      }),
    },
  });
});

describe("states", () => {
  const table: [string, Contribution[], FindingState][] = [
    ["seen for the first time", [seen(1)], "new"],
    ["new all through its cycle, however often that is merged", [seen(1), seen(1, 2), seen(1, 3)], "new"],
    ["seen again in the next cycle", [seen(1), seen(2)], "ongoing"],
    ["not seen in the next cycle: silence is no proof", [seen(1), unseen(2)], "ongoing"],
    ["its seeds run again and passed", [seen(1), rechecked(2, 3)], "resolved"],
    ["one of its seeds failed again", [seen(1), rechecked(2, 3, 1)], "ongoing"],
    ["one of its seeds got no verdict", [seen(1), rechecked(2, 3, 0, 1)], "ongoing"],
    ["none of its seeds was run", [seen(1), rechecked(2, 0)], "ongoing"],
    ["resolved stays so while unseen", [seen(1), rechecked(2, 3), unseen(3)], "resolved"],
    ["resolved and seen again", [seen(1), rechecked(2, 3), seen(3)], "regressed"],
    ["regressed all through its cycle", [seen(1), rechecked(2, 3), seen(3), seen(3, 2)], "regressed"],
    ["regressed and seen again", [seen(1), rechecked(2, 3), seen(3), seen(4)], "ongoing"],
    ["regressed, then silent", [seen(1), rechecked(2, 3), seen(3), unseen(4)], "ongoing"],
    ["in 2 of 9 cycles", [seen(1), seen(9)], "ongoing"],
    ["in 2 of 10 cycles", [seen(1), seen(10)], "rare"],
    ["rare, then in more cycles", [seen(1), seen(10), seen(11), seen(12)], "ongoing"],
    ["in 1 of 5 cycles and silent", [seen(1), unseen(2), unseen(3), unseen(4), unseen(5)], "ongoing"],
    ["rare and its seeds pass", [seen(1), seen(10), rechecked(11, 2)], "resolved"],
  ];
  test.each(table)("%s", (_, contributions, state) => {
    expect(stateAfter(...contributions)).toBe(state);
  });

  test.each(["invalid", "duplicate-of"] as const)("%s is a person's word: nothing changes it", (state) => {
    const registry = { ...emptyRegistry(AT), findings: { [SIGNATURE]: knownFinding(SIGNATURE, { state }) } };
    for (const one of [seen(8), unseen(8), rechecked(8, 3)]) {
      expect(mergeCycle(registry, one).findings[SIGNATURE]?.state).toBe(state);
    }
    expect(mergeCycle(registry, seen(8, 5)).findings[SIGNATURE]?.count).toBe(8);
  });
});

describe("counts and histories", () => {
  test("a cycle that is merged again with more is counted once", () => {
    const finding = findingAfter(seen(1, 2), seen(2, 3), seen(2, 7));
    expect(finding?.count).toBe(9);
    expect(finding?.cycles).toEqual([
      { cycle: 1, git_commit: "commit1", count: 2, state_before: null },
      { cycle: 2, git_commit: "commit2", count: 7, state_before: "new" },
    ]);
  });

  test("first seen stays, last seen and the way to show it move on", () => {
    const newer = sighting(SIGNATURE, { last_at: AT, message: "newer", repro: "run newer", failure_key: "key newer" });
    expect(findingAfter(seen(1), contribution(2, [newer]))).toMatchObject({
      first_seen: { cycle: 1, git_commit: "commit1" },
      last_seen: { at: AT, cycle: 2, git_commit: "commit2" },
      message: "newer",
      repro: "run newer",
      failure_key: "key newer",
    });
  });

  test("at most 50 cycles and 20 seeds, the newest; the count is of all", () => {
    const finding = findingAfter(
      ...Array.from({ length: 80 }, (_, index) =>
        contribution(index + 1, [sighting(SIGNATURE, { count: 1, seeds: [BigInt(index)] })]),
      ),
    );
    expect(finding?.cycles.map(({ cycle }) => cycle)).toEqual(Array.from({ length: 50 }, (_, index) => index + 31));
    expect(finding?.seeds).toEqual(Array.from({ length: 20 }, (_, index) => BigInt(index + 60)));
    expect(finding?.count).toBe(80);
  });

  test("the input is left alone", () => {
    const before = after(seen(1));
    const copy = structuredClone(before);
    mergeCycle(before, seen(2));
    expect(before).toEqual(copy);
  });
});

describe("laws", () => {
  const SIGNATURES = ["a:gray", "b:gray", "c:combined"];
  const arbitrarySighting = fc
    .record({
      signature: fc.constantFrom(...SIGNATURES),
      count: fc.integer({ min: 1, max: 5 }),
      seeds: fc.uniqueArray(fc.bigInt(0n, 30n), { minLength: 1, maxLength: 20 }),
    })
    .map(({ signature, ...change }) => sighting(signature, change));
  const arbitraryRecheck = fc.record({
    signature: fc.constantFrom(...SIGNATURES),
    passed: fc.nat(2),
    failed: fc.nat(1),
    inconclusive: fc.nat(1),
  });
  const arbitraryMerge = fc.record({
    sightings: fc.uniqueArray(arbitrarySighting, { selector: ({ signature }) => signature }),
    rechecks: fc.uniqueArray(arbitraryRecheck, { selector: ({ signature }) => signature }),
  });
  /** Some cycles, in order, gaps included. */
  const history = fc
    .array(fc.tuple(fc.integer({ min: 1, max: 6 }), arbitraryMerge), { minLength: 1, maxLength: 12 })
    .map((steps) => {
      let cycle = 0;
      return steps.map(([gap, { sightings, rechecks }]) => {
        cycle += gap;
        return contribution(
          cycle,
          sightings.map((one) => ownSeeds(one, cycle)),
          rechecks,
        );
      });
    });
  /** Each cycle has seeds of its own; for shared ones see "known to be wrong" below. */
  const ownSeeds = (one: Sighting, cycle: number): Sighting => ({
    ...one,
    seeds: one.seeds.map((seed) => BigInt(cycle) * 100n + seed),
  });

  test("merging the same contribution twice is merging it once", () => {
    fc.assert(
      fc.property(history, (contributions) => {
        const last = contributions.at(-1)!;
        const once = after(...contributions);
        expect(mergeCycle(once, last)).toEqual(once);
      }),
      { numRuns: 500 },
    );
  });

  test("the count is the sum over all cycles, and no finding is ever lost", () => {
    fc.assert(
      fc.property(history, (contributions) => {
        const { findings } = after(...contributions);
        for (const signature of SIGNATURES) {
          const counts = contributions.flatMap(({ sightings }) =>
            sightings.filter((one) => one.signature === signature).map(({ count }) => count),
          );
          expect(findings[signature]?.count ?? 0).toBe(counts.reduce((sum, count) => sum + count, 0));
        }
      }),
    );
  });
});

describe("known to be wrong (each of these turns red when it is mended: make it a plain test then)", () => {
  const seeds = (from: number, count: number): bigint[] =>
    Array.from({ length: count }, (_, index) => BigInt(from + index));

  test("a seed of an earlier cycle that fails again: merged twice is merged once", () => {
    const first = contribution(1, [sighting(SIGNATURE, { seeds: seeds(0, 20) })]);
    const second = contribution(2, [sighting(SIGNATURE, { seeds: [0n, 100n] })]);
    const once = after(first, second);
    expect(mergeCycle(once, second)).toEqual(once);
  });

  test("a seed that failed twice in one cycle: merged twice is merged once", () => {
    const twice = contribution(1, [sighting(SIGNATURE, { seeds: [5n, 5n] })]);
    const once = after(twice);
    expect(mergeCycle(once, twice)).toEqual(once);
  });

  test("a finding of every cycle is ongoing, not rare, after 250 cycles, too", () => {
    expect(stateAfter(...seeds(1, 260).map((cycle) => seen(Number(cycle))))).toBe("ongoing");
  });

  test("seeds that pass in time for the interim digest and a failure after it: it never was gone", () => {
    const later = contribution(
      2,
      [sighting(SIGNATURE)],
      [{ signature: SIGNATURE, passed: 3, failed: 0, inconclusive: 0 }],
    );
    expect(stateAfter(seen(1), rechecked(2, 3), later)).toBe("ongoing");
  });
});
