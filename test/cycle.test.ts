/** Whole cycles as real processes, with stand-ins for the programs under test: what must never look green. */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { afterEach, describe, expect, test } from "@jest/globals";
import { voprFailureSchema } from "../contracts/failure.ts";
import type { Profile } from "../contracts/profile.ts";
import { decodeJson } from "../runner/store/read-json.ts";
import { fakeProfile, type FakeVopr } from "./fake-profile.ts";
import { Workbench } from "./workbench.ts";

let benches: Workbench[] = [];
function workbench(profile: Profile): Workbench {
  const bench = new Workbench(profile);
  benches.push(bench);
  return bench;
}
afterEach(() => {
  for (const bench of benches) bench.remove();
  benches = [];
});

/** Slow enough that a short cycle runs some hundred seeds. */
const calm: FakeVopr = { seed_ms: 2 };

test("a green cycle: evidence in the store, in the bucket layout", async () => {
  const bench = workbench(fakeProfile(calm));
  const ran = await bench.cycle("5s");
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
    `formal-verification/${day}.json`,
    "signatures/known-failures.json",
  ]);
  const digest = bench.digest();
  expect(digest).toMatchObject({ verdict: "passed", cycle: 1, interruptions: 0, findings: [] });
  expect(digest.vopr.iterations).toBeGreaterThan(50);
  expect(digest.vopr.determinism_iterations).toBeGreaterThan(0);
  expect(digest.trust.vopr).toMatchObject({
    trusted: true,
    canary: { canary: "planted", found: true, found_in: 4, runs: 12 },
  });
  const checkpoint = JSON.parse(bench.text("checkpoints/latest.json")) as Record<string, unknown>;
  expect(checkpoint).toMatchObject({ total_iterations: digest.vopr.iterations, total_failures: 0, failed_seeds: [] });
});

test("each failing seed is archived once, alone, and known findings are not new again", async () => {
  const bench = workbench(fakeProfile({ seed_ms: 1, fail_every: 50 }));
  expect((await bench.cycle("5s")).exitCode).toBe(1);
  const first = bench.digest();
  const keys = bench.keys("failures/vopr/");
  expect(keys).toHaveLength(first.vopr.failures_total);
  expect(first.vopr).toMatchObject({ verdict: "failed", failures_new: first.vopr.failures_total });
  expect(first.findings.map(({ signature, state }) => [signature, state]).sort()).toEqual([
    ["replica_consistency:baseline", "new"],
    ["replica_consistency:combined", "new"],
  ]);
  const archived = keys.map((key) => decodeJson(bench.text(key), key, voprFailureSchema));
  expect(new Set(archived.map(({ scenario, seed }) => `${scenario} ${seed.toString()}`)).size).toBe(keys.length);
  for (const { seed } of archived) expect(seed % 50n).toBe(0n);
  expect(archived[0]).toMatchObject({ kind: "vopr", invariant: "replica_consistency", record: { type: "iteration" } });

  expect((await bench.cycle("5s")).exitCode).toBe(1);
  const second = bench.digest();
  expect(second).toMatchObject({ cycle: 2, vopr: { failures_new: 0 } });
  expect(second.findings.map(({ state }) => state)).toEqual(["ongoing", "ongoing"]);
  // The second cycle went on where the first had stopped.
  expect(bench.keys("failures/vopr/")).toHaveLength(first.vopr.failures_total + second.vopr.failures_total);
});

describe("a vopr that goes wrong at one seed: no verdict for it, a verdict for its neighbours, evidence kept", () => {
  const table: [string, RegExp][] = [
    ["panic", /^panicked \(exit code 101\): thread 'main' panicked at replica\.rs:42: commit went backwards$/],
    ["kill", /^killed by SIGKILL$/],
    ["hang", /^hung: printed nothing for 2\.0 s$/],
    ["garbage", /is not valid JSON.*Segmentation fault/],
    ["flood", /^printed a line longer than \d+ characters$/],
    ["truncated", /is not valid JSON/],
    ["no-final", /^ended without batch_complete, exit code 0$/],
    ["exit-2", /^exit code 2: error: unknown scenario$/],
  ];
  test.each(table)("%s", async (mode, reason) => {
    // Seed 3 of every scenario is poisonous; its neighbours are not.
    const bench = workbench(fakeProfile({ ...calm, mode, bad_seed: 3 }));
    const ran = await bench.cycle("10s");
    expect(ran.exitCode).toBe(6);
    const digest = bench.digest();
    expect(digest.verdict).toBe("inconclusive");
    expect(digest.vopr).toMatchObject({ verdict: "inconclusive", inconclusive_seeds: 2 });
    const listed = digest.vopr.inconclusive;
    expect(
      listed.map(({ scenario, starting_seed, iterations }) => [scenario, starting_seed, iterations]).sort(),
    ).toEqual([
      ["baseline", 3n, 1],
      ["combined", 3n, 1],
    ]);
    for (const { reason: said, evidence_key: key } of listed) {
      expect(said).toMatch(reason);
      expect(JSON.parse(bench.text(key ?? ""))).toMatchObject({ batch: { attempt: 2 } });
    }
    expect(digest.vopr.iterations).toBeGreaterThan(20);
    expect(ran.stdout).toContain("seeds without a verdict: 2");
  });

  test("a failure that goes away on the retry leaves no trace but the time", async () => {
    const bench = workbench(fakeProfile({ ...calm, mode: "panic", bad_seed: 3, once: "panicked-once" }));
    expect((await bench.cycle("5s")).exitCode).toBe(0);
    expect(existsSync(join(bench.folder, "panicked-once"))).toBe(true);
    expect(bench.digest().vopr.inconclusive_seeds).toBe(0);
  });
});

