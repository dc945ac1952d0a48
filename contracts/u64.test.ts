import { expect, test } from "@jest/globals";
import fc from "fast-check";
import { KimtestError } from "./errors.ts";
import { parseJson, stringifyJson } from "./json.ts";
import { seedSchema } from "./seed.ts";
import { MAX_U64, parseU64 } from "./u64.ts";

test("the largest seed is 2^64 - 1", () => {
  expect(MAX_U64).toBe(18446744073709551615n);
});

test.each<[text: string, value: bigint]>([
  ["0", 0n],
  ["7", 7n],
  ["007", 7n],
  ["00000000000000000000", 0n],
  ["9007199254740991", 9007199254740991n],
  ["9007199254740992", 9007199254740992n],
  ["9007199254740993", 9007199254740993n],
  ["18446744073709551614", 18446744073709551614n],
  ["18446744073709551615", 18446744073709551615n],
])("%s, typed, is a seed", (text, value) => {
  expect(parseU64(text, "--seed")).toBe(value);
});

test.each([
  "18446744073709551616",
  "99999999999999999999",
  "000000000000000000007",
  "-1",
  "-0",
  "+1",
  "1.5",
  "1.0",
  "1e6",
  "0x10",
  "1_000",
  "1n",
  "",
  " ",
  " 1",
  "1 ",
  "1\n",
  "1\u0000",
  "٣",
  "NaN",
  "Infinity",
])("%j, typed, is refused in words", (text) => {
  let thrown: unknown;
  try {
    parseU64(text, "--seed");
  } catch (error) {
    thrown = error;
  }
  expect(thrown).toBeInstanceOf(KimtestError);
  expect((thrown as KimtestError).code).toBe("USAGE");
  expect((thrown as KimtestError).message).toBe(
    `--seed is "${text}", but must be a whole number from 0 to 18446744073709551615`,
  );
});

test.each<[stored: unknown, value: bigint]>([
  [0, 0n],
  [-0, 0n],
  [0n, 0n],
  [Number.MAX_SAFE_INTEGER, 9007199254740991n],
  [9007199254740992n, 9007199254740992n],
  [18446744073709551615n, 18446744073709551615n],
])("%p, stored, is a seed", (stored, value) => {
  expect(seedSchema.parse(stored)).toBe(value);
});

test.each([18446744073709551616n, -1n, -1, 1.5, 2 ** 53, 1e20, NaN, Infinity, "1", "", null, undefined, true, [1], {}])(
  "%p, stored, is no seed",
  (stored) => {
    expect(seedSchema.safeParse(stored).success).toBe(false);
  },
);

test("every seed survives JSON and the command line", () => {
  fc.assert(
    fc.property(fc.bigInt({ min: 0n, max: MAX_U64 }), (seed) => {
      expect(stringifyJson({ seed }, 0)).toBe(`{"seed":${seed.toString()}}`);
      const { seed: read } = parseJson(stringifyJson({ seed }), "text") as { seed: unknown };
      expect(seedSchema.parse(read)).toBe(seed);
      expect(parseU64(seed.toString(), "--seed")).toBe(seed);
    }),
    { numRuns: 500 },
  );
});

test("text that is no whole number is never taken for one", () => {
  fc.assert(
    fc.property(fc.string({ unit: "binary" }), (text) => {
      if (/^[0-9]{1,20}$/.test(text) && !text.endsWith("\n")) return;
      expect(() => parseU64(text, "--seed")).toThrow(KimtestError);
    }),
    { numRuns: 500 },
  );
});
