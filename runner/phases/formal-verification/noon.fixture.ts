/** Phases at noon: a test that runs two of them in one day must not be at work at midnight. */
import type { PhaseBench } from "../../../test/phase-bench.ts";

const DAY_MS = 86_400_000;
const aheadMs = Math.floor(Date.now() / DAY_MS) * DAY_MS + DAY_MS / 2 - Date.now();

/** The day's file, as long as the test takes less than twelve hours. */
export const noonKey = (): string =>
  `formal-verification/${new Date(Date.now() + aheadMs).toISOString().slice(0, 10)}.json`;

export function atNoon(bench: PhaseBench): PhaseBench {
  const { clock } = bench.context;
  const noonClock = { ...clock, nowMs: () => clock.nowMs() + aheadMs };
  return { ...bench, context: { ...bench.context, clock: noonClock } };
}
