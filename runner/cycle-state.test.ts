/** Where a cycle begins: what of a checkpoint of the first infrastructure is gone on from, and under which profile. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "@jest/globals";
import { CURRENT_CYCLE_KEY } from "../contracts/bucket.ts";
import { checkpointSchema } from "../contracts/checkpoint.ts";
import { parseJson, stringifyJson } from "../contracts/json.ts";
import { MAX_U64 } from "../contracts/u64.ts";
import { fakeProfile } from "../test/fake-profile.ts";
import { beginning, profileOfOpenCycle } from "./cycle-state.ts";
import { openStore } from "./store/open-store.ts";

const OPTIONS = {
  profile: fakeProfile({}, { seed_offset: 7n }),
  budgetMs: 1_000,
  nowMs: Date.parse("2026-11-21T10:00:00Z"),
  outageBeforeMs: 0,
  storeUrl: "/store",
};

/** As its program wrote it: pretty, a time with nanoseconds, seeds beyond 2^53. */
const first = (change: object = {}) =>
  checkpointSchema.parse({
    ...(parseJson(
      `{
  "last_seed": 310000,
  "total_iterations": 310001,
  "total_failures": 2,
  "failed_seeds": [17, 9007199254740993, 17, 4242],
  "last_update": "2026-04-17T03:08:43.123456789+00:00"
}`,
      "checkpoint",
    ) as object),
    ...change,
  });

const begun = (checkpoint: ReturnType<typeof first>) =>
  beginning({ state: undefined, checkpoint, damage: [] }, OPTIONS);

test("each scenario begins after its last seed; what it counted is kept, and said", () => {
  const { cycle, checkpoint, warnings } = begun(first());
  const cursor = { next_seed: 310_001n, iterations: 0, failures: 0, commits: [] };
  expect(cycle).toBe(1);
  expect(checkpoint).toMatchObject({
    last_seed: 310_000n,
    total_iterations: 310_001,
    // Its own total is of its last batch alone.
    total_failures: 3,
    failed_seeds: [17n, 9007199254740993n, 4242n],
    scenarios: { baseline: cursor, combined: cursor },
    open: [],
  });
  expect(warnings).toEqual([
    "goes on after seed 310000 of a checkpoint of the first infrastructure, whose 310001 iterations ran no scenario",
  ]);
});

test("of failed seeds without end the newest are kept, and all are counted", () => {
  const failed = Array.from({ length: 5_000 }, (_, index) => index);
  const { checkpoint } = begun(first({ failed_seeds: failed }));
  expect(checkpoint.failed_seeds).toHaveLength(1_000);
  expect(checkpoint.failed_seeds.at(-1)).toBe(4_999n);
  expect(checkpoint.total_failures).toBe(5_000);
});

test("after the last seed of all, scenarios begin where the profile says", () => {
  const { checkpoint } = begun(first({ last_seed: MAX_U64 }));
  expect(checkpoint.scenarios["combined"]?.next_seed).toBe(7n);
});

test("a checkpoint of our own is taken as it is", () => {
  const own = first({ cycle: 3, scenarios: { combined: { next_seed: 5, iterations: 5, failures: 0, commits: [] } } });
  const { cycle, checkpoint, warnings } = begun(own);
  expect({ cycle, warnings }).toEqual({ cycle: 4, warnings: [] });
  expect(checkpoint).toEqual(own);
});

test("the profile of an open cycle: this disk's, else the store's; a cycle that is done has none", async () => {
  const folder = mkdtempSync(join(tmpdir(), "kimtest-cycle-state-"));
  const path = join(folder, "cycle.json");
  const store = await openStore(join(folder, "store"));
  const open = begun(first());
  const keep = (state: typeof open): void => {
    writeFileSync(path, stringifyJson(state));
  };
  expect(await profileOfOpenCycle(path, store)).toBeUndefined();
  await store.put(CURRENT_CYCLE_KEY, stringifyJson({ ...open, profile: "stored" }));
  expect(await profileOfOpenCycle(path, store)).toBe("stored");
  keep({ ...open, profile: "mine" });
  expect(await profileOfOpenCycle(path, store)).toBe("mine");
  keep({ ...open, status: "done" });
  expect(await profileOfOpenCycle(path, store)).toBeUndefined();
  writeFileSync(path, "{");
  expect(await profileOfOpenCycle(path, store)).toBe("stored");
  store.close();
  rmSync(folder, { recursive: true });
});
