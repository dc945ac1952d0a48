/** The prepare phase on real repositories, real processes and a real store. */
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeEach, describe, expect, jest, test } from "@jest/globals";
import type { ProfileFile } from "../../../contracts/profile.ts";
import type { PrepareResult } from "../../../contracts/results.ts";
import { phaseBenches, type PhaseBench } from "../../../test/phase-bench.ts";
import { buildStep, repositoryProfile, TestRepository } from "../../../test/repository.ts";
import { until } from "../../../test/until.ts";
import { Workbench } from "../../../test/workbench.ts";
import { artifactFolder, checkoutFolder, corpusFolder, fuzzBuildFolder } from "../../platform/folders.ts";
import { settled } from "../../profiles/load.ts";
import { isStillPrepared } from "./built.ts";
import { preparePhase } from "./prepare.ts";
import type { PrepareOptions } from "./prepared.ts";

// Up to seven clones and builds in one test.
jest.setTimeout(180_000);

const GIBIBYTE = 1024 ** 3;
const open = phaseBenches();
let bench: Workbench;
let upstream: TestRepository;
let profile: ProfileFile;
let checkout: string;
beforeEach(() => {
  bench = new Workbench();
  upstream = new TestRepository(bench.folder);
  profile = repositoryProfile(upstream.url);
  checkout = checkoutFolder(bench.state);
});

const OPTIONS: PrepareOptions = { skipped: new Set(), cycleLeftMs: () => 60_000 };

async function begin(earlier: readonly PrepareResult[] = []): Promise<PhaseBench> {
  const phase = await open({ profile: settled(profile, bench.state), phase: "prepare", budgetMs: 20_000, bench });
  phase.context.state.change((now) => ({ ...now, git_commit: null, results: [...earlier] }));
  return phase;
}

/** One cycle's prepare phase; `earlier`: its result when the cycle is resumed. */
async function prepare(options: Partial<PrepareOptions> = {}, earlier: readonly PrepareResult[] = []) {
  const phase = await begin(earlier);
  const result = await preparePhase(phase.context, { ...OPTIONS, ...options });
  if (result === undefined) throw new Error("prepare was stopped");
  const { git_commit: commit } = phase.context.state.get();
  await phase.close();
  return { ...phase, result, commit };
}

const read = (path: string): string => readFileSync(join(checkout, path), "utf8");
const builds = (name: string): number => read(`out/${name}.builds`).split("\n").length - 1;

describe("a branch that builds", () => {
  test("its newest commit is cloned one deep and built; logs are stored, versions recorded", async () => {
    const commit = upstream.commit({ "main.rs": "one" });
    const { result, stored, heartbeats, warnings } = await prepare();
    expect(result).toMatchObject({
      verdict: "passed",
      reason: null,
      git_commit: commit,
      versions: { shell: "one", none: null },
      toolchain: { architecture: process.arch, versions: { shell: "one", none: null } },
      builds: [
        { name: "vopr", verdict: "passed", reason: null, log_key: "cycles/000001/logs/prepare/vopr.txt" },
        { name: "benches", verdict: "passed", log_key: "cycles/000001/logs/prepare/benches.txt" },
      ],
      red_commit: null,
      cannot_run: {},
      warnings: [],
    });
    expect(await stored("cycles/000001/logs/prepare/vopr.txt")).toBe("compiling vopr");
    expect(heartbeats()).toBeGreaterThan(3);
    expect(warnings).toEqual([]);
    expect(read("main.rs")).toBe("one");
    expect(existsSync(join(checkout, ".git/shallow"))).toBe(true);
  });

  test("the next cycle follows it; what was built stays, what is neither tracked nor ignored goes", async () => {
    await prepare();
    writeFileSync(join(checkout, "stray.txt"), "left by a test");
    writeFileSync(join(checkout, "build.sh"), "exit 1");
    const commit = upstream.commit({ "main.rs": "two" });
    expect((await prepare()).result).toMatchObject({ verdict: "passed", git_commit: commit });
    expect(existsSync(join(checkout, "stray.txt"))).toBe(false);
    expect(builds("vopr")).toBe(2);
  });

  test("a tag and a commit hash stay where they are", async () => {
    const tagged = upstream.commit({ "main.rs": "tagged" });
    upstream.tag("v1");
    const hashed = upstream.commit({ "main.rs": "hashed" });
    upstream.commit({ "main.rs": "newest" });
    profile = repositoryProfile(upstream.url, { repository: { url: upstream.url, reference: "v1" } });
    expect((await prepare()).commit).toBe(tagged);
    profile = repositoryProfile(upstream.url, { repository: { url: upstream.url, reference: hashed } });
    expect((await prepare()).commit).toBe(hashed);
    expect(read("main.rs")).toBe("hashed");
  });

  test("nothing is built for workloads that are skipped", async () => {
    const { result } = await prepare({ skipped: new Set(["benchmarks"] as const) });
    expect(result.builds.map(({ name }) => name)).toEqual(["vopr"]);
  });

  test("a work tree around the runner's folder is left alone, also when the clone is damaged", async () => {
    await prepare();
    rmSync(join(checkout, ".git"), { recursive: true });
    writeFileSync(join(bench.folder, "mine.txt"), "mine");
    const { execFileSync } = await import("node:child_process");
    execFileSync("git", ["init", "--quiet"], { cwd: bench.folder });
    const { result } = await prepare();
    expect(result.verdict).toBe("passed");
    expect(readFileSync(join(bench.folder, "mine.txt"), "utf8")).toBe("mine");
    // Only the history was lost: the build goes on from what was there.
    expect(builds("vopr")).toBe(2);
  });

  test("a lock that a killed git left does not keep anybody waiting", async () => {
    await prepare();
    writeFileSync(join(checkout, ".git/index.lock"), "");
    upstream.commit({ "main.rs": "more" });
    const { result, warnings } = await prepare();
    // Without a clone made anew.
    expect({ verdict: result.verdict, warnings }).toEqual({ verdict: "passed", warnings: [] });
  });
});

