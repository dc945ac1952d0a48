import { expect, test } from "@jest/globals";
import fc from "fast-check";
import {
  BASELINE_KEY,
  benchmarksKey,
  corpusBackupKey,
  corpusInputKey,
  CHECKPOINT_KEY,
  CURRENT_CYCLE_KEY,
  dailyCheckpointKey,
  dailyDigestKey,
  dayOfBenchmarksKey,
  DIGEST_KEY,
  evidenceKey,
  FAILURES_PREFIX,
  failureIndexBeginsKey,
  failureIndexKey,
  failureKeyFrom,
  failuresPrefix,
  findingId,
  formalVerificationKey,
  fuzzFailureKey,
  parseFailureIndexBeginsKey,
  parseFailureIndexKey,
  parseCorpusInputKey,
  parseFailureKey,
  phaseResultKey,
  REGISTRY_KEY,
  voprBundleKey,
  voprFailureKey,
} from "./bucket.ts";
import { KimtestError } from "./errors.ts";
import { MAX_U64 } from "./u64.ts";

const DAY = new Date("2026-01-30T23:59:59.999Z");

/** The layout of the first infrastructure, key by key; what is ours stands below. */
test.each<[key: string, expected: string]>([
  [CHECKPOINT_KEY, "checkpoints/latest.json"],
  [dailyCheckpointKey(DAY), "checkpoints/daily/2026-01-30.json"],
  [voprFailureKey(1234567n, 1700000000000), "failures/vopr/seed-1234567-1700000000000.json"],
  [voprBundleKey(voprFailureKey(1234567n, 1700000000000)), "failures/vopr/seed-1234567-1700000000000.kmb"],
  [fuzzFailureKey("fuzz_sql_parser", 1700000000000), "failures/fuzz/fuzz_sql_parser-1700000000000.tar.gz"],
  [DIGEST_KEY, "digests/latest.json"],
  [dailyDigestKey(DAY), "digests/2026-01-30.json"],
  [REGISTRY_KEY, "signatures/known-failures.json"],
  [benchmarksKey(DAY), "benchmarks/2026-01-30.json"],
  [BASELINE_KEY, "benchmarks/baseline.json"],
  [formalVerificationKey(DAY), "formal-verification/2026-01-30.json"],
  // Ours:
  [CURRENT_CYCLE_KEY, "cycles/current.json"],
  [phaseResultKey(7, "vopr"), "cycles/000007/vopr.json"],
  [phaseResultKey(1234567, "vopr"), "cycles/1234567/vopr.json"],
  [
    evidenceKey(7, 1700000000000, 2, MAX_U64),
    "cycles/000007/evidence/batch-1700000000000-2-seed-18446744073709551615.json",
  ],
  [FAILURES_PREFIX, "failures/"],
  [failuresPrefix("vopr"), "failures/vopr/"],
  [failuresPrefix("fuzz"), "failures/fuzz/"],
  [findingId("agreement:combined"), "5ca6430b5e92"],
  [failureIndexBeginsKey(1700000000000), "failure-index/begins-1700000000000.json"],
  [
    failureIndexKey(failureKeyFrom("vopr/seed-17-1700000000000.json"), "0123456789ab"),
    "failure-index/vopr/8299999999999-0123456789ab-seed-17-1700000000000.json",
  ],
  [
    failureIndexKey(failureKeyFrom("fuzz/json-1700000001.tar.gz"), "0123456789ab"),
    "failure-index/fuzz/8299999998999-0123456789ab-json-1700000001.json",
  ],
])("%s", (key, expected) => {
  expect(key).toBe(expected);
});

test.each<[key: string, day: string | undefined]>([
  [benchmarksKey(DAY), "2026-01-30"],
  ["benchmarks/baseline.json", undefined],
  ["benchmarks/2026-01-30.json.damaged-1", undefined],
  ["benchmarks/2026-1-30.json", undefined],
  ["digests/2026-01-30.json", undefined],
])("the day of %s", (key, day) => {
  expect(dayOfBenchmarksKey(key)).toBe(day);
});

test("a day is a day in UTC, whatever the local clock says", () => {
  expect(dailyDigestKey(new Date("2026-01-30T23:30:00-02:00"))).toBe("digests/2026-01-31.json");
});

test.each<[key: string, seed: bigint, at: string]>([
  // The example of the first infrastructure has seconds.
  ["failures/vopr/seed-1234567-1700000000.json", 1234567n, "2023-11-14T22:13:20.000Z"],
  ["failures/vopr/seed-1234567-1700000000123.json", 1234567n, "2023-11-14T22:13:20.123Z"],
  ["failures/vopr/seed-0-1700000000.json", 0n, "2023-11-14T22:13:20.000Z"],
  ["failures/vopr/seed-18446744073709551615-1700000000000.json", MAX_U64, "2023-11-14T22:13:20.000Z"],
])("%s is the failure of a seed", (key, seed, at) => {
  expect(parseFailureKey(key)).toStrictEqual({ kind: "vopr", key, seed, at: new Date(at) });
});

