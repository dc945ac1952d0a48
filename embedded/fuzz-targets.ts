/**
 * What the embedded profile fuzzes: this project's own parsers and books, each with the law it must keep.
 *
 * A target builds inputs and throws when the law is broken. `canary` is broken on purpose: a search that
 * does not find its bug finds nothing.
 */
import assert from "node:assert/strict";
import fc from "fast-check";
import { failureKeyFrom, fuzzFailureKey, parseFailureKey, voprFailureKey } from "../contracts/bucket.ts";
import { KimtestError } from "../contracts/errors.ts";
import { parseJson, stringifyJson } from "../contracts/json.ts";
import { seedSchema } from "../contracts/seed.ts";
import { MAX_U64, parseU64 } from "../contracts/u64.ts";
import { lineSplitter } from "../runner/platform/lines.ts";
import { retriesOf } from "../runner/tools/retry.ts";
import { BatchReader } from "../runner/tools/vopr.ts";

export interface FuzzTarget {
  readonly description: string;
  readonly property: fc.IRawProperty<unknown, false>;
}

const seed = fc.bigInt({ min: 0n, max: MAX_U64 });

/** A few of them at a time: V8 has taken one for another (contracts/escaped-keys.ts). */
const keyWithEscapes = fc.string({ unit: fc.constantFrom('"', "\\", "\n", "n"), minLength: 1, maxLength: 3 });

/** JSON values whose integers may be of any size. */
const jsonValue = fc.letrec<{ value: unknown }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 4 },
    fc.constant(null),
    fc.boolean(),
    fc.string({ unit: "binary" }),
    fc.maxSafeInteger(),
    seed.filter((integer) => integer > BigInt(Number.MAX_SAFE_INTEGER)),
    fc.array(tie("value"), { maxLength: 5 }),
    fc.dictionary(
      fc.oneof(fc.string(), keyWithEscapes).filter((key) => key !== "__proto__"),
      tie("value"),
      { maxKeys: 5, noNullPrototype: true },
    ),
  ),
})).value;

/** Calls `parse`; the only error it may throw is one made for people. */
function onlyKimtestErrors(parse: () => unknown): void {
  try {
    parse();
  } catch (error) {
    if (!(error instanceof KimtestError)) throw error;
  }
}

/** A line as a vopr might print it: right, or wrong in one place. */
const voprLine = fc.oneof(
  fc.string({ unit: "binary" }),
  fc.json(),
  fc
    .record({
      type: fc.constantFrom("start", "iteration", "batch_complete", "coverage_failures", "other"),
      timestamp: fc.oneof(fc.string(), fc.constant("2026-01-30T12:00:00Z")),
      data: fc.record(
        {
          seed: fc.oneof(seed, jsonValue),
          status: fc.constantFrom("ok", "failed", 1, null),
          events: fc.oneof(fc.nat(), jsonValue),
          invariant: fc.oneof(fc.string(), jsonValue),
          message: fc.oneof(fc.string(), jsonValue),
          starting_seed: fc.oneof(fc.constant(0n), seed, jsonValue),
          iterations: fc.oneof(fc.constant(10), fc.nat(), jsonValue),
          successes: fc.nat(20),
          failures: fc.nat(20),
          failed_seeds: fc.array(seed, { maxLength: 5 }),
        },
        { requiredKeys: [] },
      ),
    })
    .map((record) => stringifyJson(record, 0)),
);

