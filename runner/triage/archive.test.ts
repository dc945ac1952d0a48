import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "@jest/globals";
import type { Batch } from "../../contracts/checkpoint.ts";
import { voprFailureSchema } from "../../contracts/failure.ts";
import type { IterationData } from "../../contracts/vopr.ts";
import { fakeProfile } from "../../test/fake-profile.ts";
import { Outbox } from "../store/outbox.ts";
import { decodeJson } from "../store/read-json.ts";
import { archiveSeed, failureIn, type BatchOrigin } from "./archive.ts";

const HASH = "0".repeat(64);
const passed: IterationData = {
  seed: 7n,
  status: "ok",
  events: 1,
  simulated_time_ms: 1,
  storage_hash: HASH,
  kernel_state_hash: HASH,
};
const failedBy = (invariant: string): IterationData => ({
  seed: 7n,
  status: "failed",
  events: 1,
  invariant,
  message: "why",
});

test.each([
  ["must-pass", passed, undefined],
  ["must-pass", failedBy("hash_chain"), "hash_chain"],
  ["must-pass", failedBy("determinism"), "determinism"],
  ["must-detect", passed, "undetected"],
  ["must-detect", failedBy("hash_chain"), undefined],
  // That a seed cannot be repeated detects no attack.
  ["must-detect", failedBy("determinism"), "determinism"],
] as const)("%s, %j: %s", (expectation, data, invariant) => {
  expect(failureIn(data, expectation)?.invariant).toBe(invariant);
});

describe("an outbox without room for a bundle: the record is archived and says so", () => {
  const batch: Batch = {
    ...{ id: 1_700_000_000_000, kind: "normal", scenario: "combined", starting_seed: 0n, iterations: 9, attempt: 1 },
    counted_failures: [],
  };
  const toolchain = { node: "v24", platform: "linux", architecture: "x64", cpu: "test", cores: 2 };
  const origin: BatchOrigin = {
    ...{ profile: fakeProfile().vopr, profileName: "fake", batch, expectation: "must-pass" },
    ...{ cycle: 1, commit: "0123abc", toolchain },
  };
  const failure = { seed: 4n, invariant: "hash_chain", message: "why", record: {} };

  test.each([
    ["it is too large", 0, 30_000, /^it could not be stored: outbox .* is full with 0 entries/],
    ["the store is away, and half of the room is taken", 11_000, 10, /^what waits for the store left it no room$/],
  ])("%s", async (_, waiting, size, reason) => {
    const folder = mkdtempSync(join(tmpdir(), "kimtest-archive-"));
    const delivered = new Map<string, string>();
    const isBack = Promise.withResolvers<undefined>();
    const store = {
      put: async (key: string, body: Buffer | string) => {
        await isBack.promise;
        delivered.set(key, body.toString());
        return { etag: "e" };
      },
    };
    const outbox = await Outbox.open({ directory: join(folder, "outbox"), store, maxBytes: 20_000 });
    try {
      if (waiting > 0) await outbox.put("waiting", Buffer.alloc(waiting));
      const bundle = { bytes: Buffer.alloc(size), reason: null };
      const { failure_key: key } = await archiveSeed(outbox, origin, failure, bundle, "2026-11-21T10:00:00.000Z");
      isBack.resolve(undefined);
      await outbox.flush(5_000);
      expect([...delivered.keys()].filter((one) => one.startsWith("failures/"))).toEqual([key]);
      const record = decodeJson(delivered.get(key) ?? "", "record", voprFailureSchema);
      expect(record).toMatchObject({ seed: 4n, bundle_key: null, bundle_reason: expect.stringMatching(reason) });
    } finally {
      isBack.resolve(undefined);
      await outbox.close();
      rmSync(folder, { recursive: true });
    }
  });
});
