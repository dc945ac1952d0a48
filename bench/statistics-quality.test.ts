/**
 * The quality of the detector, fixed: seeded histories, so these figures only change when the detector does. A
 * bound that is broken is a loss of quality; docs/benchmarks.md has the full table and what was traded for what.
 */
import { expect, test } from "@jest/globals";
import { NOISE_MODELS, noiseOf, seededRandom, type NoiseModel } from "./statistics-noise.ts";
import {
  coverage,
  detectionRates,
  falseAlarmRate,
  fixedWindow,
  machineQuality,
  ours,
  previousRun,
  SHARED_MACHINE,
} from "./statistics-quality.ts";
import { mean } from "../runner/statistics/robust.ts";

const HISTORIES = 100;
const WITHIN = [8, 12, 20];

const model = (start: string): NoiseModel => NOISE_MODELS.find(({ name }) => name.startsWith(start))!;

/** Least shares found within 8, 12 and 20 runs; most false alarms per 100 clean histories. */
test.each([
  ["steady", 2, { 0.03: [0.9, 0.97, 0.97], 0.05: [0.97, 0.97, 0.97], 0.1: [0.97, 0.97, 0.97] }],
  ["tails", 5, { 0.03: [0.65, 0.85, 0.9], 0.05: [0.93, 0.95, 0.96], 0.1: [0.96, 0.97, 0.97] }],
  ["slow drift", 15, { 0.03: [0.18, 0.32, 0.45], 0.05: [0.55, 0.72, 0.85], 0.1: [0.94, 0.96, 0.97] }],
  ["two modes", 9, { 0.03: [0.15, 0.36, 0.6], 0.05: [0.76, 0.9, 0.93], 0.1: [0.96, 0.97, 0.97] }],
  ["shared machine", 8, { 0.03: [0.02, 0.07, 0.18], 0.05: [0.24, 0.48, 0.66], 0.1: [0.85, 0.92, 0.95] }],
] as const)("%s: at most %p false alarms per 100, and shifts are found", (name, falseAlarms, shifts) => {
  expect(100 * falseAlarmRate(ours(), model(name), HISTORIES)).toBeLessThanOrEqual(falseAlarms);
  for (const [shift, least] of Object.entries<readonly number[]>(shifts)) {
    const rates = detectionRates(ours(), model(name), Number(shift), WITHIN, HISTORIES);
    for (const [which, rate] of rates.entries()) expect([shift, rate >= least[which]!]).toStrictEqual([shift, true]);
  }
});

test("it beats a threshold on the previous run and a fixed window under heavy tails", () => {
  const tails = model("tails");
  const [found] = detectionRates(ours(), tails, 0.05, [12], HISTORIES);
  expect(falseAlarmRate(previousRun(0.05), tails, HISTORIES)).toBeGreaterThan(0.5);
  expect(detectionRates(previousRun(0.05), tails, 0.05, [12], HISTORIES)[0]!).toBeLessThan(found! - 0.2);
  expect(detectionRates(fixedWindow(20, 5, 0.01), tails, 0.05, [12], HISTORIES)[0]!).toBeLessThan(found! - 0.1);
});

test("the interval and the stretch of commits hold the truth", () => {
  for (const noise of NOISE_MODELS) {
    const { interval, stretch, detected } = coverage(noise, 0.05, HISTORIES);
    expect(detected).toBeGreaterThan(50);
    expect(interval).toBeGreaterThanOrEqual(0.85);
    expect(stretch).toBeGreaterThanOrEqual(0.92);
  }
});

test("taking out what all benchmarks share removes the machine's alarms and finds the shift", () => {
  const options = { shift: 0.05, suites: 10, leaveOutLoud: false };
  const left = machineQuality(SHARED_MACHINE, model("steady"), { ...options, common: false });
  const out = machineQuality(SHARED_MACHINE, model("steady"), { ...options, common: true });
  expect(left.falseAlarms).toBeGreaterThan(0.12);
  expect(out.falseAlarms).toBeLessThan(0.06);
  expect(out.detected).toBeGreaterThanOrEqual(0.9);
});

test("leaving loud runs out finds what they hide", () => {
  const machine = { ...SHARED_MACHINE, loudShare: 0.2 };
  const options = { shift: 0.05, suites: 20, common: false };
  const counted = machineQuality(machine, model("steady"), { ...options, leaveOutLoud: false });
  const leftOut = machineQuality(machine, model("steady"), { ...options, leaveOutLoud: true });
  expect(leftOut.detected).toBeGreaterThan(counted.detected + 0.15);
});

test("the noise has the spread, the correlation and the tails that its model names", () => {
  const correlation = (name: string): number => {
    const values = noiseOf(model(name), 20_000, seededRandom(5));
    const off = values.map((value) => value - mean(values));
    const lagged = off.slice(1).map((value, index) => value * off[index]!);
    return mean(lagged) / mean(off.map((value) => value * value));
  };
  const steady = noiseOf(model("steady"), 20_000, seededRandom(5));
  expect(Math.sqrt(mean(steady.map((value) => value * value)))).toBeCloseTo(0.01, 3);
  expect(correlation("steady")).toBeCloseTo(0, 1);
  expect(correlation("slow drift")).toBeCloseTo(0.5, 1);
  const tails = noiseOf(model("tails"), 20_000, seededRandom(5));
  expect(tails.filter((value) => value > 0.07).length / tails.length).toBeGreaterThan(0.03);
});
