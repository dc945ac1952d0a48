/** Cycles that are stopped, doubled or continued with other options. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { expect, test } from "@jest/globals";
import { fakeProfile, type FakeVopr } from "./fake-profile.ts";
import { workbenches } from "./workbench.ts";

const workbench = workbenches();
/** Slow enough that a short cycle runs some hundred seeds. */
const calm: FakeVopr = { seed_ms: 2 };

test.concurrent(
  "SIGTERM: everything durable within ten seconds, exit code 130, and the same command resumes",
  async () => {
    const bench = workbench(fakeProfile({ seed_ms: 20 }));
    const running = bench.start(bench.cycleArguments("14s"));
    await bench.untilRunning("vopr");
    await delay(700);
    const stoppedAt = Date.now();
    running.kill("SIGTERM");
    const ran = await running;
    expect(Date.now() - stoppedAt).toBeLessThan(10_000);
    expect(ran.exitCode).toBe(130);
    expect(ran.stderr).toContain("interrupted in vopr; the same command resumes cycle 1 there");
    expect(bench.cycleState()).toMatchObject({ cycle: 1, status: "running", phase: "vopr" });

    const again = await bench.cycle("15s");
    expect(again.stderr).toContain("cycle 1 resumed");
    expect(again.stderr).toContain("warning: the cycle keeps the length it was begun with, 14 s");
    expect(again.exitCode).toBe(0);
    expect(bench.digest()).toMatchObject({ cycle: 1, interruptions: 1, vopr: { inconclusive_seeds: 0 } });
  },
);

test.concurrent("two runners on one state: the second is refused in words", async () => {
  const bench = workbench(fakeProfile(calm));
  const first = bench.start(bench.cycleArguments("10s"));
  await bench.untilRunning();
  const second = await bench.cycle("10s");
  expect(second.exitCode).toBe(2);
  expect(second.stderr).toMatch(/^kimtest: outbox .* is in use by process \d+\n {2}wait for it or stop it/);
  expect((await first).exitCode).toBe(0);
});

test.concurrent("another profile or store for an unfinished cycle is refused, and nothing is changed", async () => {
  const bench = workbench(fakeProfile(calm));
  const running = bench.start(bench.cycleArguments("60s"));
  await bench.untilRunning("vopr");
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
