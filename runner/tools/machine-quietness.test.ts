import { expect, test } from "@jest/globals";
import { systemClock } from "../platform/clock.ts";
import { cpuTicksOf, loadAverageOf, machineSample, quietMoment, stolenShare } from "./machine-quietness.ts";

const STAT = "cpu  100 5 50 1000 20 0 5 20 7 0\ncpu0 50 2 25 500 10 0 2 10 3 0\nintr 12345\n";

test("the lines of /proc are read as proc(5) says; guest time is not counted twice", () => {
  expect(loadAverageOf("0.19 1.68 1.83 2/345 6789\n")).toBe(0.19);
  expect(cpuTicksOf(STAT)).toStrictEqual({ total: 1200, idle: 1020, stolen: 20 });
});

test("anything else is not known, and not quiet", () => {
  expect(loadAverageOf("")).toBeNull();
  expect(loadAverageOf("busy")).toBeNull();
  expect(cpuTicksOf("cpu  1 2 3\n")).toBeNull();
  expect(cpuTicksOf("")).toBeNull();
});

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

test("a host without /proc says null", async () => {
  expect(await machineSample("/no/such/folder")).toStrictEqual({ loadAverage: null, ticks: null });
});
