import { describe, expect, test } from "@jest/globals";
import { PHASES, type PhaseName } from "../contracts/parts.ts";
import type { Profile } from "../contracts/profile.ts";
import { cycleLeftMs, phaseBudgetMs, phaseLeftMs } from "./budget.ts";
import { cycleState } from "./phases/digest/samples.fixture.ts";
import { embeddedProfile } from "./profiles/embedded.ts";

const HOUR_MS = 3_600_000;

/** The shares of the 48-hour cycle. */
const profile: Profile = {
  ...embeddedProfile(),
  time_shares: { prepare: 1, "formal-verification": 1, benchmarks: 1, fuzz: 4, vopr: 40, digest: 1 },
};
const hours = (spent: Partial<Record<PhaseName, number>>) =>
  Object.fromEntries(Object.entries(spent).map(([phase, count]) => [phase, count * HOUR_MS]));
const state = (spent: Partial<Record<PhaseName, number>> = {}, change: Parameters<typeof cycleState>[0] = {}) =>
  cycleState({ budget_ms: 48 * HOUR_MS, spent_ms: hours(spent), ...change });

/** From and to, in hours, of each phase when `durations` says how long each takes; by default all it may. */
function timetable(durations: Partial<Record<PhaseName, number>> = {}): [PhaseName, number, number][] {
  const spent: Partial<Record<PhaseName, number>> = {};
  let hour = 0;
  return PHASES.map((phase) => {
    const budget = phaseBudgetMs(profile, state(spent), phase) / HOUR_MS;
    spent[phase] = durations[phase] ?? budget;
    const from = hour;
    hour += spent[phase];
    return [phase, from, hour];
  });
}

describe("a cycle of 48 hours", () => {
  test("phases that take what they may", () => {
    expect(timetable()).toEqual([
      ["prepare", 0, 1],
      ["formal-verification", 1, 2],
      ["benchmarks", 2, 3],
      ["fuzz", 3, 7],
      ["vopr", 7, 47],
      ["digest", 47, 48],
    ]);
  });

  test("a phase that ends early gives its time to VOPR", () => {
    expect(timetable({ prepare: 0.25, fuzz: 1 })).toEqual([
      ["prepare", 0, 0.25],
      ["formal-verification", 0.25, 1.25],
      ["benchmarks", 1.25, 2.25],
      ["fuzz", 2.25, 3.25],
      ["vopr", 3.25, 47],
      ["digest", 47, 48],
    ]);
  });

  test("a phase that takes too long takes it from VOPR, not from the digest", () => {
    expect(timetable({ "formal-verification": 3 }).slice(-2)).toEqual([
      ["vopr", 9, 47],
      ["digest", 47, 48],
    ]);
  });

  test("nothing is left for VOPR: zero, never less", () => {
    expect(phaseBudgetMs(profile, state({ fuzz: 60 }), "vopr")).toBe(0);
  });
});

test("shorter cycles scale", () => {
  const short = state({}, { budget_ms: 96_000 });
  expect(PHASES.map((phase) => phaseBudgetMs(profile, short, phase))).toEqual([
    2_000, 2_000, 2_000, 8_000, 94_000, 2_000,
  ]);
});

describe("what is left after an interruption", () => {
  test("VOPR goes on where it was", () => {
    const spent = { prepare: 1, "formal-verification": 1, benchmarks: 1, fuzz: 4, vopr: 30 };
    const before = hours({ vopr: 30 });
    expect(phaseLeftMs(profile, state(spent, { spent_before_attempt_ms: before }), "vopr")).toBe(10 * HOUR_MS);
  });

  test("another phase begins again with its whole share", () => {
    const spent = { prepare: 1, "formal-verification": 1, benchmarks: 1, fuzz: 3 };
    const before = hours({ fuzz: 3 });
    expect(phaseLeftMs(profile, state(spent, { spent_before_attempt_ms: before }), "fuzz")).toBe(4 * HOUR_MS);
    expect(phaseLeftMs(profile, state(spent), "fuzz")).toBe(1 * HOUR_MS);
  });

  test("of the whole cycle, never below zero", () => {
    expect(cycleLeftMs(state({ prepare: 1, vopr: 40 }))).toBe(7 * HOUR_MS);
    expect(cycleLeftMs(state({ vopr: 50 }))).toBe(0);
  });
});
