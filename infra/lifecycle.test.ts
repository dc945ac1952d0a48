import { describe, expect, test } from "@jest/globals";
import {
  benchmarksKey,
  bundleKey,
  CHECKPOINT_KEY,
  CURRENT_CYCLE_KEY,
  dailyCheckpointKey,
  dailyDigestKey,
  DIGEST_KEY,
  evidenceKey,
  formalVerificationKey,
  fuzzFailureKey,
  phaseResultKey,
  REGISTRY_KEY,
  voprBundleKey,
  voprFailureKey,
} from "../contracts/bucket.ts";
import { lifecycleRules } from "./lifecycle.ts";

const DAY = new Date("2026-01-31T00:00:00Z");

/** What S3 would do to the current version of an object, and to its old ones. */
function fateOf(key: string): string {
  const rules = lifecycleRules().filter(({ filter }) => key.startsWith(filter.prefix));
  const days = rules.flatMap(({ expiration }) =>
    expiration !== undefined && "days" in expiration ? [expiration.days] : [],
  );
  const moves = rules.flatMap(({ transitions = [] }) =>
    transitions.map((move) => `${move.storageClass} after ${move.days}`),
  );
  const old = rules.flatMap(({ noncurrentVersionExpiration: rule }) =>
    rule === undefined ? [] : [rule.noncurrentDays],
  );
  const current = [...moves, ...(days.length === 0 ? ["kept"] : [`deleted after ${Math.min(...days)}`])];
  return `${current.join(", ")}; old versions ${Math.min(...old)}`;
}

describe("what happens to an object", () => {
  test.each([
    [voprFailureKey(17n, 1_700_000_000_000), "GLACIER_IR after 90, kept; old versions 30"],
    [voprBundleKey(voprFailureKey(17n, 1_700_000_000_000)), "GLACIER_IR after 90, kept; old versions 30"],
    [fuzzFailureKey("json", 1_700_000_000_000), "GLACIER_IR after 90, kept; old versions 30"],
    [dailyCheckpointKey(DAY), "deleted after 30; old versions 30"],
    [dailyDigestKey(DAY), "deleted after 30; old versions 30"],
    [benchmarksKey(DAY), "deleted after 90; old versions 30"],
    [formalVerificationKey(DAY), "deleted after 90; old versions 30"],
    [phaseResultKey(1, "vopr"), "deleted after 90; old versions 30"],
    [phaseResultKey(99_999, "vopr"), "deleted after 90; old versions 30"],
    [evidenceKey(12, 1, 1, 17n), "deleted after 90; old versions 30"],
    [CHECKPOINT_KEY, "kept; old versions 1"],
    [CURRENT_CYCLE_KEY, "kept; old versions 1"],
    [DIGEST_KEY, "kept; old versions 30"],
    [REGISTRY_KEY, "kept; old versions 30"],
    ["benchmarks/baseline.json", "kept; old versions 30"],
    ["fuzz-corpus/json/0a1b", "kept; old versions 30"],
    [bundleKey("ab".repeat(32)), "kept; old versions 30"],
  ])("%s: %s", (key, fate) => {
    expect(fateOf(key)).toBe(fate);
  });
});

test("uploads that were never finished are cleared, everywhere", () => {
  const rules = lifecycleRules().filter((rule) => rule.abortIncompleteMultipartUpload !== undefined);
  expect(
    rules.map(({ filter, abortIncompleteMultipartUpload }) => [filter.prefix, abortIncompleteMultipartUpload]),
  ).toEqual([["", { daysAfterInitiation: 1 }]]);
});

test("rules have names of their own", () => {
  const ids = lifecycleRules().map(({ id }) => id);
  expect(new Set(ids).size).toBe(ids.length);
});