test.each<[key: string, target: string]>([
  ["failures/fuzz/fuzz_sql_parser-1700000000.tar.gz", "fuzz_sql_parser"],
  ["failures/fuzz/vopr-records-1700000000000.tar.gz", "vopr-records"],
  ["failures/fuzz/a-1-1700000000000.tar.gz", "a-1"],
])("%s is a fuzz counterexample", (key, target) => {
  expect(parseFailureKey(key)).toStrictEqual({ kind: "fuzz", key, target, at: new Date("2023-11-14T22:13:20.000Z") });
});

const NO_FAILURE_KEYS = [
  "",
  "/",
  "failures/",
  "failures/vopr/",
  "checkpoints/latest.json",
  voprBundleKey("failures/vopr/seed-1-1700000000.json"),
  "failures/vopr/seed-1-1700000000.json.tmp",
  "failures/vopr/seed-1-1700000000.json/",
  "failures/vopr/seed-1-1700000000.json\n",
  " failures/vopr/seed-1-1700000000.json",
  "/failures/vopr/seed-1-1700000000.json",
  "failures/vopr/../vopr/seed-1-1700000000.json",
  "failures//vopr/seed-1-1700000000.json",
  "failures/vopr/sub/seed-1-1700000000.json",
  "failures\\vopr\\seed-1-1700000000.json",
  "Failures/vopr/seed-1-1700000000.json",
  "failures/vopr/seed-1-1700000000.JSON",
  "failures/vopr/seed--1-1700000000.json",
  "failures/vopr/seed-1.5-1700000000.json",
  "failures/vopr/seed-1e3-1700000000.json",
  "failures/vopr/seed-٣-1700000000.json",
  "failures/vopr/seed--1700000000.json",
  "failures/vopr/seed-1-170000000.json",
  "failures/vopr/seed-1-17000000000000.json",
  "failures/vopr/seed-1-.json",
  "failures/vopr/seed-1.json",
  "failures/vopr/seed-123456789012345678901-1700000000.json",
  "failures/vopr/seed-1-1700000000.kmb",
  "failures/fuzz/seed-1-1700000000.json",
  "failures/vopr/fuzz_sql_parser-1700000000.tar.gz",
  "failures/fuzz/-1700000000.tar.gz",
  "failures/fuzz/-x-1700000000.tar.gz",
  "failures/fuzz/../x-1700000000.tar.gz",
  "failures/fuzz/a/b-1700000000.tar.gz",
  "failures/fuzz/a b-1700000000.tar.gz",
  "failures/fuzz/a.b-1700000000.tar.gz",
  "failures/fuzz/a\u0000b-1700000000.tar.gz",
  "failures/fuzz/$(id)-1700000000.tar.gz",
  "failures/fuzz/a-1700000000.tar",
];

test.each(NO_FAILURE_KEYS)("%j is no failure's key", (key) => {
  expect(parseFailureKey(key)).toBeUndefined();
});

test.each(["vopr/seed-17-1700000000000.json", "failures/vopr/seed-17-1700000000000.json"])(
  "people may type %s",
  (typed) => {
    expect(failureKeyFrom(typed)).toStrictEqual({
      kind: "vopr",
      key: "failures/vopr/seed-17-1700000000000.json",
      seed: 17n,
      at: new Date("2023-11-14T22:13:20.000Z"),
    });
  },
);

test.each([
  "",
  "seed-17-1700000000000.json",
  "../vopr/seed-17-1700000000000.json",
  "failures/failures/vopr/seed-1-1700000000.json",
])("%j, typed, is refused in words", (typed) => {
  let thrown: unknown;
  try {
    failureKeyFrom(typed);
  } catch (error) {
    thrown = error;
  }
  expect(thrown).toBeInstanceOf(KimtestError);
  const error = thrown as KimtestError;
  expect(error.code).toBe("USAGE");
  expect(error.message).toBe(`"${typed}" is not the key of a failure`);
  expect(error.hint).toBe("keys look like vopr/seed-17-1700000000000.json; `kimtest list-failures` shows them");
});

test.each(["", "a/b", "..", "a b", "-a", "a.b", "a\n", "ä", "x".repeat(101)])("fuzz target %j has no key", (target) => {
  let thrown: unknown;
  try {
    fuzzFailureKey(target, 1700000000000);
  } catch (error) {
    thrown = error;
  }
  expect(thrown).toBeInstanceOf(KimtestError);
  expect((thrown as KimtestError).code).toBe("BAD_INPUT");
  expect((thrown as KimtestError).message).toBe(`fuzz target "${target}" cannot be part of a bucket key`);
});