describe("a red branch", () => {
  test("its last good commit is tested, the reason is first, and then the branch is followed again", async () => {
    const good = upstream.commit({ "main.rs": "good" });
    await prepare();
    const red = upstream.commit({ "vopr.red": "", "main.rs": "red" });
    const first = await prepare();
    expect(first.result).toMatchObject({ verdict: "inconclusive", git_commit: good, red_commit: red, cannot_run: {} });
    expect(first.result.reason).toBe(
      `main is red: ${red} does not build, its last good commit ${good} is tested: ` +
        "build vopr: exit code 101: error[E0425]: cannot find value in vopr.rs (cycles/000001/logs/prepare/vopr.txt)",
    );
    expect(await first.stored("cycles/000001/logs/prepare/vopr.txt")).toContain("error[E0425]");
    expect(first.result.builds.map(({ verdict, log_key: key }) => [verdict, key])).toEqual([
      ["passed", "cycles/000001/logs/prepare/vopr-last-good.txt"],
      ["passed", "cycles/000001/logs/prepare/benches-last-good.txt"],
    ]);
    expect(read("main.rs")).toBe("good");
    expect((await prepare()).commit).toBe(good);

    const again = upstream.commit({ "vopr.red": null, "main.rs": "good again" });
    expect((await prepare()).result).toMatchObject({ verdict: "passed", git_commit: again, red_commit: null });
    upstream.commit({ "vopr.red": "" });
    expect((await prepare()).commit).toBe(again);
  });

  test("a machine that lost its disk knows the last good commit from the store", async () => {
    const good = upstream.commit({ "main.rs": "good" });
    await prepare();
    upstream.commit({ "vopr.red": "" });
    rmSync(bench.state, { recursive: true });
    expect((await prepare()).result).toMatchObject({ verdict: "inconclusive", git_commit: good });
  });

  test("damaged memory of it on the disk: said, and the store is asked", async () => {
    const good = upstream.commit({ "main.rs": "good" });
    await prepare();
    writeFileSync(join(bench.state, "last-good.json"), "{");
    upstream.commit({ "vopr.red": "" });
    const { commit, warnings } = await prepare();
    expect(commit).toBe(good);
    expect(warnings.join()).toContain("the last good commit on this disk cannot be read, the store is asked");
  });

  test("without a good commit VOPR cannot run, and the others are built all the same", async () => {
    const red = upstream.commit({ "vopr.red": "" });
    const { result } = await prepare();
    const reason = "build vopr: exit code 101: error[E0425]: cannot find value in vopr.rs";
    expect(result).toMatchObject({
      verdict: "inconclusive",
      reason,
      git_commit: red,
      red_commit: null,
      cannot_run: { vopr: reason },
    });
    expect(result.builds.map(({ name, verdict }) => [name, verdict])).toEqual([
      ["vopr", "inconclusive"],
      ["benches", "passed"],
    ]);
  });

  test("a compiler that is missing is no fault of the commit: it stays, and cannot be run", async () => {
    await prepare();
    const commit = upstream.commit({ "main.rs": "newer" });
    const steps = [buildStep("vopr", ["vopr"], { command: ["no-such-cargo", "build"] })];
    profile = { ...profile, build: { ...profile.build!, steps } };
    const { result } = await prepare();
    expect(result).toMatchObject({ git_commit: commit, red_commit: null });
    expect(result.cannot_run.vopr).toBe(
      "build vopr: cannot be started: no-such-cargo does not exist or may not be executed",
    );
  });

  test("the reason is the compiler's first error, not what cargo says of it at its end", async () => {
    const said = [
      "error[E0308]: mismatched types",
      " --> src/main.rs:1:25",
      "error: could not compile vopr (bin) due to 1 previous error",
      "Caused by:",
      "  process did not exit successfully: CARGO=1 rustc --crate-name vopr",
    ];
    const command = ["sh", "-c", 'printf "%s\\n" "$@"; exit 101', "sh", ...said];
    profile = { ...profile, build: { ...profile.build!, steps: [buildStep("vopr", ["vopr"], { command })] } };
    const { result } = await prepare();
    expect(result.cannot_run.vopr).toBe("build vopr: exit code 101: error[E0308]: mismatched types (src/main.rs:1:25)");
  });

  test("a build beyond its deadline is ended, and what needs it cannot be run", async () => {
    upstream.commit({ "vopr.slow": "" });
    const steps = [buildStep("vopr", ["vopr"], { deadline_seconds: 4 })];
    profile = { ...profile, build: { ...profile.build!, steps } };
    const { result } = await prepare();
    expect(result.cannot_run.vopr).toBe("build vopr: still running at its deadline of 4.0 s: compiling vopr");
  });
});

