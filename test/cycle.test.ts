/** Whole cycles as real processes, with stand-ins for the programs under test. */
import { beforeAll, expect, test } from "@jest/globals";
import { voprFailureSchema } from "../contracts/failure.ts";
import type { Profile } from "../contracts/profile.ts";
import { decodeJson } from "../runner/store/read-json.ts";
import { awayFromMidnight, DAY_HOOK_MS } from "./day.ts";
import { fakeProfile, type FakeVopr } from "./fake-profile.ts";
import { workbenches } from "./workbench.ts";

const workbench = workbenches();
beforeAll(awayFromMidnight, DAY_HOOK_MS);
/** Slow enough that a short cycle runs some hundred seeds. */
const calm: FakeVopr = { seed_ms: 2 };

test.concurrent("a green cycle: evidence in the store, in the bucket layout", async () => {
  const determinism = { share: 0.3, arguments: ["--check-determinism"] };
  const bench = workbench(fakeProfile(calm, { determinism }));
  const ran = await bench.cycle("10s");
  expect(ran.stdout).toContain("kimtest cycle 1: PASSED");
  expect(ran.exitCode).toBe(0);
  const day = new Date().toISOString().slice(0, 10);
  expect(bench.keys()).toEqual([
    `benchmarks/${day}.json`,
    `checkpoints/daily/${day}.json`,
    "checkpoints/latest.json",
    "cycles/000001/benchmarks.json",
    "cycles/000001/formal-verification.json",
    "cycles/000001/fuzz.json",
    "cycles/000001/prepare.json",
    "cycles/000001/vopr.json",
    "cycles/current.json",
    `digests/${day}.json`,
    "digests/latest.json",
    expect.stringMatching(/^failure-index\/begins-\d{13}\.json$/),
    `formal-verification/${day}.json`,
    "signatures/known-failures.json",
  ]);
  const digest = bench.digest();
  expect(digest).toMatchObject({ verdict: "passed", cycle: 1, interruptions: 0, findings: [] });
  expect(digest.vopr.iterations).toBeGreaterThan(20);
  expect(digest.vopr.determinism_iterations).toBeGreaterThan(0);
  expect(digest.trust.vopr).toMatchObject({
    trusted: true,
    canary: { canary: "planted", found: true, found_in: 4, runs: 12 },
  });
  const checkpoint = JSON.parse(bench.text("checkpoints/latest.json")) as Record<string, unknown>;
  expect(checkpoint).toMatchObject({ total_iterations: digest.vopr.iterations, total_failures: 0, failed_seeds: [] });
});

test.concurrent("each failing seed is archived once, alone, and known findings are not new again", async () => {
  const bench = workbench(fakeProfile({ seed_ms: 10, fail_every: 5 }));
  expect((await bench.cycle("10s")).exitCode).toBe(1);
  const first = bench.digest();
  const keys = bench.keys("failures/vopr/");
  expect(keys).toHaveLength(first.vopr.failures_total);
  expect(bench.indexedKeys("vopr")).toEqual(keys);
  expect(first.vopr).toMatchObject({ verdict: "failed", failures_new: first.vopr.failures_total });
  expect(first.findings.map(({ signature, state }) => [signature, state]).sort()).toEqual([
    ["replica_consistency:baseline", "new"],
    ["replica_consistency:combined", "new"],
  ]);
  const archived = keys.map((key) => decodeJson(bench.text(key), key, voprFailureSchema));
  expect(new Set(archived.map(({ scenario, seed }) => `${scenario} ${seed.toString()}`)).size).toBe(keys.length);
  for (const { seed } of archived) expect(seed % 5n).toBe(0n);
  expect(archived[0]).toMatchObject({ kind: "vopr", invariant: "replica_consistency", record: { type: "iteration" } });

  expect((await bench.cycle("10s")).exitCode).toBe(1);
  const second = bench.digest();
  expect(second).toMatchObject({ cycle: 2, vopr: { failures_new: 0 } });
  expect(second.findings.map(({ state }) => state)).toEqual(["ongoing", "ongoing"]);
  expect(bench.keys("failure-index/begins-")).toHaveLength(2);
  // The second cycle went on where the first had stopped.
  expect(bench.keys("failures/vopr/")).toHaveLength(first.vopr.failures_total + second.vopr.failures_total);
});

test.concurrent(
  "a canary that is not found makes VOPR untrusted: exit code 6, though everything is green",
  async () => {
    const profile = fakeProfile(calm);
    // The flags of the canary are not given to the program: it finds nothing.
    const bench = workbench({
      ...profile,
      vopr: { ...profile.vopr, canary: { ...profile.vopr.canary, arguments: [] } },
    });
    const ran = await bench.cycle("10s");
    expect(ran.exitCode).toBe(6);
    expect(ran.stdout).toContain("VOPR                 PASSED UNTRUSTED");
    expect(ran.stderr).toContain("warning: VOPR is untrusted");
    expect(bench.digest()).toMatchObject({
      verdict: "inconclusive",
      vopr: { verdict: "passed" },
      trust: {
        vopr: { trusted: false, canary: { found: false, found_in: 0, runs: 12, reason: "none of 12 seeds failed" } },
      },
    });
  },
);

test.concurrent("a scenario that must detect: failing seeds are right, passing ones are the bug", async () => {
  const scenarios: Profile["vopr"]["scenarios"] = [
    { name: "baseline", weight: 1, expectation: "must-pass" },
    { name: "combined", weight: 1, expectation: "must-detect" },
  ];
  const { vopr } = fakeProfile();
  const change = { scenarios, canary: { ...vopr.canary, scenario: "baseline" } };
  const detecting = workbench(fakeProfile({ seed_ms: 2, fail_every: 1, only: "combined" }, change));
  expect((await detecting.cycle("10s")).exitCode).toBe(0);
  expect(detecting.digest().vopr).toMatchObject({ verdict: "passed", failures_total: 0 });

  const blind = workbench(fakeProfile({ seed_ms: 2, fail_every: 2, only: "combined" }, change));
  expect((await blind.cycle("10s")).exitCode).toBe(1);
  expect(blind.digest().findings).toMatchObject([{ signature: "undetected:combined" }]);
});
