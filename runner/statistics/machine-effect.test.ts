import { expect, test } from "@jest/globals";
import { commonPart, correctedLogs, MIN_BENCHMARKS } from "./machine-effect.ts";
import { robustDeviation } from "./robust.ts";
import { historyOf, nameOf, runAt, wobble } from "./runs.fixture.ts";
import { seriesOf } from "./series.ts";

/** A machine that wanders by 10 %; the last benchmark waits for a disk and does not care. */
const wandering = (run: number, benchmark: number): number => (benchmark === 9 ? 1 : 1 + 0.1 * wobble(run, 1000));
const series = seriesOf(historyOf({ runs: 40, factor: wandering }));

test("what all share is found, and taking it out leaves each its own noise", () => {
  const common = commonPart(series);
  expect(common.effects.size).toBe(40);
  for (const run of [0, 7, 39]) {
    const usual = common.effects.get(runAt(run))! - common.effects.get(runAt(20))!;
    const planted = Math.log(wandering(run, 0)) - Math.log(wandering(20, 0));
    expect(usual).toBeCloseTo(planted, 1);
  }
  const { logs, corrected } = correctedLogs(series[0]!, common);
  expect(corrected).toBe(true);
  expect(robustDeviation(logs)).toBeLessThan(0.02);
});

test("a benchmark that does not follow the machine stays as it was measured", () => {
  const disk = series.find(({ benchmark }) => benchmark === nameOf(9))!;
  const { logs, corrected } = correctedLogs(disk, commonPart(series));
  expect(corrected).toBe(false);
  expect(logs).toStrictEqual(disk.points.map(({ value }) => Math.log(value)));
});

test("a change of one benchmark is not taken out with the machine", () => {
  const slower = (run: number, benchmark: number): number =>
    wandering(run, benchmark) * (benchmark === 3 && run >= 20 ? 1.2 : 1);
  const changed = seriesOf(historyOf({ runs: 40, factor: slower }));
  const { logs, corrected } = correctedLogs(changed[3]!, commonPart(changed));
  expect(corrected).toBe(true);
  const half = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;
  expect(half(logs.slice(20)) - half(logs.slice(0, 20))).toBeCloseTo(Math.log(1.2), 1);
});

test("too few benchmarks are no machine", () => {
  const few = seriesOf(historyOf({ runs: 20, benchmarks: MIN_BENCHMARKS - 1, factor: wandering }));
  expect(commonPart(few).effects.size).toBe(0);
  expect(correctedLogs(few[0]!, commonPart(few)).corrected).toBe(false);
});