test("a step that only the benchmarks need keeps only them from running", async () => {
  const commit = upstream.commit({ "benches.red": "" });
  const { result } = await prepare();
  const reason = "build benches: exit code 101: error[E0425]: cannot find value in benches.rs";
  expect(result).toMatchObject({ verdict: "inconclusive", reason, git_commit: commit, red_commit: null });
  expect(result.cannot_run).toEqual({ benchmarks: reason });
});

test("a step that is not required fails: inconclusive, and nothing is kept from running", async () => {
  upstream.commit({ "vopr-canary.red": "" });
  const steps = [buildStep("vopr", ["vopr"]), buildStep("vopr-canary", ["vopr"], { required: false })];
  profile = { ...profile, build: { ...profile.build!, steps } };
  const { result } = await prepare();
  expect(result).toMatchObject({ verdict: "inconclusive", red_commit: null, cannot_run: {} });
});

describe("the network is away", () => {
  test("the commit that was fetched last is tested, said as a warning", async () => {
    const commit = upstream.commit({ "main.rs": "one" });
    await prepare();
    upstream.takeAway();
    const { result, warnings } = await prepare();
    expect(result).toMatchObject({ verdict: "passed", git_commit: commit });
    expect(warnings).toHaveLength(1);
    expect(warnings[0]).toContain(`main could not be fetched, ${commit} is tested, which it was before: git ls-remote`);
    expect(result.warnings).toEqual(warnings);
  });

  test("without any commit nothing can be run, and why is said", async () => {
    upstream.takeAway();
    const { result, commit } = await prepare();
    expect(commit).toBe("unknown");
    expect(result.verdict).toBe("inconclusive");
    expect(Object.keys(result.cannot_run).sort()).toEqual(["benchmarks", "formal-verification", "fuzz", "vopr"]);
    expect(result.cannot_run.vopr).toBe(result.reason);
    expect(result.reason).toMatch(/^git ls-remote: exit code 128: .*upstream\.git/);
  });

  test("it comes back while it is waited for", async () => {
    upstream.takeAway();
    setTimeout(() => {
      upstream.bringBack();
    }, 1_500);
    expect((await prepare()).result.verdict).toBe("passed");
  });

  test("a branch that is gone is no matter of the network: inconclusive, on its last commit", async () => {
    const commit = upstream.commit({ "main.rs": "one" });
    await prepare();
    upstream.deleteBranch("main");
    const { result } = await prepare();
    expect(result).toMatchObject({ verdict: "inconclusive", git_commit: commit });
    expect(result.reason).toContain(`there is no branch and no tag main in ${upstream.url}`);
  });
});

