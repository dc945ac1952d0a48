/**
 * How good is a detector of regressions? Measured as it is used: it looks at the history after each new run, and
 * any alarm in a clean history is a false one, whenever it was raised.
 */
import { changePoints, type ChangePointSettings } from "../runner/statistics/change-points.ts";
import { intervalOf } from "../runner/statistics/difference.ts";
import { stretchOf } from "../runner/statistics/location.ts";
import { commonPart, correctedLogs } from "../runner/statistics/machine-effect.ts";
import { mean } from "../runner/statistics/robust.ts";
import type { Series } from "../runner/statistics/series.ts";
import { CHANGE_SETTINGS, CONFIDENCE, MIN_RUNS } from "../runner/statistics/settings.ts";
import { twoSidedP } from "../runner/statistics/student.ts";
import { noiseOf, normal, seededRandom, shifted, type NoiseModel } from "./statistics-noise.ts";

/** Given logs of run times up to now: the index from which it holds them to be slower, or undefined. */
export type Detector = (logs: readonly number[]) => number | undefined;

/** Ours; `changed` settings show what one of them is worth. */
export const ours =
  (changed: Partial<ChangePointSettings> = {}): Detector =>
  (logs) =>
    changePoints(logs, { ...CHANGE_SETTINGS, ...changed }).findLast(({ difference }) => difference > 0)?.index;

/** What most projects do: this run against the one before. */
export const previousRun =
  (threshold: number): Detector =>
  (logs) =>
    logs.at(-1)! - logs.at(-2)! > Math.log1p(threshold) ? logs.length - 1 : undefined;

/** The newest `after` runs against the `before` runs in front of them, by Welch's test. */
export const fixedWindow =
  (before: number, after: number, maxP: number): Detector =>
  (logs) => {
    const right = logs.slice(-after);
    const left = logs.slice(-after - before, -after);
    const [a, b] = [left, right].map((values) => {
      const middle = mean(values);
      const squares = values.reduce((sum, value) => sum + (value - middle) ** 2, 0);
      return { middle, part: squares / (values.length - 1) / values.length, degrees: values.length - 1 };
    });
    if (a === undefined || b === undefined) throw new Error("two sides");
    const degrees = (a.part + b.part) ** 2 / (a.part ** 2 / a.degrees + b.part ** 2 / b.degrees);
    const t = (b.middle - a.middle) / Math.sqrt(a.part + b.part);
    return t > 0 && twoSidedP(t, degrees) < maxP ? logs.length - after : undefined;
  };

/** Runs before the shift; what a project has after two months of 48 h cycles. */
const RUNS_BEFORE = 30;
/** Runs of a clean history. */
const CLEAN_RUNS = 60;
/** An alarm that names a place farther from the shift than this found something else. */
const PLACE_TOLERANCE = 4;

/** Share (0 to 1) of clean histories of 60 runs in which it raised an alarm at any time. */
export function falseAlarmRate(detector: Detector, model: NoiseModel, histories: number, seed = 1): number {
  let alarmed = 0;
  for (let history = 0; history < histories; history += 1) {
    const logs = noiseOf(model, CLEAN_RUNS, seededRandom(seed * 1_000_003 + history));
    for (let seen = MIN_RUNS; seen <= CLEAN_RUNS; seen += 1) {
      if (detector(logs.slice(0, seen)) === undefined) continue;
      alarmed += 1;
      break;
    }
  }
  return alarmed / histories;
}

/** Shares (0 to 1) of histories in which the shift was found within each of these numbers of runs after it. */
export function detectionRates(
  detector: Detector,
  model: NoiseModel,
  shift: number,
  within: readonly number[],
  histories: number,
  seed = 2,
): number[] {
  const found: number[] = within.map(() => 0);
  const most = Math.max(...within);
  for (let history = 0; history < histories; history += 1) {
    const random = seededRandom(seed * 1_000_003 + history);
    const logs = shifted(noiseOf(model, RUNS_BEFORE + most, random), RUNS_BEFORE, shift);
    for (let after = 1; after <= most; after += 1) {
      const place = detector(logs.slice(0, RUNS_BEFORE + after));
      if (place === undefined || Math.abs(place - RUNS_BEFORE) > PLACE_TOLERANCE) continue;
      for (const [which, limit] of within.entries()) if (after <= limit) found[which] = found[which]! + 1;
      break;
    }
  }
  return found.map((number) => number / histories);
}

export interface Coverage {
  /** Share of detected shifts whose true size lies in the interval that is told. */
  readonly interval: number;
  /** Share whose true place lies in the stretch that is told. */
  readonly stretch: number;
  /** Mean length of the stretch, in runs. */
  readonly stretchRuns: number;
  readonly detected: number;
}

