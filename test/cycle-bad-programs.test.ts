/** Cycles whose programs go wrong in every way we know: never green, never a crash of the runner. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "@jest/globals";
import { fakeProfile, type FakeVopr } from "./fake-profile.ts";
import { workbenches } from "./workbench.ts";

const workbench = workbenches();
/** Slow enough that a short cycle runs some hundred seeds. */
const calm: FakeVopr = { seed_ms: 2 };
/** Takes a silence of two seconds for a hang, which others may have on a busy machine. */
const impatient = { batch: { ...fakeProfile().vopr.batch, stall_seconds: 2 } };

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
  test.concurrent.each(table)("%s", async (mode, reason) => {
    // Seed 3 of every scenario is poisonous; its neighbours are not.
    const isHang = mode === "hang";
    const bench = workbench(fakeProfile({ ...calm, mode, bad_seed: 3 }, isHang ? impatient : {}));
    // Each hang is waited for twice.
    const ran = await bench.cycle(isHang ? "18s" : "10s");
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

  test.concurrent("a failure that goes away on the retry leaves no trace but the time", async () => {
    const bench = workbench();
    const once = join(bench.folder, "panicked-once");
    bench.writeProfile(fakeProfile({ ...calm, mode: "panic", bad_seed: 3, once }));
    expect((await bench.cycle("10s")).exitCode).toBe(0);
    expect(existsSync(once)).toBe(true);
    expect(bench.digest().vopr.inconclusive_seeds).toBe(0);
  });
});

describe("nothing works", () => {
  test.concurrent("a vopr that does not exist: the phase gives up, the cycle goes on, exit code 6", async () => {
    const bench = workbench(fakeProfile({}, { command: ["/nowhere/vopr"] }));
    const ran = await bench.cycle("10s");
    expect(ran.exitCode).toBe(6);
    const digest = bench.digest();
    expect(digest.vopr).toMatchObject({ verdict: "inconclusive", iterations: 0 });
    expect(digest.vopr.reason).toContain("cannot be started: /nowhere/vopr does not exist");
    expect(digest.trust.vopr).toMatchObject({ trusted: false });
    expect(digest.fuzzing.verdict).toBe("passed");
  });

  test.concurrent("programs of the other phases that fail are inconclusive, each with its reason", async () => {
    const profile = fakeProfile(calm);
    const broken = ["sh", "-c", "echo no such module >&2; exit 9"];
    const bench = workbench({
      ...profile,
      formal_verification: { ...profile.formal_verification, command: broken },
      benchmarks: { ...profile.benchmarks, command: ["sh", "-c", "echo '{}'"] },
      fuzz: { ...profile.fuzz, command: ["/nowhere/fuzz"] },
    });
    expect((await bench.cycle("10s")).exitCode).toBe(6);
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