describe("the disk", () => {
  const wanting = (gibibytes: number): ProfileFile => ({
    ...profile,
    build: { ...profile.build!, min_free_gibibytes: gibibytes, prune: ["out/cache", "out"] },
  });

  test("nearly full: folders are removed in their order until there is enough, and built anew", async () => {
    await prepare();
    mkdirSync(join(checkout, "out/cache"));
    profile = wanting(10);
    const free = [5, 12];
    const { result, warnings } = await prepare({ freeBytes: () => Promise.resolve((free.shift() ?? 12) * GIBIBYTE) });
    expect(warnings).toEqual([
      "the disk was nearly full, 12.0 GiB of disk are free now; out/cache removed, and built anew",
    ]);
    expect(result.verdict).toBe("passed");
    expect(existsSync(join(checkout, "out/cache"))).toBe(false);
    expect(builds("vopr")).toBe(2);
  });

  test("first the builds of fuzz targets, which the fuzz phase makes anew; corpora and failing inputs stay", async () => {
    await prepare();
    const kept = [corpusFolder(bench.state, "one"), artifactFolder(bench.state, "one"), join(checkout, "out/cache")];
    for (const folder of [join(fuzzBuildFolder(bench.state), "release"), ...kept])
      mkdirSync(folder, { recursive: true });
    profile = wanting(10);
    const free = [5, 12];
    const { warnings } = await prepare({ freeBytes: () => Promise.resolve((free.shift() ?? 12) * GIBIBYTE) });
    expect(warnings).toEqual([
      "the disk was nearly full, 12.0 GiB of disk are free now; builds of fuzz targets removed, and built anew",
    ]);
    expect(existsSync(fuzzBuildFolder(bench.state))).toBe(false);
    expect(kept.filter((folder) => !existsSync(folder))).toEqual([]);
  });

  test("still too full after everything was removed: said, and tried all the same", async () => {
    await prepare();
    profile = wanting(10);
    const { result, warnings } = await prepare({ freeBytes: () => Promise.resolve(3 * GIBIBYTE) });
    expect(warnings).toEqual([
      "the disk is nearly full: 3.0 GiB of disk are free, 10 are wanted; out removed, and built anew",
    ]);
    expect(result.verdict).toBe("passed");
    expect(builds("vopr")).toBe(1);
  });

  test("filled up by the build itself: it is built once more, with room", async () => {
    // The step fills the disk the first time, and succeeds when there is room.
    const command = ["sh", "-c", "mkdir -p out/cache && if [ -e tried ]; then echo ok; else touch tried; exit 1; fi"];
    profile = wanting(10);
    profile = { ...profile, build: { ...profile.build!, steps: [buildStep("vopr", ["vopr"], { command })] } };
    const free = [50, 5, 12];
    const { result, warnings } = await prepare({ freeBytes: () => Promise.resolve((free.shift() ?? 12) * GIBIBYTE) });
    expect(result.verdict).toBe("passed");
    expect(warnings).toEqual([
      "the disk was nearly full, 12.0 GiB of disk are free now; out/cache removed, and built anew",
    ]);
  });

  test("a link in the repository leads nobody out of it", async () => {
    const outside = join(bench.folder, "outside");
    mkdirSync(join(outside, "precious"), { recursive: true });
    const { symlinkSync } = await import("node:fs");
    await prepare();
    symlinkSync(outside, join(checkout, "out/link"));
    profile = { ...profile, build: { ...profile.build!, min_free_gibibytes: 10, prune: ["out/link/precious"] } };
    await prepare({ freeBytes: () => Promise.resolve(GIBIBYTE) });
    expect(existsSync(join(outside, "precious"))).toBe(true);
  });
});