/** Of what is told beside a change, twenty runs after it. */
export function coverage(model: NoiseModel, shift: number, histories: number, seed = 3): Coverage {
  let [detected, interval, stretch, runs] = [0, 0, 0, 0];
  for (let history = 0; history < histories; history += 1) {
    const random = seededRandom(seed * 1_000_003 + history);
    const logs = shifted(noiseOf(model, RUNS_BEFORE + 20, random), RUNS_BEFORE, shift);
    const change = changePoints(logs, CHANGE_SETTINGS).find(
      ({ index, difference }) => difference > 0 && Math.abs(index - RUNS_BEFORE) <= 2 * PLACE_TOLERANCE,
    );
    if (change === undefined) continue;
    const { lower, upper } = intervalOf(change, CONFIDENCE);
    const { earliest, latest } = stretchOf(logs, change);
    detected += 1;
    if (lower <= Math.log1p(shift) && Math.log1p(shift) <= upper) interval += 1;
    if (earliest <= RUNS_BEFORE && RUNS_BEFORE <= latest) stretch += 1;
    runs += latest - earliest + 1;
  }
  return { interval: interval / detected, stretch: stretch / detected, stretchRuns: runs / detected, detected };
}

/** What a shared machine does to all of a run's benchmarks, and how much of it each takes. */
export interface MachineModel {
  readonly benchmarks: number;
  /** Wandering of the machine: deviation of the log, and correlation of neighbouring runs. */
  readonly deviation: number;
  readonly autocorrelation: number;
  /** A slower state that lasts: how much slower, and the share of runs at which the state changes. */
  readonly slowState: number;
  readonly stateChange: number;
  /** Share of runs beside other work, which makes them 5 to 60 % slower. */
  readonly loudShare: number;
}

export const SHARED_MACHINE: MachineModel = {
  benchmarks: 20,
  deviation: 0.015,
  autocorrelation: 0.5,
  slowState: 0.05,
  stateChange: 0.08,
  loudShare: 0,
};

/** Series of one suite on one machine, and which of their runs were loud. */
export function machineSeries(
  machine: MachineModel,
  own: NoiseModel,
  length: number,
  random: () => number,
): { series: Series[]; loud: boolean[] } {
  let drift = normal(random);
  let slow = false;
  const loud = Array.from({ length }, () => random() < machine.loudShare);
  const effects = loud.map((isLoud) => {
    const { autocorrelation: rho } = machine;
    drift = rho * drift + Math.sqrt(1 - rho * rho) * normal(random);
    if (random() < machine.stateChange) slow = !slow;
    return machine.deviation * drift + (slow ? machine.slowState : 0) + (isLoud ? 0.05 + 0.55 * random() : 0);
  });
  const series = Array.from({ length: machine.benchmarks }, (_, benchmark): Series => {
    const taken = 0.7 + 0.6 * random();
    const logs = noiseOf(own, length, random).map((value, run) => value + taken * effects[run]!);
    return { ...EMPTY_SERIES, benchmark: `benchmark/${benchmark}`, points: pointsOf(logs) };
  });
  return { series, loud };
}

const EMPTY_SERIES = { machineType: "m", cpu: "c", direction: "lower-is-better", loudRuns: 0 } as const;
const FIRST_RUN_MS = Date.UTC(2026, 0, 1);
const CYCLE_MS = 48 * 3_600_000;

const pointsOf = (logs: readonly number[]): Series["points"] =>
  logs.map((log, run) => ({
    at: new Date(FIRST_RUN_MS + run * CYCLE_MS).toISOString(),
    gitCommit: `commit-${run}`,
    value: Math.exp(log),
  }));

export interface MachineQuality {
  /** Share of clean series with a change of either direction, looked at once at their end. */
  readonly falseAlarms: number;
  /** Share of shifts that were found twelve runs after them. */
  readonly detected: number;
}

/** One benchmark of each suite is shifted near the end; the others are clean. */
export function machineQuality(
  machine: MachineModel,
  own: NoiseModel,
  options: { shift: number; suites: number; common: boolean; leaveOutLoud: boolean },
  seed = 4,
): MachineQuality {
  let [falseAlarms, clean, detected] = [0, 0, 0];
  const length = RUNS_BEFORE + 12;
  for (let suite = 0; suite < options.suites; suite += 1) {
    const made = machineSeries(machine, own, length, seededRandom(seed * 1_000_003 + suite));
    const kept = made.loud.flatMap((loud, run) => (loud && options.leaveOutLoud ? [] : [run]));
    const shiftAt = kept.findIndex((run) => run >= RUNS_BEFORE);
    const series = made.series.map((one, benchmark) => {
      const logs = kept.map((run) => Math.log(one.points[run]!.value));
      return { ...one, points: pointsOf(benchmark === 0 ? shifted(logs, shiftAt, options.shift) : logs) };
    });
    const common = options.common ? commonPart(series) : { effects: new Map<string, number>() };
    for (const [benchmark, one] of series.entries()) {
      const changes = changePoints(correctedLogs(one, common).logs, CHANGE_SETTINGS);
      if (benchmark > 0) {
        clean += 1;
        if (changes.length > 0) falseAlarms += 1;
      } else if (changes.some((c) => c.difference > 0 && Math.abs(c.index - shiftAt) <= PLACE_TOLERANCE)) {
        detected += 1;
      }
    }
  }
  return { falseAlarms: falseAlarms / clean, detected: detected / options.suites };
}
