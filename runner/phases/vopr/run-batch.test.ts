/** What is counted and archived of a batch. Real processes; the stand-in fails every fourth seed. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "@jest/globals";
import { bundleIdentitySchema, decodeBundleAs } from "../../../contracts/bundle.ts";
import type { Batch } from "../../../contracts/checkpoint.ts";
import { voprFailureSchema } from "../../../contracts/failure.ts";
import type { VoprProfile } from "../../../contracts/profile/vopr.ts";
import { fakeProfile, type FakeVopr } from "../../../test/fake-profile.ts";
import { BENCH_COMMIT, phaseBenches } from "../../../test/phase-bench.ts";
import { voprBundlesFolder } from "../../platform/folders.ts";
import { decodeJson } from "../../store/read-json.ts";
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

/** A stand-in that starts slowly has not hung. */
function patientProfile(vopr: FakeVopr, change: Partial<VoprProfile>) {
  const profile = fakeProfile({ fail_every: 4, ...vopr }, change);
  return { ...profile, vopr: { ...profile.vopr, batch: { ...profile.vopr.batch, stall_seconds: 20 } } };
}

async function run(vopr: FakeVopr, stop?: "runner" | "phase", change: Partial<VoprProfile> = {}) {
  const profile = patientProfile(vopr, change);
  const phase = await open({ profile, phase: "vopr", budgetMs: 20_000 });
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
  return { ...outcome, filed: Object.values(outcome.sightings).map(({ count }) => count), archived, phase };
}

test("ended by itself: its failures are counted and filed", async () => {
  expect(await run({})).toMatchObject({ cut: false, failedSeeds: [0n, 4n, 8n], filed: [3] });
});

test.each<[string, FakeVopr, "runner" | "phase" | undefined, boolean]>([
  ["killed from outside", { mode: "kill", bad_seed: 6 }, undefined, false],
  ["stopped with the runner", { mode: "hang", bad_seed: 6 }, "runner", true],
])("%s: its failures are archived, and counted only when they are seen again", async (_, vopr, stop, cut) => {
  const outcome = await run(vopr, stop);
  expect(outcome).toMatchObject({ cut, judgement: { verdict: "inconclusive" }, failedSeeds: [], filed: [] });
  expect(outcome.archived).toContain('"seed": 4');
});

test.each<[string, FakeVopr, "phase" | undefined, boolean]>([
  ["crashed", { mode: "panic", bad_seed: 6 }, undefined, false],
  ["cut by the end of the phase", { mode: "hang", bad_seed: 6 }, "phase", true],
])("%s: the machine is well, its failures count", async (_, vopr, stop, cut) => {
  const outcome = await run(vopr, stop);
  expect(outcome).toMatchObject({ cut, judgement: { verdict: "inconclusive" }, failedSeeds: [0n, 4n], filed: [2] });
});

const BUNDLES = { bundles: { arguments: ["--bundle-out", "DIR"], per_signature: 2 } };

test("the bundles of the first failing seeds lie beside their records, bound to seed and commit", async () => {
  const { phase } = await run({}, undefined, BUNDLES);
  const { bench, context, warnings } = phase;
  const records = bench
    .keys("failures/vopr/")
    .filter((key) => key.endsWith(".json"))
    .map((key) => decodeJson(bench.text(key), key, voprFailureSchema));
  expect(records.map(({ seed, bundle_key: key, bundle_reason: reason }) => [seed, key, reason])).toEqual([
    [0n, `failures/vopr/seed-0-${String(BATCH.id)}.kmb`, null],
    [4n, `failures/vopr/seed-4-${String(BATCH.id)}.kmb`, null],
    [8n, null, "of a batch, the first 2 seeds of a signature have one"],
  ]);
  const [, { bundle_key: key, command, batch }] = records as [unknown, (typeof records)[0]];
  const bundle = decodeBundleAs(readFileSync(join(bench.store, key ?? "")), "x", bundleIdentitySchema, 10_000);
  expect(bundle).toMatchObject({ seed: 4n, commit: BENCH_COMMIT, failure: { invariant: "replica_consistency" } });
  expect([...command, ...batch.command]).not.toContain("--bundle-out");
  expect(readdirSync(voprBundlesFolder(context.stateFolder))).toEqual([]);
  expect(bench.keys("failures/vopr/")).toHaveLength(5);
  expect(warnings).toEqual([]);
});

test.each<[Required<FakeVopr>["bundle"], RegExp]>([
  ["none", /^the program wrote none$/],
  ["damaged", /^the program wrote none of use: \d\.kmb is damaged: its checksum does not fit$/],
  ["cut", /^the program wrote none of use: \d\.kmb is cut short: /],
  ["huge", /^the program wrote none of use: \d\.kmb has more than 4194304 bytes$/],
  ["foreign", /^the program wrote none of use: \d\.kmb is of seed 100000\d$/],
  ["other-invariant", /^4\.kmb is of a failure by hash_chain$/],
  ["other-commit", /^4\.kmb is of commit 0ther, tested is 0123456789abcdef/],
])(
  "a program whose bundles are wrong (%s): the failures are archived and counted, each says why",
  async (bundle, why) => {
    const { phase, archived, ...outcome } = await run({ bundle }, undefined, BUNDLES);
    expect(outcome).toMatchObject({ judgement: { verdict: "failed" }, failedSeeds: [0n, 4n, 8n], filed: [3] });
    const { bundle_key: key, bundle_reason: reason } = decodeJson(archived, "record", voprFailureSchema);
    expect([key, reason]).toEqual([null, expect.stringMatching(why)]);
    expect(phase.bench.keys("failures/vopr/")).toHaveLength(3);
    expect(phase.warnings).toContain(
      "VOPR: failing seeds of combined were archived without their bundles; their records say why",
    );
    expect(readdirSync(voprBundlesFolder(phase.context.stateFolder))).toEqual([]);
  },
);

test("a folder that cannot be made: nothing but the bundles is missing", async () => {
  const profile = patientProfile({}, BUNDLES);
  const phase = await open({ profile, phase: "vopr", budgetMs: 20_000 });
  const context = { ...phase.context, stateFolder: "/dev/null" };
  const scenario = { name: "combined", weight: 1, expectation: "must-pass" } as const;
  const run = { batch: BATCH, scenario, expectedMs: 1_000, signal: context.signal, onSeed: () => undefined };
  expect(await runBatch(context, run)).toMatchObject({ failedSeeds: [0n, 4n, 8n] });
  const text = await phase.stored(`failures/vopr/seed-8-${String(BATCH.id)}.json`);
  expect(text).toContain('"bundle_reason": "there is no folder for it: ENOTDIR');
});
