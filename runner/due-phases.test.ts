/** Which phases a start of the runner has before it, wherever the one before it was ended. */
import { expect, test } from "@jest/globals";
import type { CycleState } from "../contracts/cycle.ts";
import type { PhaseName } from "../contracts/parts.ts";
import { duePhases } from "./due-phases.ts";

const state = (phase: PhaseName, ended: readonly PhaseName[], givenUp: readonly PhaseName[] = []): CycleState =>
  ({
    phase,
    results: ended.map((name) => ({ phase: name })),
    given_up: Object.fromEntries(givenUp.map((name) => [name, "no reason"])),
  }) as unknown as CycleState;

test.each<[string, CycleState, boolean, PhaseName[]]>([
  ["a new cycle", state("prepare", []), true, ["prepare", "formal-verification", "benchmarks", "fuzz", "vopr"]],
  ["killed in prepare", state("prepare", []), false, ["prepare", "formal-verification", "benchmarks", "fuzz", "vopr"]],
  [
    "killed when prepare had just ended",
    state("prepare", ["prepare"]),
    true,
    ["formal-verification", "benchmarks", "fuzz", "vopr"],
  ],
  ["killed in fuzz", state("fuzz", ["prepare", "formal-verification", "benchmarks"]), true, ["fuzz", "vopr"]],
  [
    "killed in fuzz, and the clone is lost",
    state("fuzz", ["prepare", "formal-verification", "benchmarks"]),
    false,
    ["prepare", "fuzz", "vopr"],
  ],
  [
    "killed again while the clone was made anew: what has ended is not run again",
    state("prepare", ["prepare", "formal-verification"], ["benchmarks"]),
    false,
    ["prepare", "fuzz", "vopr"],
  ],
  [
    "killed when fuzz had just ended",
    state("fuzz", ["prepare", "formal-verification", "benchmarks", "fuzz"]),
    true,
    ["vopr"],
  ],
  ["killed in the digest, and the clone is lost", state("digest", ["prepare", "vopr"]), false, []],
])("%s", (_, found, isPrepared, due) => {
  expect(duePhases(found, isPrepared)).toEqual(due);
});