describe("nothing works", () => {
  test("a vopr that does not exist: the phase gives up, the cycle goes on, exit code 6", async () => {
    const bench = workbench(fakeProfile({}, { command: ["/nowhere/vopr"] }));
    const ran = await bench.cycle("8s");
    expect(ran.exitCode).toBe(6);
    const digest = bench.digest();
    expect(digest.vopr).toMatchObject({ verdict: "inconclusive", iterations: 0 });
    expect(digest.vopr.reason).toContain("cannot be started: /nowhere/vopr does not exist");
    expect(digest.trust.vopr).toMatchObject({ trusted: false });
    expect(digest.fuzzing.verdict).toBe("passed");
  });

  test("programs of the other phases that fail are inconclusive, each with its reason", async () => {
    const profile = fakeProfile(calm);
    const broken = ["sh", "-c", "echo no such module >&2; exit 9"];
    const bench = workbench({
      ...profile,
      formal_verification: { ...profile.formal_verification, command: broken },
      benchmarks: { ...profile.benchmarks, command: ["sh", "-c", "echo '{}'"] },
      fuzz: { ...profile.fuzz, command: ["/nowhere/fuzz"] },
    });
    expect((await bench.cycle("4s")).exitCode).toBe(6);
    const digest = bench.digest();
    expect(digest.vopr.verdict).toBe("passed");
    expect(digest.formal_verification).toMatchObject({
      verdict: "inconclusive",
      reason: "explore: exit code 9: no such module",
    });
    expect(digest.benchmarks.reason).toMatch(/^its output does not have the expected shape: benchmarks/);
    expect(digest.fuzzing.reason).toContain("cannot be started: /nowhere/fuzz does not exist");
    expect(Object.values(digest.trust).map(({ trusted }) => trusted)).toEqual([true, false, false, false]);
  });
});

test("a canary that is not found makes VOPR untrusted: exit code 6, though everything is green", async () => {
  const profile = fakeProfile(calm);
  // The flags of the canary are not given to the program: it finds nothing.
  const bench = workbench({ ...profile, vopr: { ...profile.vopr, canary: { ...profile.vopr.canary, arguments: [] } } });
  const ran = await bench.cycle("4s");
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
});

test("a scenario that must detect: failing seeds are right, passing ones are the bug", async () => {
  const scenarios: Profile["vopr"]["scenarios"] = [{ name: "combined", weight: 1, expectation: "must-detect" }];
  const detecting = workbench(fakeProfile({ seed_ms: 2, fail_every: 1 }, { scenarios }));
  expect((await detecting.cycle("4s")).exitCode).toBe(0);
  expect(detecting.digest().vopr).toMatchObject({ verdict: "passed", failures_total: 0 });

  const blind = workbench(fakeProfile({ seed_ms: 2, fail_every: 2 }, { scenarios }));
  expect((await blind.cycle("4s")).exitCode).toBe(1);
  expect(blind.digest().findings).toMatchObject([{ signature: "undetected:combined" }]);
});

