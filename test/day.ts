/**
 * Results are filed by the day (UTC). A test that looks for those of today must not have midnight in its middle: a
 * phase alone gets a clock at which it is noon, and before processes, which have no other clock, midnight is waited for.
 */
import { setTimeout as delay } from "node:timers/promises";
import type { PhaseBench } from "./phase-bench.ts";

const DAY_MS = 24 * 3_600_000;
/** No test of this kind takes longer. */
const NEEDED_MS = 4 * 60_000;
const aheadMs = Math.floor(Date.now() / DAY_MS) * DAY_MS + DAY_MS / 2 - Date.now();

/** The day's file of formal verification, as long as the test takes less than twelve hours. */
export const noonKey = (): string =>
  `formal-verification/${new Date(Date.now() + aheadMs).toISOString().slice(0, 10)}.json`;

export function atNoon(bench: PhaseBench): PhaseBench {
  const { clock } = bench.context;
  const noonClock = { ...clock, nowMs: () => clock.nowMs() + aheadMs };
  return { ...bench, context: { ...bench.context, clock: noonClock } };
}

/** A hook for `beforeAll`, with `DAY_HOOK_MS` as its limit. */
export async function awayFromMidnight(): Promise<void> {
  const leftMs = DAY_MS - (Date.now() % DAY_MS);
  if (leftMs < NEEDED_MS) await delay(leftMs + 1_000);
}

export const DAY_HOOK_MS = NEEDED_MS + 60_000;
