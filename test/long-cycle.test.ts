/** A 48-hour cycle on a clock that runs 12,000 times as fast, with real processes: what happens by the hour. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "@jest/globals";
import { digestSchema, type Digest } from "../contracts/digest.ts";
import { systemClock, type Clock } from "../runner/platform/clock.ts";
import type { Notice, Notifier } from "../runner/platform/notifier.ts";
import { FolderStore } from "../runner/store/folder-store.ts";
import { decodeJson } from "../runner/store/read-json.ts";
import { RecordingMetrics } from "./recording-metrics.ts";
import { fakeProfile } from "./fake-profile.ts";
import { openInProcess } from "./in-process-runner.ts";
import { workbenches } from "./workbench.ts";

const workbench = workbenches();
const SPEED = 12_000;
const HOUR_MS = 3_600_000;

/** Only the cycle lives on it; programs, outbox and store keep real time. */
function fastClock(): Clock {
  const startMs = Date.now();
  return {
    nowMs: () => startMs + (Date.now() - startMs) * SPEED,
    monotonicMs: () => performance.now() * SPEED,
    sleep: (ms, signal) => systemClock.sleep(ms / SPEED, signal),
  };
}

test("48 hours: one interim digest, one message at the end, critical news at most once an hour", async () => {
  const bench = workbench();
  const interim: Digest[] = [];
  const store = new FolderStore(bench.store);
  const watched = {
    put: (key: string, body: Buffer | string) => {
      if (key === "digests/latest.json") {
        const digest = decodeJson(body.toString(), key, digestSchema);
        if (digest.kind === "interim") interim.push(digest);
      }
      return store.put(key, body);
    },
  };
  const notices: (Notice & { atMs: number })[] = [];
  const clock = fastClock();
  let refused = 0;
  const { batch } = fakeProfile().vopr;
  const profile = fakeProfile(
    { seed_ms: 1, fail_every: 1 },
    // Half a second of the processes' own time.
    { critical_failures: 5, batch: { ...batch, target_seconds: 0.5 * SPEED } },
  );
  const metrics = new RecordingMetrics();
  const notifier: Notifier = {
    notify: (notice) => {
      // The first critical message cannot be sent: its hour must not begin.
      if (notice.kind === "critical" && refused === 0) {
        refused += 1;
        return Promise.reject(new Error("mail server down"));
      }
      notices.push({ ...notice, atMs: clock.nowMs() });
      return Promise.resolve();
    },
  };
  const runner = await openInProcess(bench, { clock, store, notifier, metrics }, watched);
  const outcome = await runner.cycle({
    profile: {
      ...profile,
      time_shares: { prepare: 1, "formal-verification": 1, benchmarks: 1, fuzz: 4, vopr: 40, digest: 1 },
    },
    budgetMs: 48 * HOUR_MS,
  });
  await runner.close();

  if (outcome.kind !== "done") throw new Error(`the cycle was ${outcome.kind}`);
  expect(outcome.exitCode).toBe(1);
  const { digest: finalDigest } = outcome;
  // Every 24 hours of working time; a second one only if process starts drew the cycle out that far.
  expect(interim.length).toBeGreaterThanOrEqual(1);
  interim.forEach((digest, index) => {
    expect(digest.duration_seconds).toBeGreaterThanOrEqual((index + 1) * 24 * 3600);
  });
  expect(interim[0]?.vopr.iterations).toBeGreaterThan(0);
  const digests = notices.filter(({ kind }) => kind === "digest");
  expect(digests).toHaveLength(1);
  const critical = notices.filter(({ kind }) => kind === "critical");
  expect(refused).toBe(1);
  expect(critical.length).toBeGreaterThan(1);
  const gaps = critical.slice(1).map(({ atMs }, index) => atMs - critical[index]!.atMs);
  expect(Math.min(...gaps)).toBeGreaterThanOrEqual(HOUR_MS);
  expect(metrics.sums).toMatchObject({ DigestSent: 1, CriticalSent: critical.length, CycleCompleted: 1 });
  expect(metrics.sums.IterationsCompleted).toBe(finalDigest.vopr.iterations);
  expect(metrics.sums.FailuresDetected).toBe(finalDigest.vopr.failures_total);
  expect(metrics.highest.Throughput).toBeGreaterThan(0);
  const state = JSON.parse(readFileSync(join(bench.state, "cycle.json"), "utf8")) as {
    spent_ms: Record<string, number>;
  };
  const spentHours = Object.values(state.spent_ms).reduce((sum, ms) => sum + ms, 0) / HOUR_MS;
  expect(spentHours).toBeGreaterThan(40);
  expect(spentHours).toBeLessThan(300); // starting a process costs hours on this clock, on a loaded machine days
}, 60_000);
