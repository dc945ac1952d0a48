import { expect, test } from "@jest/globals";
import fc from "fast-check";
import { printable, printableData, printableLines } from "./printable.ts";

test.each([
  ["plain text, ünïcödé, 日本語 🦊", "plain text, ünïcödé, 日本語 🦊"],
  ["a\nb\r\nc\td\u2028e\u0085f", "a b c d e f"],
  ["\u001b[31mred\u001b[0m", "\\u{1b}[31mred\\u{1b}[0m"],
  ["\u009b2J\u007f\0", "\\u{9b}2J\\u{7f}\\u{0}"],
  ["a\u202eb\u200bc\ufeff\u2066", "a\\u{202e}b\\u{200b}c\\u{feff}\\u{2066}"],
  ["\ud800x\u{e0041}", "\\u{d800}x\\u{e0041}"],
])("%j", (text, shown) => {
  expect(printable(text)).toBe(shown);
});

test("a field is cut at 2,000 characters", () => {
  expect(printable("x".repeat(2_001))).toBe(`${"x".repeat(2_000)}…`);
  expect(printable("x".repeat(2_000))).toBe("x".repeat(2_000));
});

test("lines of ours stay lines", () => {
  expect(printableLines("kimtest: a\u001b\n  b")).toBe("kimtest: a\\u{1b}\n  b");
});

test("whatever goes in, no control, format or surrogate character comes out, and again changes nothing", () => {
  fc.assert(
    fc.property(fc.string({ unit: "binary", maxLength: 300 }), (text) => {
      const shown = printable(text);
      expect(shown).not.toMatch(/[\p{Cc}\p{Cf}\p{Cs}]/u);
      expect(printable(shown)).toBe(shown);
    }),
  );
});

test("data: every string, names included; numbers, seeds and the shape stay", () => {
  const data = { "a\u001b": ["b\u0007", { c: 18_446_744_073_709_551_615n, d: null, e: 1.5, f: true }] };
  expect(printableData<unknown>(data)).toEqual({
    "a\\u{1b}": ["b\\u{7}", { c: 18_446_744_073_709_551_615n, d: null, e: 1.5, f: true }],
  });
  expect(Object.keys(printableData(JSON.parse('{"__proto__": {"x": 1}}') as object))).toEqual(["__proto__"]);
});