describe("stopped and resumed", () => {
  test("stopped in the middle of a build: no result; begun again, it is finished", async () => {
    const slow = upstream.commit({ "vopr.slow": "" });
    const phase = await begin();
    const running = preparePhase(phase.context, OPTIONS);
    await until("the build is under way", () => existsSync(join(checkout, "out/vopr.started")));
    const stoppedMs = performance.now();
    phase.stop.abort();
    expect(await running).toBeUndefined();
    expect(performance.now() - stoppedMs).toBeLessThan(20_000); // of a build of sixty seconds
    expect(phase.context.state.get().git_commit).toBeNull();
    await phase.close();
    const commit = upstream.commit({ "vopr.slow": null });
    expect(commit).not.toBe(slow);
    expect((await prepare()).result).toMatchObject({ verdict: "passed", git_commit: commit });
  });

  test("a resumed cycle has its own commit again, whatever the branch means now", async () => {
    const commit = upstream.commit({ "main.rs": "this cycle's" });
    const { result: earlier, context } = await prepare();
    const state = () => context.state.get();
    const preparation = { ...context, skipped: new Set<never>() };
    expect(await isStillPrepared(state(), preparation)).toBe(true);
    upstream.commit({ "main.rs": "newer" });

    rmSync(checkout, { recursive: true });
    expect(await isStillPrepared(state(), preparation)).toBe(false);
    const again = await prepare({}, [earlier]);
    expect(again.result).toMatchObject({ verdict: "passed", git_commit: commit, red_commit: null });
    expect(read("main.rs")).toBe("this cycle's");
    expect(await isStillPrepared(state(), preparation)).toBe(true);

    writeFileSync(join(checkout, "build.sh"), "exit 1");
    expect(await isStillPrepared(state(), preparation)).toBe(false);
  });

  test("a resumed cycle on a last good commit still says that the branch is red", async () => {
    const good = upstream.commit({ "main.rs": "good" });
    await prepare();
    const red = upstream.commit({ "vopr.red": "" });
    const { result: earlier } = await prepare();
    rmSync(checkout, { recursive: true });
    const { result } = await prepare({}, [earlier]);
    expect(result).toMatchObject({ verdict: "inconclusive", git_commit: good, red_commit: red });
  });

  test("a commit that cannot be had again: nothing more is run in its name", async () => {
    const { result: earlier } = await prepare();
    rmSync(checkout, { recursive: true });
    const gone = { ...earlier, git_commit: "0".repeat(40) };
    const { result, commit } = await prepare({}, [gone]);
    expect(commit).toBe("0".repeat(40));
    expect(result.cannot_run.vopr).toMatch(
      /^the commit of this cycle cannot be had again: there is no commit 0{40} in /,
    );
  });
});

describe("scenarios", () => {
  const asking = (names: readonly string[], left_out: string[] = []): ProfileFile => {
    const script = `console.log(JSON.stringify({ scenarios: ${JSON.stringify(names.map((name) => ({ name })))} }))`;
    const list = { arguments: ["-e", script], format: "json" as const, left_out };
    return { ...profile, vopr: { ...profile.vopr, command: [process.execPath], scenario_list: list } };
  };

  test("those of the profile and of the simulator are the same: nothing is said", async () => {
    profile = asking(["baseline", "combined", "extra"], ["extra"]);
    expect((await prepare()).result).toMatchObject({ verdict: "passed", missing_scenarios: [], warnings: [] });
  });

  test("one that the simulator lacks is inconclusive, one that nobody runs is a warning", async () => {
    profile = asking(["combined", "extra"]);
    const { result } = await prepare();
    expect(result).toMatchObject({
      verdict: "inconclusive",
      reason: "the simulator has no scenario baseline: not run",
      missing_scenarios: ["baseline"],
      warnings: ["nobody runs these scenarios of the simulator: extra"],
    });
  });

  test("a simulator that cannot be asked is inconclusive, and everything is run", async () => {
    const list = { arguments: ["-e", "process.exit(3)"], format: "json" as const, left_out: [] };
    profile = { ...profile, vopr: { ...profile.vopr, command: [process.execPath], scenario_list: list } };
    expect((await prepare()).result).toMatchObject({
      verdict: "inconclusive",
      reason: "the simulator could not be asked for its scenarios: exit code 3",
      missing_scenarios: [],
    });
  });
});
