import { expect, test } from "@jest/globals";
import type { IterationData } from "../../contracts/vopr.ts";
import { failureIn } from "./archive.ts";

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
