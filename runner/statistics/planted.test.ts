import { expect, test } from "@jest/globals";
import type { BenchmarkRun } from "../../contracts/benchmark-history.ts";
import { plantSlowdown, type PlantedSlowdown } from "./planted.ts";
import { historyOf, nameOf, type HistoryOptions } from "./runs.fixture.ts";

function planted(slowdown: number, options: HistoryOptions): PlantedSlowdown {
  const runs = historyOf(options);
  return plantSlowdown(runs, runs.at(-1)!, slowdown);
}

test("10 % are noticed in every benchmark, half a per cent in none", () => {
  expect(planted(0.1, { runs: 30 })).toStrictEqual({ planted: 10, noticed: 10, runs: 30 });
  expect(planted(0.005, { runs: 30 })).toStrictEqual({ planted: 10, noticed: 0, runs: 30 });
});

test("what is there already is not taken for what was planted", () => {
  const slower = (run: number): number => (run >= 20 ? 1.1 : 1);
  expect(planted(0.001, { runs: 30, benchmarks: 3, factor: slower })).toMatchObject({ planted: 3, noticed: 0 });
});

test("a benchmark too noisy for it is not noticed, the others are", () => {
  const wild = (run: number, benchmark: number): number => (benchmark === 3 ? 1 + 0.9 * ((run * 7) % 5) : 1);
  expect(planted(0.1, { runs: 30, factor: wild })).toMatchObject({ planted: 10, noticed: 9 });
});

test("with too few runs nothing can be planted; loud runs do not count, nor those of another machine", () => {
  expect(planted(0.1, { runs: 11 })).toStrictEqual({ planted: 0, noticed: 0, runs: 11 });
  const loud = (run: BenchmarkRun, index: number): BenchmarkRun =>
    index % 2 === 0 ? { ...run, quietness: { load_average_before: 9, busy_share_before: null, steal_share: 0 } } : run;
  expect(planted(0.1, { runs: 20, change: loud })).toStrictEqual({ planted: 0, noticed: 0, runs: 10 });
  const elsewhere = (run: BenchmarkRun, index: number): BenchmarkRun =>
    index < 15 ? { ...run, machine: { ...run.machine, cpu: "another" } } : run;
  expect(planted(0.1, { runs: 20, change: elsewhere })).toStrictEqual({ planted: 0, noticed: 0, runs: 5 });
});

test("a benchmark that the newest run did not measure is left out", () => {
  const without = (run: BenchmarkRun, index: number): BenchmarkRun =>
    index < 29 ? run : { ...run, measurements: run.measurements.filter(({ benchmark }) => benchmark !== nameOf(0)) };
  expect(planted(0.1, { runs: 30, change: without })).toMatchObject({ planted: 9, noticed: 9 });
});
