import { expect, test } from "@jest/globals";
import { NOW_MS } from "./fake-deps.fixture.ts";
import { parseSince } from "./since.ts";

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
