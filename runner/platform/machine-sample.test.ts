import { expect, test } from "@jest/globals";
import { cpuTicksOf, loadAverageOf, machineSample } from "./machine-sample.ts";

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

test("a host without /proc says null", async () => {
  expect(await machineSample("/no/such/folder")).toStrictEqual({ loadAverage: null, ticks: null });
});
