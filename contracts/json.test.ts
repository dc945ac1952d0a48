import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { KimtestError } from "./errors.ts";
import { parseJson, stringifyJson } from "./json.ts";

const MAX_SAFE = Number.MAX_SAFE_INTEGER; // 2^53 - 1

test.each<[text: string, value: unknown]>([
  ["9007199254740991", MAX_SAFE],
  ["9007199254740992", 9007199254740992n],
  ["9007199254740993", 9007199254740993n],
  ["18446744073709551615", 18446744073709551615n],
  ["18446744073709551616", 18446744073709551616n],
  ["123456789012345678901234567890", 123456789012345678901234567890n],
  ["-9007199254740991", -MAX_SAFE],
  ["-9007199254740992", -9007199254740992n],
  ["-9223372036854775808", -9223372036854775808n],
])("the integer %s keeps its digits both ways", (text, value) => {
  expect(parseJson(text, "text")).toBe(value);
  expect(stringifyJson(value)).toBe(text);
});

test.each<[text: string, value: unknown]>([
  ["1e20", 1e20],
  ["1.8446744073709551615e19", 1.8446744073709552e19],
  ["1E400", Infinity],
  ["18446744073709551615.0", 1.8446744073709552e19],
  ["9007199254740993.5", 9007199254740993.5],
  ["0.1234567890123456789", 0.12345678901234568],
  ["1234567890123456e0", 1234567890123456],
  ["-0", -0],
  ["-0.0", -0],
])("%s is no integer beyond 2^53 and stays a number", (text, value) => {
  expect(parseJson(text, "text")).toBe(value);
  // With a long integer beside it, the exact path is taken.
  expect(parseJson(`[${text}, 18446744073709551615]`, "text")).toStrictEqual([value, 18446744073709551615n]);
});

test("long integers deep in arrays and objects keep their digits, and order is kept", () => {
  const text = '{"b":[1,[18446744073709551615,{"seed":9007199254740993}]],"a":9007199254740994,"n":null,"t":true}';
  const value = {
    b: [1, [18446744073709551615n, { seed: 9007199254740993n }]],
    a: 9007199254740994n,
    n: null,
    t: true,
  };
  expect(parseJson(text, "text")).toStrictEqual(value);
  expect(stringifyJson(value, 0)).toBe(text);
});

test("digits inside strings and keys are text", () => {
  const text = '{"18446744073709551615":"18446744073709551615","m":"seed 18446744073709551615 \\"failed\\""}';
  const value = { "18446744073709551615": "18446744073709551615", m: 'seed 18446744073709551615 "failed"' };
  expect(parseJson(text, "text")).toStrictEqual(value);
  expect(stringifyJson(value, 0)).toBe(text);
});

describe("a key with an escape is itself, whatever was read before", () => {
  // https://github.com/nodejs/node/issues/63785: the first key is what V8 then takes the second for.
  test.each([
    ["\\", '"'],
    ["\\", "\n"],
    ["a\\", 'a"'],
    ['\\"', '"x'],
    ["a\\n", "a\nb"],
    ["\\", "\u0001"],
  ])("%j, then %j", (first, second) => {
    for (const key of [first, second, first]) {
      const value = { "#": "", [key]: [{ [key]: 18446744073709551615n, plain: "a\\" }] };
      expect(parseJson(stringifyJson(value), "text")).toStrictEqual(value);
    }
  });

  test("with what JSON allows around it, and beside values that look like keys", () => {
    const text = '{ "\\u0061\\"" \n\t:\r "b\\":", "c": ["d\\\\", "\\":"], "__proto__": {"\\\\":1, "\\"":2}, "e":null }';
    const value = parseJson(text, "text") as Record<string, unknown>;
    expect(Object.entries(value)).toStrictEqual([
      ['a"', 'b":'],
      ["c", ["d\\", '":']],
      ["__proto__", { "\\": 1, '"': 2 }],
      ["e", null],
    ]);
  });

  test("what is no JSON is refused in the words of the text; private characters stay", () => {
    for (const text of ['{"\\"": 1', '{"\\"" 1}', '{"a\\":1}', '{"\\x":1}', '{"\\"":1}"', '{"a\\n":tru}']) {
      expect(() => parseJson(text, "text")).toThrow(/^text is not valid JSON: (?!.*\u{f0000})/u);
    }
    expect(parseJson('{"\u{f0000}0":"\\n"}', "text")).toStrictEqual({ "\u{f0000}0": "\n" });
  });
});

test("text is indented by two spaces, or stays on one line", () => {
  expect(stringifyJson({ seed: 1n })).toBe('{\n  "seed": 1\n}');
  expect(stringifyJson({ seed: 1n }, 0)).toBe('{"seed":1}');
});

test.each([
  "",
  "{",
  '{"seed":18446744073709551615',
  "{'a':1}",
  "nothing",
  "\u0000",
  "01",
  "[1,]",
  "18446744073709551615n",
])("%j is refused by name", (text) => {
  let thrown: unknown;
  try {
    parseJson(text, "line 7 of checkpoint.json");
  } catch (error) {
    thrown = error;
  }
  expect(thrown).toBeInstanceOf(KimtestError);
  const error = thrown as KimtestError;
  expect(error.code).toBe("CORRUPT_DATA");
  expect(error.message).toMatch(/^line 7 of checkpoint\.json is not valid JSON: \S/);
  expect(error.cause).toHaveProperty("name", "SyntaxError");
});

test("whatever JSON can hold is read back as it was written", () => {
  const { value } = fc.letrec<{ value: unknown }>((tie) => ({
    value: fc.oneof(
      { maxDepth: 5 },
      fc.constant(null),
      fc.boolean(),
      fc.string({ unit: "binary" }),
      fc.double({ noNaN: true, noDefaultInfinity: true }).filter(isWrittenAsItself),
      fc.maxSafeInteger(),
      fc.bigInt().filter((integer) => integer > BigInt(MAX_SAFE) || integer < -BigInt(MAX_SAFE)),
      fc.array(tie("value"), { maxLength: 6 }),
      fc.dictionary(
        fc.string({ unit: "binary" }).filter((key) => key !== "__proto__"),
        tie("value"),
        { maxKeys: 6, noNullPrototype: true },
      ),
    ),
  }));
  fc.assert(
    fc.property(value, fc.integer({ min: 0, max: 4 }), (written, indent) => {
      expect(parseJson(stringifyJson(written, indent), "text")).toStrictEqual(written);
    }),
    { numRuns: 500 },
  );
});

/** `JSON.stringify` writes -0 as 0, and a float like 1e20 as the digits of an integer. */
function isWrittenAsItself(float: number): boolean {
  return !Object.is(float, -0) && (!Number.isInteger(float) || Number.isSafeInteger(float));
}