describe("what earlier work left damaged", () => {
  test("a corrupt registry is never overwritten, and findings are not called new", async () => {
    const bench = workbench(fakeProfile({ seed_ms: 1, fail_every: 50 }));
    mkdirSync(join(bench.store, "signatures"), { recursive: true });
    writeFileSync(join(bench.store, "signatures/known-failures.json"), '{"findings": {"replica_');
    const ran = await bench.cycle("4s");
    expect(ran.exitCode).toBe(1); // the seeds did fail
    expect(bench.text("signatures/known-failures.json")).toBe('{"findings": {"replica_');
    const digest = bench.digest();
    expect(digest.vopr.failures_new).toBeNull();
    expect(digest.findings.map(({ state }) => state)).toEqual([null, null]);
    expect(digest.warnings.join()).toContain("new and known findings cannot be told apart");
    // Once it is mended, what could not be merged is.
    writeFileSync(
      join(bench.store, "signatures/known-failures.json"),
      JSON.stringify({ version: 1, updated_at: new Date().toISOString(), findings: {} }),
    );
    await bench.cycle("4s");
    const finding = bench.registry().findings["replica_consistency:combined"];
    expect(finding).toMatchObject({ state: "ongoing", first_seen: { cycle: 1 } });
    expect(finding?.count).toBe(
      bench.keys("failures/vopr/").filter((key) => bench.text(key).includes('"combined"')).length,
    );
  });

  test.each(["checkpoints/latest.json", "cycles/current.json"])(
    "a corrupt %s: a copy is kept, the cycle is inconclusive",
    async (key) => {
      const bench = workbench(fakeProfile(calm));
      mkdirSync(join(bench.store, key, ".."), { recursive: true });
      writeFileSync(join(bench.store, key), "{ not json");
      const ran = await bench.cycle("4s");
      expect(ran.exitCode).toBe(6);
      expect(bench.digest().reason).toContain(`${key} in the store is damaged`);
      const copy = bench.keys().find((one) => one.startsWith(`${key}.damaged-`));
      expect(bench.text(copy ?? "")).toBe("{ not json");
    },
  );

  test("a corrupt local state is moved aside, and the cycle goes on from the store", async () => {
    const bench = workbench(fakeProfile(calm));
    await bench.cycle("4s");
    const before = bench.digest().vopr.iterations;
    writeFileSync(join(bench.state, "cycle.json"), "\0\0\0");
    expect((await bench.cycle("4s")).exitCode).toBe(6);
    const digest = bench.digest();
    expect(digest).toMatchObject({ cycle: 2, verdict: "inconclusive" });
    expect(digest.reason).toContain("the cycle's state was damaged");
    const checkpoint = JSON.parse(bench.text("checkpoints/latest.json")) as { total_iterations: number };
    expect(checkpoint.total_iterations).toBe(before + digest.vopr.iterations);
  });

  test("a checkpoint of the first infrastructure is gone on from", async () => {
    const bench = workbench(fakeProfile(calm));
    mkdirSync(join(bench.store, "checkpoints"), { recursive: true });
    const old = {
      last_seed: 4999,
      total_iterations: 5000,
      total_failures: 1,
      failed_seeds: [17],
      last_update: "2026-01-30T12:00:00Z",
    };
    writeFileSync(join(bench.store, "checkpoints/latest.json"), JSON.stringify(old));
    expect((await bench.cycle("4s")).exitCode).toBe(0);
    const { vopr } = bench.digest();
    expect(Object.values(vopr.scenarios).map(({ from_seed: from }) => from)).toEqual([5000n, 5000n]);
    expect(JSON.parse(bench.text("checkpoints/latest.json"))).toMatchObject({
      total_iterations: 5000 + vopr.iterations,
      total_failures: 1,
      failed_seeds: [17],
    });
  });
});

test("SIGTERM: everything durable within ten seconds, exit code 130, and the same command resumes", async () => {
  const bench = workbench(fakeProfile({ seed_ms: 20 }));
  const running = bench.start(bench.cycleArguments("6s"));
  while (!existsSync(join(bench.state, "cycle.json")) || bench.cycleState().phase !== "vopr") await delay(50);
  await delay(700);
  const stoppedAt = Date.now();
  running.kill("SIGTERM");
  const ran = await running;
  expect(Date.now() - stoppedAt).toBeLessThan(10_000);
  expect(ran.exitCode).toBe(130);
  expect(ran.stderr).toContain("interrupted in vopr; the same command resumes cycle 1 there");
  expect(bench.cycleState()).toMatchObject({ cycle: 1, status: "running", phase: "vopr" });

  const again = await bench.cycle("6s");
  expect(again.stderr).toContain("cycle 1 resumed");
  expect(again.exitCode).toBe(0);
  expect(bench.digest()).toMatchObject({ cycle: 1, interruptions: 1, vopr: { inconclusive_seeds: 0 } });
});

test("two runners on one state: the second is refused in words", async () => {
  const bench = workbench(fakeProfile(calm));
  const first = bench.start(bench.cycleArguments("4s"));
  while (!existsSync(join(bench.state, "cycle.json"))) await delay(50);
  const second = await bench.cycle("4s");
  expect(second.exitCode).toBe(2);
  expect(second.stderr).toMatch(/^kimtest: outbox .* is in use by process \d+\n {2}wait for it or stop it/);
  expect((await first).exitCode).toBe(0);
});

test("another profile or store for an unfinished cycle is refused, and nothing is changed", async () => {
  const bench = workbench(fakeProfile(calm));
  const running = bench.start(bench.cycleArguments("6s"));
  while (!existsSync(join(bench.state, "cycle.json")) || bench.cycleState().phase !== "vopr") await delay(50);
  running.kill("SIGKILL");
  await running;
  const before = readFileSync(join(bench.state, "cycle.json"), "utf8");
  const elsewhere = await bench.kimtest(
    "cycle",
    "--store",
    join(bench.folder, "other"),
    "--state",
    bench.state,
    "--profile",
    bench.profilePath,
  );
  expect(elsewhere).toMatchObject({ exitCode: 2 });
  expect(elsewhere.stderr).toContain(`the state belongs to the store ${bench.store}`);
  const profile = await bench.kimtest("cycle", "--store", bench.store, "--state", bench.state);
  expect(profile.exitCode).toBe(2);
  expect(profile.stderr).toContain("cycle 1 of profile fake is not finished");
  expect(readFileSync(join(bench.state, "cycle.json"), "utf8")).toBe(before);
});
