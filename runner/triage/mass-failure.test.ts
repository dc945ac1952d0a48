import { expect, test } from "@jest/globals";
import type { CycleState, Sighting } from "../../contracts/cycle.ts";
import type { Registry } from "../../contracts/registry.ts";
import { MAX_NEW_SIGNATURES, suspicionOf, triage } from "./mass-failure.ts";
import { mergeCycle, emptyRegistry } from "./registry.ts";

const AT = "2026-11-21T10:00:00.000Z";

const sighting = (signature: string, workload: Sighting["workload"] = "vopr"): Sighting => ({
  signature,
  workload,
  count: 1,
  first_at: AT,
  last_at: AT,
  seeds: [1n],
  message: "m",
  repro: "r",
  failure_key: "k",
});

const signatures = (count: number, prefix = "new"): string[] =>
  Array.from({ length: count }, (_, index) => `${prefix}:${String(index)}`);

type Seen = Pick<CycleState, "cycle" | "sightings" | "suspected">;

/** A cycle of which only this is looked at. */
const cycle = (number: number, seen: readonly Sighting[], suspected: CycleState["suspected"] = []): CycleState =>
  ({
    cycle: number,
    git_commit: "abc",
    sightings: Object.fromEntries(seen.map((one) => [one.signature, one])),
    suspected,
  }) satisfies Seen & { git_commit: string } as unknown as CycleState;

/** A registry that knows these from cycle 1. */
const knowing = (...known: string[]): Registry =>
  mergeCycle(emptyRegistry(AT), {
    cycle: 1,
    git_commit: "old",
    at: AT,
    sightings: known.map((signature) => sighting(signature)),
    rechecks: [],
  });

const names = (seen: readonly Sighting[]): string[] => seen.map(({ signature }) => signature);
const vopr = (...of: string[]): Sighting[] => of.map((signature) => sighting(signature));

test("as many new signatures as are believed are filed, one more and none is", () => {
  const few = vopr(...signatures(MAX_NEW_SIGNATURES));
  expect(triage(cycle(2, few), knowing("old"))).toEqual({ filed: few, held: [], suspected: [] });
  const many = vopr(...signatures(MAX_NEW_SIGNATURES + 1));
  expect(triage(cycle(2, many), knowing("old"))).toEqual({
    filed: [],
    held: many,
    suspected: [{ cycle: 2, git_commit: "abc", sightings: many }],
  });
});

test("the first cycle of a store has nothing that could newly fail", () => {
  const many = vopr(...signatures(50));
  expect(triage(cycle(1, many), emptyRegistry(AT)).held).toEqual([]);
});

test("beside as many known ones the new are filed; known ones are filed in any case", () => {
  const fresh = vopr(...signatures(12));
  const oldNames = signatures(12, "old");
  expect(triage(cycle(2, [...fresh, ...vopr(...oldNames)]), knowing(...oldNames)).held).toEqual([]);
  const few = triage(cycle(2, [...fresh, ...vopr("old:0")]), knowing(...oldNames));
  expect(names(few.filed)).toEqual(["old:0"]);
  expect(few.held).toEqual(fresh);
});

test("each workload is looked at alone", () => {
  const crash = sighting("fuzz:json:m", "fuzz");
  const { filed, held } = triage(cycle(2, [...vopr(...signatures(11)), crash]), knowing("old"));
  expect(filed).toEqual([crash]);
  expect(held).toHaveLength(11);
  expect(suspicionOf(held, "fuzz")).toBeUndefined();
  expect(suspicionOf(held, "vopr")).toEqual({
    verdict: "inconclusive",
    reason:
      "suspected infrastructure: 11 signatures are new at once, none is filed until it is seen in another cycle " +
      "(the first: new:0); kimtest list-failures shows them",
  });
});

test("what the next cycle sees again is filed, what it does not stays suspected for a while", () => {
  const many = vopr(...signatures(11));
  const { suspected } = triage(cycle(2, many), knowing("old"));
  const next = triage(cycle(3, many.slice(0, 4), suspected), knowing("old"));
  expect(next).toEqual({
    filed: many.slice(0, 4),
    held: [],
    suspected: [{ cycle: 2, git_commit: "abc", sightings: many.slice(4) }],
  });
  // All of them again: they are bugs, however many.
  expect(triage(cycle(3, many, suspected), knowing("old"))).toEqual({ filed: many, held: [], suspected: [] });
  expect(triage(cycle(7, [], suspected), knowing("old")).suspected).toEqual([]);
  expect(triage(cycle(6, [], suspected), knowing("old")).suspected).toHaveLength(1);
});

test("deciding twice about one cycle gives the same, and what an interim digest has filed stays filed", () => {
  const many = vopr(...signatures(11));
  const once = triage(cycle(2, many), knowing("old"));
  expect(triage(cycle(2, many, [...once.suspected]), knowing("old"))).toEqual(once);

  const early = many.slice(0, 8);
  const contribution = { cycle: 2, git_commit: "abc", at: AT, sightings: early, rechecks: [] };
  const registry = mergeCycle(knowing("old"), contribution);
  const late = triage(cycle(2, many), registry);
  expect(late.filed).toEqual(early);
  expect(late.held).toEqual(many.slice(8));
});
