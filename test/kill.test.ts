/**
 * `kill -9` of the runner, up to thirty times at random moments of one cycle, then the same command again: the
 * same cycle, no seed counted twice, none lost, no failure record lost, no finding doubled.
 *
 * The truth is asked from the vopr itself: run bare over the same seeds, it names those that fail.
 */
import { existsSync, mkdirSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { expect, test } from "@jest/globals";
import { execa } from "execa";
import { parseFailureKey } from "../contracts/bucket.ts";
import { voprFailureSchema } from "../contracts/failure.ts";
import type { Profile } from "../contracts/profile.ts";
import type { ScenarioProfile } from "../contracts/profile/vopr.ts";
import { BatchReader } from "../runner/tools/vopr.ts";
import { embeddedProfile } from "../runner/profiles/embedded.ts";
import { voprBundlesFolder } from "../runner/platform/folders.ts";
import { voprOf } from "../runner/phases/vopr/transitions.ts";
import { decodeJson } from "../runner/store/read-json.ts";
import { fakeProfile } from "./fake-profile.ts";
import { workbenches, type Workbench } from "./workbench.ts";

const workbench = workbenches();

/** The simulator of this project with its bug planted everywhere, so that real seeds fail. */
function plantedProfile(): Profile {
  const embedded = embeddedProfile();
  // A start that lives for a second has no time to ask for scenarios first.
  delete embedded.vopr.scenario_list;
  return {
    ...embedded,
    name: "planted",
    vopr: {
      ...embedded.vopr,
      arguments: ["--canary", "skip-fsync"],
      canary: { ...embedded.vopr.canary, arguments: [], iterations: 6 },
      batch: { ...embedded.vopr.batch, first_iterations: 5, target_seconds: 0.5 },
    },
  };
}

/** The seeds below `count` that do not end as their scenario expects, by the program alone. */
async function wrongSeeds(
  profile: Profile,
  { name: scenario, expectation }: ScenarioProfile,
  count: number,
): Promise<bigint[]> {
  if (count === 0) return [];
  const [file = "", ...args] = profile.vopr.command;
  const flags = ["--json", "--scenario", scenario, "--seed", "0", "-n", String(count), ...profile.vopr.arguments];
  const { stdout } = await execa(file, [...args, ...flags], { reject: false, maxBuffer: 256 * 1024 * 1024 });
  const reader = new BatchReader({ startingSeed: 0n, iterations: count });
  const wrongEnd = expectation === "must-pass" ? "failed" : "ok";
  const wrong: bigint[] = [];
  for (const line of stdout.split("\n")) {
    const { record } = reader.take(line);
    if (record?.type === "iteration" && record.data.status === wrongEnd) wrong.push(record.data.seed);
  }
  expect(reader.parsed).toBe(count);
  return wrong;
}

/** Resolves when the runner has begun its work, however slow the machine is; at most ten seconds. */
async function hasBegun(work: Workbench, revisionBefore: number): Promise<void> {
  const deadlineMs = Date.now() + 10_000;
  while (Date.now() < deadlineMs && (stateOf(work)?.revision ?? 0) <= revisionBefore) await delay(20);
}

/** Of the failures' records; bundles lie beside them. */
const recordKeys = (work: Workbench): string[] =>
  work.keys("failures/vopr/").filter((key) => parseFailureKey(key) !== undefined);

const stateOf = (work: Workbench) => (existsSync(join(work.state, "cycle.json")) ? work.cycleState() : undefined);

/**
 * How many kills there were, and how many of them hit a marathon with batches in the air: at least `times`, and more,
 * up to three times as many, until enough of them did. Where a kill hits is chance.
 */
async function killAtRandom(
  work: Workbench,
  args: string[],
  times: number,
): Promise<{ kills: number; midBatch: number }> {
  let midBatch = 0;
  for (let kills = 0; ; kills += 1) {
    const isEnough = kills >= times && midBatch > times / 6;
    if (isEnough || kills === 3 * times) return { kills, midBatch };
    const revisionBefore = stateOf(work)?.revision ?? 0;
    const running = work.start(args);
    // Every fourth kill may hit the start itself; the others come while it works.
    if (kills % 4 !== 0) await hasBegun(work, revisionBefore);
    await delay(Math.random() * 1_200);
    running.kill("SIGKILL");
    const { exitCode } = await running;
    if (exitCode !== undefined) return { kills, midBatch }; // it had ended by itself: the cycle is over
    if ((stateOf(work)?.vopr?.open.length ?? 0) > 0) midBatch += 1;
  }
}

interface Case {
  readonly name: string;
  readonly times: number;
  readonly arguments: readonly string[];
  readonly profile: Profile;
  /** The same program without the time that its seeds pretend to take. */
  readonly truth: Profile;
}

const CASES: readonly Case[] = [
  {
    name: "thirty times, a stand-in that fails every 50th seed, to its digest",
    times: 30,
    arguments: [],
    profile: fakeProfile({ seed_ms: 1, fail_every: 50 }),
    truth: fakeProfile({ fail_every: 50 }),
  },
  // What it adds is that the seeds, and the bug, are real; each start of it takes long.
  {
    name: "ten times, the embedded simulator with a planted bug",
    times: 10,
    arguments: ["--only", "vopr"],
    profile: plantedProfile(),
    truth: plantedProfile(),
  },
];

test.concurrent.each(CASES)(
  "$name",
  async ({ times, profile, truth: bare, arguments: more }) => {
    const work = workbench(profile);
    const args = work.cycleArguments("60s", ...more);
    const { kills, midBatch } = await killAtRandom(work, args, times);
    expect(kills).toBeGreaterThanOrEqual(times);
    expect(midBatch).toBeGreaterThan(times / 6);
    const interrupted = work.cycleState();
    expect(interrupted.cycle).toBe(1);

    // Of a batch that nobody runs again.
    mkdirSync(join(voprBundlesFolder(work.state), "1700000000000-0"), { recursive: true });

    const last = work.start(args);
    if (profile.name === "planted") {
      // Its seeds take long to run again for the truth: once some have failed, a stop does.
      const deadlineMs = Date.now() + 60_000;
      while (Date.now() < deadlineMs && recordKeys(work).length <= 10) await delay(100);
      last.kill("SIGTERM");
    }
    const ended = await last;
    if (profile.name === "fake") {
      expect(ended.exitCode).toBe(1);
      const { cycle, findings, vopr } = work.digest();
      expect(cycle).toBe(1);
      // Findings are not doubled, and every record was counted once.
      const registered = Object.values(work.registry().findings);
      expect(registered.map(({ signature }) => signature).sort()).toEqual(
        findings.map(({ signature }) => signature).sort(),
      );
      expect(new Set(registered.map(({ state }) => state))).toEqual(new Set(["new"]));
      const counts = registered.reduce((sum, { count }) => sum + count, 0);
      expect(counts).toBe(vopr.failures_total);
      expect(recordKeys(work)).toHaveLength(vopr.failures_total);
    }
    const state = work.cycleState();
    expect(state.cycle).toBe(1);
    expect(state.interruptions).toBeGreaterThanOrEqual(interrupted.interruptions);

    const vopr = voprOf(state);
    expect(work.indexedKeys("vopr")).toEqual(recordKeys(work));
    const archived = recordKeys(work).map((key) => decodeJson(work.text(key), key, voprFailureSchema));
    // A kill may leave a bundle whose record never came; a record whose bundle is not there it may not.
    const bundles = work.keys("failures/vopr/").filter((key) => key.endsWith(".kmb"));
    const named = archived.flatMap(({ bundle_key: key }) => key ?? []);
    expect(named.length > 0).toBe(profile.vopr.bundles !== undefined);
    expect(bundles).toEqual(expect.arrayContaining(named));
    const left = existsSync(voprBundlesFolder(work.state)) ? readdirSync(voprBundlesFolder(work.state)) : [];
    expect(left).toEqual([]);
    expect(readFileSync(join(work.state, "runner.log"), "utf8")).not.toContain("damaged");
    for (const scenario of profile.vopr.scenarios) {
      const { name } = scenario;
      const next = Number(state.checkpoint.scenarios[name]?.next_seed ?? 0n);
      const leftBatches = [...vopr.open, ...vopr.waiting].filter((batch) => batch.scenario === name);
      const leftSeeds = leftBatches.flatMap((batch) =>
        Array.from({ length: batch.iterations }, (_, index) => batch.starting_seed + BigInt(index)),
      );
      // None counted twice, none lost.
      expect(new Set(leftSeeds).size).toBe(leftSeeds.length);
      expect((vopr.scenarios[name]?.iterations ?? 0) + leftSeeds.length).toBe(next);
      // Exactly the seeds that ended wrongly have a record, each one.
      const truth = await wrongSeeds(bare, scenario, next);
      const open = new Set(leftSeeds);
      const records = archived.filter((failure) => failure.scenario === name).map(({ seed }) => seed);
      expect(new Set(records).size).toBe(records.length);
      const certain = (seeds: bigint[]): bigint[] =>
        seeds.filter((seed) => !open.has(seed)).toSorted((a, b) => Number(a - b));
      expect(certain(records)).toEqual(certain(truth));
      expect(records.every((seed) => truth.includes(seed))).toBe(true);
    }
    expect(archived.length).toBeGreaterThan(5);
  },
  900_000,
);
