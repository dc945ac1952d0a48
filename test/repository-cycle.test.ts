/** Whole cycles as real processes on a real repository that is cloned and built, with a stand-in as its simulator. */
import { existsSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { expect, test } from "@jest/globals";
import { stringifyJson } from "../contracts/json.ts";
import type { ProfileFile } from "../contracts/profile.ts";
import { fakeProfile, type FakeVopr } from "./fake-profile.ts";
import { repositoryProfile, TestRepository } from "./repository.ts";
import { until } from "./until.ts";
import { workbenches, type Workbench } from "./workbench.ts";

const workbench = workbenches();

interface Place {
  readonly bench: Workbench;
  readonly upstream: TestRepository;
  readonly write: (profile: ProfileFile) => void;
}

function place(): Place {
  const bench = workbench();
  const write = (profile: ProfileFile): void => {
    writeFileSync(bench.profilePath, stringifyJson(profile));
  };
  return { bench, upstream: new TestRepository(bench.folder), write };
}

const TIMEOUT_MS = 240_000;

test.concurrent(
  "green; then red: the last good commit is tested, and the digest says so first, also beside failures",
  async () => {
    const { bench, upstream, write } = place();
    const good = upstream.commit({ "main.rs": "good" });
    write(repositoryProfile(upstream.url));
    expect(await bench.cycle("11s")).toMatchObject({ exitCode: 0 });
    expect(bench.digest()).toMatchObject({ verdict: "passed", git_commit: good, warnings: [] });
    expect(bench.keys("cycles/000001/logs/")).toEqual([
      "cycles/000001/logs/prepare/benches.txt",
      "cycles/000001/logs/prepare/vopr.txt",
    ]);
    expect(bench.keys("checkpoints/last-good.json")).toHaveLength(1);

    const red = upstream.commit({ "vopr.red": "" });
    write(repositoryProfile(upstream.url, {}, { seed_ms: 2, fail_every: 50 }));
    const ran = await bench.cycle("11s");
    expect(ran.exitCode).toBe(1);
    const { reason, git_commit: commit, verdict } = bench.digest();
    expect({ commit, verdict }).toEqual({ commit: good, verdict: "failed" });
    expect(reason).toMatch(
      new RegExp(`^main is red: ${red} does not build, its last good commit ${good} is tested: .*; vopr: \\d+ of `),
    );
    expect(ran.stdout).toMatch(new RegExp(`\\n {2}! main is red: ${red} does not build`));
  },
  TIMEOUT_MS,
);

test.concurrent(
  "a build that only benchmarks need fails: they are inconclusive with the reason, the others are run",
  async () => {
    const { bench, upstream, write } = place();
    upstream.commit({ "benches.red": "" });
    write(repositoryProfile(upstream.url));
    expect(await bench.cycle("11s")).toMatchObject({ exitCode: 6 });
    const { benchmarks, vopr, fuzzing, verdict } = bench.digest();
    const reason = "build benches: exit code 101: error[E0425]: cannot find value in benches.rs";
    expect({ verdict, reason: benchmarks.reason }).toEqual({ verdict: "inconclusive", reason });
    expect([vopr.verdict, fuzzing.verdict]).toEqual(["passed", "passed"]);
  },
  TIMEOUT_MS,
);

test.concurrent(
  "killed in the marathon, and the checkout is lost: the same commit is built again, nothing is run twice",
  async () => {
    const { bench, upstream, write } = place();
    const commit = upstream.commit({ "main.rs": "this cycle's" });
    write(repositoryProfile(upstream.url, {}, { seed_ms: 10 }));
    const running = bench.start(bench.cycleArguments("20s"));
    await bench.untilRunning("vopr");
    await delay(500);
    running.kill("SIGKILL");
    await running;
    upstream.commit({ "main.rs": "the next cycle's" });
    rmSync(join(bench.state, "checkout"), { recursive: true });
    const before = bench.cycleState().results.map(({ phase, started_at: at }) => [phase, at]);

    const ran = await bench.cycle("20s");
    expect(ran.stderr).toContain("cycle 1 resumed");
    expect(ran).toMatchObject({ exitCode: 0 });
    expect(bench.digest()).toMatchObject({ cycle: 1, git_commit: commit, verdict: "passed", interruptions: 1 });
    const after = bench.cycleState().results.map(({ phase, started_at: at }) => [phase, at]);
    expect(after.filter(([phase]) => phase !== "prepare" && phase !== "vopr")).toEqual(before.slice(1));
    expect(bench.cycleState().results.map(({ git_commit: one }) => one)).toEqual(Array(5).fill(commit));

    // The next cycle is on the next commit.
    expect(await bench.cycle("11s")).toMatchObject({ exitCode: 0 });
    expect(bench.digest().git_commit).not.toBe(commit);
  },
  TIMEOUT_MS,
);

test.concurrent(
  "killed in the middle of a build: the same cycle begins its build again",
  async () => {
    const { bench, upstream, write } = place();
    upstream.commit({ "vopr.slow": "" });
    write(repositoryProfile(upstream.url));
    const running = bench.start(bench.cycleArguments("11s"));
    await until("it builds", () => existsSync(join(bench.state, "checkout/out/vopr.started")));
    running.kill("SIGKILL");
    await running;
    const commit = upstream.commit({ "vopr.slow": null });
    const ran = await bench.cycle("11s");
    expect(ran.stderr).toContain("cycle 1 resumed");
    expect(ran.exitCode).toBe(0);
    expect(bench.digest()).toMatchObject({ cycle: 1, git_commit: commit, interruptions: 1 });
  },
  TIMEOUT_MS,
);

test.concurrent(
  "nothing to test: a digest that says why, and exit code 6",
  async () => {
    const { bench, upstream, write } = place();
    upstream.takeAway();
    write(repositoryProfile(upstream.url));
    expect(await bench.cycle("6s")).toMatchObject({ exitCode: 6 });
    const { verdict, reason, git_commit: commit, vopr } = bench.digest();
    expect({ verdict, commit }).toEqual({ verdict: "inconclusive", commit: "unknown" });
    expect(reason).toMatch(/^git ls-remote: exit code 128: fatal: .*upstream\.git/);
    expect(vopr).toMatchObject({ verdict: "inconclusive", iterations: 0 });
  },
  TIMEOUT_MS,
);

test.concurrent(
  "--repo, --branch and --only: another repository than the profile's, and two workloads of four",
  async () => {
    const { bench, upstream, write } = place();
    const commit = upstream.commit({ "benches.red": "" });
    upstream.tag("v2");
    upstream.commit({ "vopr.red": "" });
    write(repositoryProfile("https://example.invalid/nowhere.git"));
    const ran = await bench.cycle("11s", "--repo", "upstream.git", "--branch", "v2", "--only", "vopr, fuzz");
    expect(ran.exitCode).toBe(6);
    const { git_commit, vopr, fuzzing, benchmarks, formal_verification: proofs } = bench.digest();
    expect([git_commit, vopr.verdict, fuzzing.verdict]).toEqual([commit, "passed", "passed"]);
    expect([benchmarks.reason, proofs.reason]).toEqual(Array(2).fill("left out by --only fuzz,vopr"));
    // What only benchmarks need was not built.
    expect(bench.keys("cycles/000001/logs/")).toEqual(["cycles/000001/logs/prepare/vopr.txt"]);
  },
  TIMEOUT_MS,
);

test.concurrent("--repo for a profile with a work tree is an error that says what to do", async () => {
  const { bench } = place();
  bench.writeProfile(fakeProfile());
  const ran = await bench.cycle("4s", "--repo", ".");
  expect(ran).toMatchObject({ exitCode: 2, stdout: "" });
  expect(ran.stderr).toBe(
    "kimtest: --repo: the profile fake tests a work tree, not a repository\n" +
      "  use a profile with a repository (kimberlite, or one of your own with `repository` in place of `work_tree`)\n",
  );
  expect(existsSync(join(bench.state, "cycle.json"))).toBe(false);
});

test.concurrent(
  "a scenario that the simulator does not have is not run, and inconclusive by name",
  async () => {
    const { bench, write } = place();
    const profile = fakeProfile({ seed_ms: 2 });
    const [env = "", ...command] = profile.vopr.command;
    const scenario_list = { arguments: ["--list-scenarios"], format: "json" as const, left_out: [] };
    const vopr = { ...profile.vopr, command: [env, "FAKE_VOPR_SCENARIOS=combined,new", ...command], scenario_list };
    write({ ...profile, vopr });
    expect(await bench.cycle("10s")).toMatchObject({ exitCode: 6 });
    const { vopr: result, warnings, trust } = bench.digest();
    expect(result).toMatchObject({
      verdict: "inconclusive",
      reason: "not in the simulator, and not run: baseline",
      inconclusive_seeds: 0,
    });
    expect(Object.keys(result.scenarios)).toEqual(["combined"]);
    expect(warnings).toEqual(["nobody runs these scenarios of the simulator: new"]);
    expect(trust.vopr.trusted).toBe(true);
  },
  TIMEOUT_MS,
);

/** One failing scenario, or many. */
function manyScenarios(vopr: FakeVopr): ProfileFile {
  const scenarios = Array.from({ length: 11 }, (_, index) => ({
    name: `s${String(index)}`,
    weight: 1,
    expectation: "must-pass" as const,
  }));
  const { vopr: base, ...rest } = fakeProfile(vopr);
  return { ...rest, vopr: { ...base, scenarios, canary: { ...base.canary, scenario: "s0" } } };
}

test.concurrent(
  "many signatures at once are one suspicion: archived, not filed; what the next cycle sees again is filed",
  async () => {
    const { bench, write } = place();
    write(manyScenarios({ seed_ms: 1 }));
    expect(await bench.cycle("12s")).toMatchObject({ exitCode: 0 });

    write(manyScenarios({ seed_ms: 10, fail_every: 2 }));
    expect(await bench.cycle("12s")).toMatchObject({ exitCode: 6 });
    const suspected = bench.digest();
    const said = /^suspected infrastructure: 11 signatures are new at once, none is filed until it is seen in another/;
    expect(suspected).toMatchObject({ verdict: "inconclusive", findings: [], vopr: { verdict: "inconclusive" } });
    expect(suspected.vopr.reason).toMatch(said);
    expect(suspected.warnings.filter((warning) => said.test(warning))).toHaveLength(1);
    expect(bench.registry().findings).toEqual({});
    expect(bench.keys("failures/vopr/")).toHaveLength(suspected.vopr.failures_total);

    expect(await bench.cycle("12s")).toMatchObject({ exitCode: 1 });
    const { verdict, findings } = bench.digest();
    expect(verdict).toBe("failed");
    expect(new Set(findings.map(({ state }) => state))).toEqual(new Set(["new"]));
    const filed = Object.keys(bench.registry().findings);
    expect(filed.sort()).toEqual(findings.map(({ signature }) => signature).sort());
    // Their own seeds are run first. On a slow machine some are not reached, and stay suspected.
    expect(filed.length).toBeGreaterThan(3);
    const left = (bench.cycleState().suspected ?? []).flatMap(({ sightings }) => sightings);
    expect(filed.length + left.length).toBe(11);
  },
  TIMEOUT_MS,
);
