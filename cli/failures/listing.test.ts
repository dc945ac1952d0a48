/** Whatever is indexed and whatever is not: the newest failures, all of them, in order. */
import { expect, test } from "@jest/globals";
import fc from "fast-check";
import {
  failureKeyFrom,
  findingId,
  fuzzFailureKey,
  parseFailureKey,
  voprFailureKey,
  type FailureKind,
} from "../../contracts/bucket.ts";
import { compareKeys } from "../../runner/store/keys.ts";
import { archiveObjects, type Archived } from "./archive.fixture.ts";
import { listNewest, type FailureQuestion, type FoundFailure } from "./listing.ts";

/** A bucket's listing, and how many keys were taken from it. */
class Listing {
  readonly #keys: string[];
  taken = 0;

  constructor(keys: readonly string[]) {
    this.#keys = keys.toSorted(compareKeys);
  }

  async *list(prefix: string) {
    for (const key of this.#keys) {
      if (!key.startsWith(prefix)) continue;
      this.taken += 1;
      await Promise.resolve();
      yield { key, size: 1, modified: new Date(0) };
    }
  }
}

const BOTH: readonly FailureKind[] = ["vopr", "fuzz"];
const QUESTION: FailureQuestion = { kinds: BOTH, sinceMs: 0, limit: 1_000, useIndex: true };
const FROM_MS = 1_700_000_000_000;

async function listed(store: Listing, question: Partial<FailureQuestion> = {}) {
  const failures: FoundFailure[] = [];
  const pages: number[] = [];
  const answer = await listNewest(store, { ...QUESTION, ...question }, (page) => {
    pages.push(page.length);
    failures.push(...page);
    return Promise.resolve();
  });
  return { ...answer, failures, pages };
}

const stored = (failures: readonly Archived[], beginsMs?: number): Listing =>
  new Listing(archiveObjects(failures, beginsMs).map(([key]) => key));

const archived = fc.record({
  key: fc.oneof(
    fc.tuple(fc.bigInt({ min: 0n, max: 300n }), fc.nat(60)).map(([seed, ms]) => voprFailureKey(seed, FROM_MS + ms)),
    fc
      .tuple(fc.constantFrom("json", "lines", "a-b"), fc.nat(60))
      .map(([name, ms]) => fuzzFailureKey(name, FROM_MS + ms)),
  ),
  signature: fc.constantFrom("agreement:gray", "liveness:combined", "fuzz:json:x"),
});
const archive = fc.uniqueArray(archived, { selector: ({ key }) => key, maxLength: 80 });

test("newest first, to the limit, whichever part is indexed", async () => {
  await fc.assert(
    fc.asyncProperty(
      archive,
      fc.option(fc.integer({ min: 0, max: 61 }), { nil: undefined }),
      fc.record({
        kinds: fc.constantFrom(BOTH, ["vopr" as const], ["fuzz" as const]),
        sinceMs: fc.oneof(
          fc.constant(0),
          fc.nat(61).map((ms) => FROM_MS + ms),
        ),
        limit: fc.integer({ min: 1, max: 90 }),
        useIndex: fc.boolean(),
      }),
      async (failures, beginsAfter, question) => {
        const beginsMs = beginsAfter === undefined ? undefined : FROM_MS + beginsAfter;
        const { failures: found, more } = await listed(stored(failures, beginsMs), question);
        const atOf = (key: string): number => failureKeyFrom(key).at.getTime();
        const wanted = failures.filter(
          ({ key }) => question.kinds.includes(failureKeyFrom(key).kind) && atOf(key) >= question.sinceMs,
        );
        // Those of one instant are in no order of their own, so that times are compared, and keys as a set.
        const times = wanted.map(({ key }) => atOf(key)).sort((a, b) => b - a);
        expect(found.map(({ at }) => at.getTime())).toEqual(times.slice(0, question.limit));
        expect(more).toBe(wanted.length > question.limit);
        expect(new Set(found.map(({ key }) => key)).size).toBe(found.length);
        const bySignature = new Map(wanted.map(({ key, signature }) => [key, signature]));
        for (const { key, finding } of found) {
          const isIndexed = question.useIndex && beginsMs !== undefined && atOf(key) >= beginsMs;
          expect(finding).toBe(isIndexed ? findingId(bySignature.get(key)!) : null);
        }
      },
    ),
  );
});

const many = (count: number, signature = "agreement:gray"): Archived[] =>
  Array.from({ length: count }, (_, index) => ({
    key: voprFailureKey(BigInt((index * 7_919) % count), FROM_MS + index),
    signature,
  }));

test("the first pages are all that is read of an index of 20,000", async () => {
  const store = stored(many(20_000), FROM_MS);
  const { failures, more, pages } = await listed(store, { limit: 120 });
  expect(failures.map(({ at }) => at.getTime())).toEqual(
    Array.from({ length: 120 }, (_, ago) => FROM_MS + 19_999 - ago),
  );
  expect({ more, pages }).toEqual({ more: true, pages: [50, 50, 20] });
  // With the one that tells that there is more.
  expect(store.taken).toBe(122);
});

test("--since ends the reading of an index", async () => {
  const store = stored(many(20_000), FROM_MS);
  const { failures, more } = await listed(store, { sinceMs: FROM_MS + 19_990 });
  expect(failures).toHaveLength(10);
  expect(more).toBe(false);
  expect(store.taken).toBeLessThan(15);
});

test("of one finding: its own, and how many the index cannot tell", async () => {
  const mixed = [
    ...many(30),
    ...many(5, "liveness:combined").map((one, index) => ({
      ...one,
      key: voprFailureKey(1_000n, FROM_MS + 40 + index),
    })),
  ];
  const finding = findingId("liveness:combined");
  const whole = await listed(stored(mixed, FROM_MS), { finding });
  expect(whole.failures.map(({ key }) => parseFailureKey(key)?.at.getTime())).toEqual(
    [44, 43, 42, 41, 40].map((ms) => FROM_MS + ms),
  );
  expect(whole).toMatchObject({ more: false, unnamed: 0 });
  const half = await listed(stored(mixed, FROM_MS + 42), { finding });
  expect(half).toMatchObject({ more: false, unnamed: 32 });
  expect(half.failures).toHaveLength(3);
});

test("keys that the runner would not write are left out", async () => {
  const good = stored(many(2), FROM_MS);
  const hostile = [
    "failures/vopr/seed-1-\u001b[2J.json",
    "failures/vopr/../x.json",
    `failure-index/vopr/0000000000000-0123456789ab-seed-1-${String(FROM_MS)}.json`,
    "failure-index/begins-0000000000000x.json",
    "failure-index/vopr/x",
  ];
  const all = new Listing([...hostile, ...archiveObjects(many(2), FROM_MS).map(([key]) => key)]);
  expect(await listed(all)).toEqual(await listed(good));
  expect((await listed(all, { useIndex: false })).failures).toHaveLength(2);
});
