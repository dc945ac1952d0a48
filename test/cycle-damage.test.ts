/** Cycles that find what earlier work left damaged: said, kept, never taken for empty. */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "@jest/globals";
import { fakeProfile, type FakeVopr } from "./fake-profile.ts";
import { workbenches } from "./workbench.ts";

const workbench = workbenches();
/** Slow enough that a short cycle runs some hundred seeds. */
const calm: FakeVopr = { seed_ms: 2 };

describe("what earlier work left damaged", () => {
  test.concurrent("a corrupt registry is never overwritten, and findings are not called new", async () => {
    const bench = workbench(fakeProfile({ seed_ms: 10, fail_every: 5 }));
    mkdirSync(join(bench.store, "signatures"), { recursive: true });
    writeFileSync(join(bench.store, "signatures/known-failures.json"), '{"findings": {"replica_');
    const ran = await bench.cycle("10s");
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
    await bench.cycle("10s");
    const finding = bench.registry().findings["replica_consistency:combined"];
    expect(finding).toMatchObject({ state: "ongoing", first_seen: { cycle: 1 } });
    expect(finding?.count).toBe(
      bench.keys("failures/vopr/").filter((key) => bench.text(key).includes('"combined"')).length,
    );
  });

  test.concurrent.each(["checkpoints/latest.json", "cycles/current.json"])(
    "a corrupt %s: a copy is kept, the cycle is inconclusive",
    async (key) => {
      const bench = workbench(fakeProfile(calm));
      mkdirSync(join(bench.store, key, ".."), { recursive: true });
      writeFileSync(join(bench.store, key), "{ not json");
      const ran = await bench.cycle("10s");
      expect(ran.exitCode).toBe(6);
      expect(bench.digest().reason).toContain(`${key} in the store is damaged`);
      const copy = bench.keys().find((one) => one.startsWith(`${key}.damaged-`));
      expect(bench.text(copy ?? "")).toBe("{ not json");
    },
  );

  test.concurrent("a corrupt local state is moved aside, and the cycle goes on from the store", async () => {
    const bench = workbench(fakeProfile(calm));
    await bench.cycle("10s");
    const before = bench.digest().vopr.iterations;
    writeFileSync(join(bench.state, "cycle.json"), "\0\0\0");
    expect((await bench.cycle("10s")).exitCode).toBe(6);
    const digest = bench.digest();
    expect(digest).toMatchObject({ cycle: 2, verdict: "inconclusive" });
    expect(digest.reason).toContain("the cycle's state was damaged");
    const checkpoint = JSON.parse(bench.text("checkpoints/latest.json")) as { total_iterations: number };
    expect(checkpoint.total_iterations).toBe(before + digest.vopr.iterations);
  });

  test.concurrent("a checkpoint of the first infrastructure is gone on from", async () => {
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
    expect((await bench.cycle("10s")).exitCode).toBe(0);
    const { vopr } = bench.digest();
    expect(Object.values(vopr.scenarios).map(({ from_seed: from }) => from)).toEqual([5000n, 5000n]);
    expect(JSON.parse(bench.text("checkpoints/latest.json"))).toMatchObject({
      total_iterations: 5000 + vopr.iterations,
      total_failures: 1,
      failed_seeds: [17],
    });
  });
});