export const FUZZ_TARGETS: Readonly<Record<string, FuzzTarget>> = {
  json: {
    description: "JSON is read back as it was written, every digit of an integer included",
    property: fc.property(jsonValue, (value) => {
      assert.deepEqual(parseJson(stringifyJson(value), "text"), value);
    }),
  },
  seeds: {
    description: "a seed survives JSON and the command line; anything else is refused in words",
    property: fc.property(seed, fc.string(), (value, text) => {
      const read = parseJson(stringifyJson({ seed: value }), "text") as { seed: unknown };
      assert.equal(seedSchema.parse(read.seed), value);
      assert.equal(parseU64(value.toString(), "seed"), value);
      onlyKimtestErrors(() => parseU64(text, "seed"));
    }),
  },
  "vopr-records": {
    description: "no output of a vopr makes its reader throw, and none without a final record passes",
    property: fc.property(fc.array(voprLine, { maxLength: 12 }), (lines) => {
      const reader = new BatchReader({ startingSeed: 0n, iterations: 10 });
      const sawFinal = lines.some((line) => line.includes("batch_complete"));
      for (const line of lines) if (reader.take(line).next === "stop") break;
      const ended = { ending: "exited", exitCode: 0, signal: null, description: "exit code 0" } as const;
      const verdict = reader.judge({ ...ended, stdout: "", stderr: "", durationMs: 1, cpuMs: 1 });
      assert.ok(sawFinal || verdict.verdict === "inconclusive", "passed without a final record");
      assert.ok(verdict.verdict !== "inconclusive" || verdict.iterations === 0, "counted seeds without a verdict");
    }),
  },
  "bucket-keys": {
    description: "keys are parsed as they were built; what people type is a key or a clear error",
    property: fc.property(
      seed,
      fc.integer({ min: 1e12, max: 9_999_999_999_999 }),
      fc.stringMatching(/^[A-Za-z0-9_][A-Za-z0-9_-]{0,20}$/),
      fc.string({ unit: "binary" }),
      (value, timestampMs, target, typed) => {
        const vopr = voprFailureKey(value, timestampMs);
        assert.deepEqual(parseFailureKey(vopr), { kind: "vopr", key: vopr, seed: value, at: new Date(timestampMs) });
        const fuzz = fuzzFailureKey(target, timestampMs);
        assert.deepEqual(parseFailureKey(fuzz), { kind: "fuzz", key: fuzz, target, at: new Date(timestampMs) });
        onlyKimtestErrors(() => failureKeyFrom(typed));
      },
    ),
  },
  lines: {
    description: "lines do not depend on where the stream was cut",
    property: fc.property(fc.uint8Array({ maxLength: 200 }), fc.array(fc.nat(), { maxLength: 8 }), (bytes, cuts) => {
      const whole = lineSplitter(1_000);
      const expected = [...(whole.push(Buffer.from(bytes)) ?? []), whole.rest()];
      const places = [0, ...cuts.map((cut) => cut % (bytes.length + 1)).sort((a, b) => a - b), bytes.length];
      const pieces = lineSplitter(1_000);
      const read = places
        .slice(1)
        .flatMap((end, index) => pieces.push(Buffer.from(bytes.slice(places[index], end))) ?? []);
      assert.deepEqual([...read, pieces.rest()], expected);
    }),
  },
  retries: {
    description: "every seed of an inconclusive batch is retried exactly once",
    property: fc.property(
      fc.bigInt({ min: 0n, max: MAX_U64 - 1_000n }),
      fc.integer({ min: 1, max: 200 }),
      fc.bigInt({ min: -5n, max: 205n }),
      (from, iterations, offset) => {
        const batch = {
          id: 1,
          kind: "normal",
          scenario: "s",
          starting_seed: from,
          iterations,
          attempt: 1,
          counted_failures: [],
        } as const;
        const parts = retriesOf({ ...batch, counted_failures: [] }, from + offset, []);
        const seeds = parts.flatMap((part) =>
          Array.from({ length: part.iterations }, (_, index) => part.starting_seed + BigInt(index)),
        );
        assert.deepEqual(
          seeds,
          Array.from({ length: iterations }, (_, index) => from + BigInt(index)),
        );
      },
    ),
  },
  canary: {
    description: "planted: a sum that forgets the last item of a longer list",
    property: fc.property(fc.array(fc.nat({ max: 1_000 })), (items) => {
      const forgetful = items.slice(0, items.length > 3 ? -1 : undefined).reduce((sum, item) => sum + item, 0);
      assert.equal(
        forgetful,
        items.reduce((sum, item) => sum + item, 0),
      );
    }),
  },
};