test("keys are parsed as they were built", () => {
  fc.assert(
    fc.property(
      fc.bigInt({ min: 0n, max: MAX_U64 }),
      fc.stringMatching(/^[A-Za-z0-9_][A-Za-z0-9_-]{0,99}$/),
      fc.integer({ min: 1_000_000_000_000, max: 9_999_999_999_999 }),
      (seed, target, timestampMs) => {
        const at = new Date(timestampMs);
        const vopr = voprFailureKey(seed, timestampMs);
        expect(parseFailureKey(vopr)).toStrictEqual({ kind: "vopr", key: vopr, seed, at });
        const fuzz = fuzzFailureKey(target, timestampMs);
        expect(parseFailureKey(fuzz)).toStrictEqual({ kind: "fuzz", key: fuzz, target, at });
      },
    ),
  );
});

test("inputs of a corpus are parsed as they were built, and nothing else is", () => {
  const sha1 = "0123456789abcdef0123456789abcdef01234567";
  const key = corpusInputKey("sql_parser-2", sha1);
  expect(key).toBe(`fuzz-corpus/sql_parser-2/${sha1}`);
  expect(parseCorpusInputKey(key)).toStrictEqual({ target: "sql_parser-2", sha1 });
  const backup = corpusBackupKey("sql_parser-2", 1700000000000);
  expect(backup).toBe("fuzz-corpus/sql_parser-2/backups/1700000000000.tar.gz");
  const others = [backup, key.toUpperCase(), `${key}0`, `${key}\n`, key.replace("sql", "../sql"), `x${key}`, sha1];
  expect(others.filter((other) => parseCorpusInputKey(other) !== undefined)).toEqual([]);
});

test("no text leads to a key outside the failures", () => {
  fc.assert(
    fc.property(fc.string({ unit: "binary" }), (typed) => {
      expect(() => failureKeyFrom(typed)).toThrow(KimtestError);
    }),
  );
});

test("the index sorts by time, newest first, and is parsed as it was built", () => {
  const failures = fc.record({
    seed: fc.bigInt({ min: 0n, max: MAX_U64 }),
    target: fc.stringMatching(/^[A-Za-z0-9_][A-Za-z0-9_-]{0,99}$/),
    timestampMs: fc.integer({ min: 1_000_000_000_000, max: 9_999_999_999_999 }),
    kind: fc.constantFrom("vopr", "fuzz"),
    signature: fc.string(),
  });
  const indexed = ({
    seed,
    target,
    timestampMs,
    kind,
    signature,
  }: typeof failures extends fc.Arbitrary<infer T> ? T : never) => {
    const key = kind === "vopr" ? voprFailureKey(seed, timestampMs) : fuzzFailureKey(target, timestampMs);
    const failure = parseFailureKey(key)!;
    const finding = findingId(signature);
    const indexKey = failureIndexKey(failure, finding);
    expect(parseFailureIndexKey(indexKey)).toStrictEqual({ ...failure, finding });
    return { atMs: failure.at.getTime(), place: indexKey.slice("failure-index/vopr/".length) };
  };
  fc.assert(
    fc.property(failures, failures, (one, other) => {
      const [first, second] = [indexed(one), indexed(other)];
      if (first.atMs !== second.atMs) expect(first.atMs > second.atMs).toBe(first.place < second.place);
    }),
  );
});

test.each([
  "failure-index/vopr/8299999999999-0123456789ab-seed-17-1700000000001.json",
  "failure-index/fuzz/8299999999999-0123456789ab-seed-17-1700000000000.tar.gz",
  "failure-index/vopr/8299999999999-0123456789AB-seed-17-1700000000000.json",
  "failure-index/vopr/8299999999999-0123456789ab-../x-1700000000000.json",
  "failure-index/vopr/8299999999999-0123456789ab-seed-17-1700000000000.json\n",
  "failure-index/vopr/8299999999999-0123456789ab-\u001b[2Jseed-17-1700000000000.json",
  "failure-index/begins-1700000000000.json",
  "failures/vopr/seed-17-1700000000000.json",
])("%j is no index key", (key) => {
  expect(parseFailureIndexKey(key)).toBeUndefined();
});

test.each<[key: string, atMs: number | undefined]>([
  ["failure-index/begins-1700000000000.json", 1_700_000_000_000],
  ["failure-index/begins-170000000000.json", undefined],
  ["failure-index/begins-1700000000000.json.x", undefined],
])("%s begins the index at %p", (key, atMs) => {
  expect(parseFailureIndexBeginsKey(key)).toBe(atMs);
});
