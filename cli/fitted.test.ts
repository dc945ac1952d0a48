import { expect, test } from "@jest/globals";
import { digestText } from "../runner/phases/digest/text.ts";
import { richDigest } from "../runner/phases/digest/samples.fixture.ts";
import { fitted, PASTED } from "./fitted.ts";

test("nothing changes where it fits", () => {
  const text = digestText(richDigest());
  expect(fitted(text, 1_000)).toBe(text);
});

test.each([60, 80])("at %i columns every line fits but for what is pasted, and no word is lost", (columns) => {
  const text = digestText(richDigest());
  const narrow = fitted(text, columns);
  const wide = narrow.split("\n").filter((line) => line.length > columns);
  expect(wide.filter((line) => !PASTED.test(line))).toEqual([]);
  expect(narrow.split(/\s+/)).toEqual(text.split(/\s+/));
});

test("a row goes on under its last column, a sentence a little below its beginning", () => {
  const row = "benchmarks           PASSED        8 measured; the history begins: 1 of 12 runs, changes";
  expect(fitted(row, 70).split("\n")).toEqual([
    "benchmarks           PASSED        8 measured; the history begins: 1",
    "                                   of 12 runs, changes",
  ]);
  expect(fitted("  ! vopr: no seed got a verdict", 20).split("\n")).toEqual(["  ! vopr: no seed", "    got a verdict"]);
});
