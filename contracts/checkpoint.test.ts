import { expect, test } from "@jest/globals";
import { checkpointSchema, MAX_COMMIT_RANGES } from "./checkpoint.ts";
import { parseJson, stringifyJson } from "./json.ts";

/** As the first infrastructure documented it. */
const FIRST = `{
  "last_seed": 1000,
  "total_iterations": 1000,
  "total_failures": 0,
  "failed_seeds": [],
  "last_update": "2026-01-30T12:00:00Z"
}`;

test("a checkpoint of the first infrastructure can be read; what it lacks has a default", () => {
  expect(checkpointSchema.parse(parseJson(FIRST, "checkpoint"))).toStrictEqual({
    last_seed: 1000n,
    total_iterations: 1000,
    total_failures: 0,
    failed_seeds: [],
    last_update: "2026-01-30T12:00:00Z",
    cycle: 0,
    git_commit: null,
    scenarios: {},
    open: [],
  });
});

test("the time its program really printed, with nanoseconds and an offset, is an instant", () => {
  const text = FIRST.replace("12:00:00Z", "12:00:00.123456789+00:00");
  expect(checkpointSchema.parse(parseJson(text, "checkpoint")).last_update).toBe("2026-01-30T12:00:00.123456789+00:00");
});

test("seeds above 2^53 are read and written exactly", () => {
  const checkpoint = checkpointSchema.parse(
    parseJson(
      `{"last_seed":18446744073709551615,"total_iterations":2,"total_failures":1,
        "failed_seeds":[9007199254740993,1],"last_update":"2026-01-30T12:00:00Z",
        "scenarios":{"combined":{"next_seed":9007199254740994,"iterations":2,"failures":1,
          "commits":[{"git_commit":"abc","from_seed":9007199254740992,"next_seed":9007199254740994}]}},
        "open":[{"id":1700000000000,"kind":"normal","scenario":"combined","starting_seed":9007199254740992,
          "iterations":2,"attempt":1,"counted_failures":[9007199254740993]}]}`,
      "checkpoint",
    ),
  );
  expect(checkpoint.last_seed).toBe(18446744073709551615n);
  expect(checkpoint.failed_seeds).toStrictEqual([9007199254740993n, 1n]);
  expect(checkpoint.scenarios["combined"]?.next_seed).toBe(9007199254740994n);
  expect(checkpoint.open[0]?.starting_seed).toBe(9007199254740992n);
  const again: unknown = parseJson(stringifyJson(checkpoint), "checkpoint");
  expect(checkpointSchema.parse(again)).toStrictEqual(checkpoint);
});

const commits = (length: number) => Array.from({ length }, () => ({ git_commit: "abc", from_seed: 0, next_seed: 1 }));

test.each<[name: string, change: object]>([
  ["a seed as text", { last_seed: "1000" }],
  ["a seed of 2^64", { last_seed: 18446744073709551616n }],
  ["a negative seed", { last_seed: -1 }],
  ["a fraction of an iteration", { total_iterations: 0.5 }],
  ["a negative count", { total_failures: -1 }],
  ["no list of failed seeds", { failed_seeds: null }],
  ["a time that is none", { last_update: "yesterday" }],
  ["a time without an offset", { last_update: "2026-01-30T12:00:00" }],
  [
    "more commits than are kept",
    { scenarios: { a: { next_seed: 0, iterations: 0, failures: 0, commits: commits(MAX_COMMIT_RANGES + 1) } } },
  ],
  [
    "a third attempt",
    {
      open: [
        { id: 1, kind: "normal", scenario: "a", starting_seed: 0, iterations: 1, attempt: 3, counted_failures: [] },
      ],
    },
  ],
  [
    "an empty batch",
    {
      open: [
        { id: 1, kind: "normal", scenario: "a", starting_seed: 0, iterations: 0, attempt: 1, counted_failures: [] },
      ],
    },
  ],
])("%s is refused", (_, change) => {
  const good = parseJson(FIRST, "checkpoint") as object;
  expect(checkpointSchema.safeParse({ ...good, ...change }).success).toBe(false);
});

test("as many commits as are kept are accepted, and so is a second attempt", () => {
  const good = parseJson(FIRST, "checkpoint") as object;
  const scenarios = { a: { next_seed: 0, iterations: 0, failures: 0, commits: commits(MAX_COMMIT_RANGES) } };
  const open = [
    { id: 1, kind: "normal", scenario: "a", starting_seed: 0, iterations: 1, attempt: 2, counted_failures: [] },
  ];
  expect(checkpointSchema.safeParse({ ...good, scenarios, open }).success).toBe(true);
});

test.each(["last_seed", "total_iterations", "total_failures", "failed_seeds", "last_update"])(
  "a checkpoint without %s is refused, not taken for an empty one",
  (field) => {
    const { [field]: _, ...rest } = parseJson(FIRST, "checkpoint") as Record<string, unknown>;
    expect(_).toBeDefined();
    expect(checkpointSchema.safeParse(rest).success).toBe(false);
  },
);
