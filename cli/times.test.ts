import { expect, test } from "@jest/globals";
import { ago, instantText, span } from "./times.ts";

test.each([
  ["UTC", undefined, "2026-03-29 00:59:59"],
  ["Europe/Berlin", undefined, "2026-03-29 01:59:59"],
  ["America/New_York", undefined, "2026-03-28 20:59:59"],
  ["Asia/Kolkata", undefined, "2026-03-29 06:29:59"],
  ["Asia/Kolkata", true, "2026-03-29 00:59:59Z"],
])("%s, --utc %s", (timeZone, utc, expected) => {
  const instant = instantText(timeZone, utc);
  expect(instant("2026-03-29T00:59:59.999Z")).toBe(expected);
  expect(instant(Date.parse("2026-03-29T00:59:59.999Z"))).toBe(expected);
});

test("summer time begins within a second", () => {
  const instant = instantText("Europe/Berlin", undefined);
  expect(instant("2026-03-29T01:00:00Z")).toBe("2026-03-29 03:00:00");
});

test.each([
  [-5, "0 s"],
  [0, "0 s"],
  [119_400, "119 s"],
  [120_000, "2 min"],
  [119 * 60_000, "119 min"],
  [120 * 60_000, "2 h"],
  [71 * 3_600_000, "71 h"],
  [72 * 3_600_000, "3 d"],
])("%i ms are %s", (ms, expected) => {
  expect(span(ms)).toBe(expected);
});

test("a clock that is ahead of ours has no negative age", () => {
  expect(ago("2026-11-21T10:00:01Z", Date.parse("2026-11-21T10:00:00Z"))).toBe("0 s ago");
});
