import { expect, test } from "@jest/globals";
import { NOW_MS } from "./fake-deps.fixture.ts";
import { parseDuration, parseSince } from "./typed-times.ts";

test.each([
  ["90s", 90_000],
  ["2h", 7_200_000],
  ["7d", 604_800_000],
])("--since %s", (text, agoMs) => {
  expect(parseSince(text, NOW_MS)).toBe(NOW_MS - agoMs);
});

test.each(["", "1w", "-1h", "1.5h", "2999-01-01", "yesterday", "2026-13-01", "999999d"])(
  "--since %j is no time",
  (text) => {
    expect(() => parseSince(text, NOW_MS)).toThrow(expect.objectContaining({ code: "USAGE" }));
  },
);

test.each([
  ["1s", 1_000],
  ["90s", 90_000],
  ["0.5h", 1_800_000],
  ["48h", 172_800_000],
  ["336h", 1_209_600_000],
])("duration %s", (text, ms) => {
  expect(parseDuration("--wait")(text)).toBe(ms);
});

test.each(["", "s", "0s", "0.9s", "337h", "-1h", "1d", "1 h", "1e3s", "90", "1h30m", "٣s"])(
  "no duration: %j",
  (text) => {
    expect(() => parseDuration("--wait")(text)).toThrow(expect.objectContaining({ code: "USAGE" }));
  },
);
