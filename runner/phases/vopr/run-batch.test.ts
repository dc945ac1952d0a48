/** What is counted of a batch that did not end by itself. Real processes; the stand-in fails every fourth seed. */
import { expect, test } from "@jest/globals";
import type { Batch } from "../../../contracts/checkpoint.ts";
import { fakeProfile, type FakeVopr } from "../../../test/fake-profile.ts";
import { phaseBenches } from "../../../test/phase-bench.ts";
import { runBatch } from "./run-batch.ts";

const open = phaseBenches();
const BATCH: Batch = {
  id: 1_700_000_000_000,
  kind: "normal",
  scenario: "combined",
  starting_seed: 0n,
  iterations: 12,
  attempt: 1,
  counted_failures: [],
};

async function run(vopr: FakeVopr, stop?: "runner" | "phase") {
  const phase = await open({ profile: fakeProfile({ fail_every: 4, ...vopr }), phase: "vopr", budgetMs: 20_000 });
  const phaseEnd = new AbortController();
  let seeds = 0;
  const outcome = await runBatch(phase.context, {
    batch: BATCH,
    scenario: { name: "combined", weight: 1, expectation: "must-pass" },
    expectedMs: 1_000,
    signal: AbortSignal.any([phase.context.signal, phaseEnd.signal]),
    onSeed: () => {
      seeds += 1;
      if (seeds === 6 && stop !== undefined) (stop === "runner" ? phase.stop : phaseEnd).abort();
    },
  });
  const archived = await phase.stored(`failures/vopr/seed-4-${String(BATCH.id)}.json`);
  return { ...outcome, filed: Object.values(outcome.sightings).map(({ count }) => count), archived };
}

test("ended by itself: its failures are counted and filed", async () => {
  expect(await run({})).toMatchObject({ cut: false, failedSeeds: [0n, 4n, 8n], filed: [3] });
});

test.each<[string, FakeVopr, "runner" | "phase" | undefined, boolean]>([
  ["killed from outside", { mode: "kill", bad_seed: 6 }, undefined, false],
  ["stopped with the runner", { seed_ms: 30 }, "runner", true],
])("%s: its failures are archived, and counted only when they are seen again", async (_, vopr, stop, cut) => {
  const outcome = await run(vopr, stop);
  expect(outcome).toMatchObject({ cut, judgement: { verdict: "inconclusive" }, failedSeeds: [], filed: [] });
  expect(outcome.archived).toContain('"seed": 4');
});

test.each<[string, FakeVopr, "phase" | undefined, boolean]>([
  ["crashed", { mode: "panic", bad_seed: 6 }, undefined, false],
  ["cut by the end of the phase", { seed_ms: 30 }, "phase", true],
])("%s: the machine is well, its failures count", async (_, vopr, stop, cut) => {
  const outcome = await run(vopr, stop);
  expect(outcome).toMatchObject({ cut, judgement: { verdict: "inconclusive" }, failedSeeds: [0n, 4n], filed: [2] });
});
