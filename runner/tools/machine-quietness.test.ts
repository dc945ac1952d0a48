import { expect, test } from "@jest/globals";
import { systemClock } from "../platform/clock.ts";
import { quietMoment, stolenShare } from "./machine-quietness.ts";

test("steal is the share of the time between two samples; a reboot in between makes it unknown", () => {
  const sample = (total: number, stolen: number) => ({ loadAverage: 0.5, ticks: { total, idle: 0, stolen } });
  expect(stolenShare(sample(1000, 10), sample(2000, 60))).toBe(0.05);
  expect(stolenShare(sample(1000, 10), sample(500, 1))).toBeNull();
  expect(stolenShare(sample(1000, 10), sample(1500, 1))).toBeNull();
  expect(stolenShare({ loadAverage: null, ticks: null }, sample(1, 0))).toBeNull();
});

/** A machine with these loads, one after the other, the last one for ever; half of its CPU time is busy. */
async function momentOf(loads: (number | null)[], mayWaitMs: number) {
  let nowMs = 0;
  const clock = { ...systemClock, sleep: (ms: number) => Promise.resolve(void (nowMs += ms)) };
  let seconds = 0;
  const sample = () => {
    seconds += 1;
    const loadAverage = loads[Math.min(seconds, loads.length) - 1] ?? null;
    return Promise.resolve({ loadAverage, ticks: { total: 100 * seconds, idle: 50 * seconds, stolen: 0 } });
  };
  const signal = new AbortController().signal;
  const { quietness } = await quietMoment({ clock, signal, mayWaitMs, quietLoad: 2, sample });
  return { ...quietness, waitedMs: nowMs };
}

test.each<[what: string, loads: (number | null)[], mayWaitMs: number, load: number | null, waitedMs: number]>([
  ["quiet: one step, in which others would be seen", [1], 600_000, 1, 5_000],
  ["our own load fades: waited for", [4, 3.5, 2.5, 1.5], 600_000, 1.5, 15_000],
  ["still high when ours has faded: that of others", [9], 600_000, 9, 180_000],
  ["high, and no time to tell whose it is: not known", [9], 600, null, 600],
  ["a share of the phase too short for a step", [9], 40, null, 100],
  ["a system that does not say", [null], 600_000, null, 5_000],
])("the moment before a run: %s", async (_what, loads, mayWaitMs, load, waitedMs) => {
  expect(await momentOf(loads, mayWaitMs)).toStrictEqual({
    load_average_before: load,
    busy_share_before: 0.5,
    waitedMs,
  });
});
