/** What the detector of benchmark regressions finds, what it raises for nothing, and what each part of it is worth. */
import { NOISE_MODELS } from "./statistics-noise.ts";
import {
  coverage,
  detectionRates,
  falseAlarmRate,
  fixedWindow,
  machineQuality,
  ours,
  previousRun,
  SHARED_MACHINE,
  type Detector,
} from "./statistics-quality.ts";

const HISTORIES = 400;
const SUITES = 40;
const SHIFTS = [0.03, 0.05, 0.1];
const WITHIN = [5, 8, 12, 20];

const DETECTORS: readonly (readonly [name: string, detector: Detector])[] = [
  ["kimtest", ours()],
  ["previous run, 5 %", previousRun(0.05)],
  ["previous run, 10 %", previousRun(0.1)],
  ["fixed window 20 + 5, p 0.01", fixedWindow(20, 5, 0.01)],
  ["fixed window 20 + 5, p 0.0001", fixedWindow(20, 5, 0.0001)],
];

const PARTS: readonly (readonly [name: string, detector: Detector])[] = [
  ["as it is", ours()],
  ["variance of each side alone", ours({ priorDegrees: 0 })],
  ["wild values left as they are", ours({ winsoriseDeviations: 1e9 })],
  ["autocorrelation not believed", ours({ maxAutocorrelation: 0 })],
  ["three runs after a change", ours({ minSegment: 3 })],
  ["p 0.001", ours({ maxP: 1e-3 })],
  ["p 0.00003", ours({ maxP: 3e-5 })],
];

const percent = (share: number): string => String(Math.round(share * 100)).padStart(3);
const print = (line = ""): void => void process.stdout.write(`${line}\n`);

export function benchStatistics(): Promise<void> {
  print(`Clean: histories of 60 runs, looked at after each run from the 12th; ${HISTORIES} per figure.`);
  print(`Shifted: after 30 runs; found within ${WITHIN.join(" / ")} runs, in per cent.`);
  for (const model of NOISE_MODELS) {
    print();
    print(model.name);
    table(DETECTORS.map(([name, detector]) => rowOf(name, detector, model, SHIFTS)));
  }
  const last = NOISE_MODELS.at(-1)!;
  const drifting = NOISE_MODELS[2]!;
  for (const model of [drifting, last]) {
    print();
    print(`What each part is worth: ${model.name}`);
    table(PARTS.map(([name, detector]) => rowOf(name, detector, model, SHIFTS)));
  }
  print();
  print("What is told beside a change of 5 %, 20 runs after it (aim 95 %)");
  for (const model of NOISE_MODELS) {
    const { interval, stretch, stretchRuns, detected } = coverage(model, 0.05, HISTORIES);
    print(
      `  ${model.name.padEnd(46)} size in interval ${percent(interval)} %, place in stretch ${percent(stretch)} %` +
        ` (mean ${stretchRuns.toFixed(1)} runs), of ${detected}`,
    );
  }
  machineLines();
  return Promise.resolve();
}

function rowOf(
  name: string,
  detector: Detector,
  model: (typeof NOISE_MODELS)[number],
  shifts: readonly number[],
): string[] {
  const rates = shifts.map((shift) => {
    const found = detectionRates(detector, model, shift, WITHIN, HISTORIES);
    return `${percent(shift)} %: ${found.map(percent).join(" /")}`;
  });
  return [name, `${percent(falseAlarmRate(detector, model, HISTORIES))} false alarms per 100`, ...rates];
}

function table(rows: readonly string[][]): void {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]!.length)));
  for (const row of rows) print(`  ${row.map((cell, column) => cell.padEnd(widths[column]!)).join("   ")}`.trimEnd());
}

/** Suites of twenty benchmarks on one machine; one benchmark is shifted by 5 %, 12 runs ago. */
function machineLines(): void {
  const [own] = NOISE_MODELS;
  if (own === undefined) throw new Error("no noise model");
  print();
  print("A machine that changes its speed under all benchmarks at once; own noise 1 %, shift 5 %, one look");
  for (const [name, common] of [
    ["common part left in", false],
    ["common part taken out", true],
  ] as const) {
    const { falseAlarms, detected } = machineQuality(SHARED_MACHINE, own, {
      shift: 0.05,
      suites: SUITES,
      common,
      leaveOutLoud: false,
    });
    print(`  ${name.padEnd(34)} ${percent(falseAlarms)} false alarms per 100   found ${percent(detected)} %`);
  }
  print();
  print("The same with 20 % of runs beside other work (5 to 60 % slower)");
  for (const [name, common, leaveOutLoud] of [
    ["loud runs counted", false, false],
    ["loud runs left out", false, true],
    ["loud runs counted, common out", true, false],
    ["loud runs left out, common out", true, true],
  ] as const) {
    const { falseAlarms, detected } = machineQuality({ ...SHARED_MACHINE, loudShare: 0.2 }, own, {
      shift: 0.05,
      suites: SUITES,
      common,
      leaveOutLoud,
    });
    print(`  ${name.padEnd(34)} ${percent(falseAlarms)} false alarms per 100   found ${percent(detected)} %`);
  }
}
