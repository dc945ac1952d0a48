/**
 * test-infra-smoke as users run it: the embedded profile for real; stand-ins for every way in which a program can fail
 * to show that it works. None of them may come out passed.
 */
import { mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "@jest/globals";
import type { ProfileFile } from "../contracts/profile.ts";
import type { ProofCheck, ProofsProfile } from "../contracts/profile/formal-verification.ts";
import { smokeReportSchema, type SmokeCheck, type SmokeReport } from "../contracts/smoke.ts";
import { embeddedProfile } from "../runner/profiles/embedded.ts";
import { decodeJson } from "../runner/store/read-json.ts";
import { standInDocker } from "../runner/tools/docker.fixture.ts";
import { behave, criterionProfile } from "./benchmarks.fixture.ts";
import { fakeProfile, type FakeVopr } from "./fake-profile.ts";
import { cargoProfile } from "./fuzz-cycle.ts";
import { repositoryProfile, TestRepository } from "./repository.ts";
import { ivyCheck, standInTool } from "./stand-in-tools.ts";
import { until } from "./until.ts";
import { workbenches, type Ran, type Workbench } from "./workbench.ts";

const workbench = workbenches();

/** Its own folder for what is temporary, so that what is left there is seen. */
function start(bench: Workbench, args: readonly string[], env: Record<string, string> = {}) {
  const temporary = join(bench.folder, "tmp");
  mkdirSync(temporary, { recursive: true });
  // What Node has compiled is no concern of ours, and saves each start half its time.
  const cache = process.env["NODE_COMPILE_CACHE"] ?? join(tmpdir(), "node-compile-cache");
  return bench.start(["test-infra-smoke", ...args], { TMPDIR: temporary, NODE_COMPILE_CACHE: cache, ...env });
}

const leftBehind = (bench: Workbench): string[] => readdirSync(join(bench.folder, "tmp"));

interface Smoked extends Ran {
  readonly report: SmokeReport;
  /** `PART NAME: VERDICT`. */
  readonly verdicts: readonly string[];
  readonly find: (name: string) => SmokeCheck | undefined;
}

async function smoke(
  profile: ProfileFile,
  only: string,
  {
    bench = workbench(),
    env = {},
    more = [],
  }: { bench?: Workbench; env?: Record<string, string>; more?: string[] } = {},
): Promise<Smoked> {
  bench.writeProfile(profile);
  const ran = await start(bench, ["--profile", bench.profilePath, "--only", only, "--json", ...more], env);
  const report = decodeJson(ran.stdout, ran.stderr, smokeReportSchema);
  return {
    ...{ exitCode: ran.exitCode, stdout: ran.stdout, stderr: ran.stderr, report },
    verdicts: report.checks.map(({ part, name, verdict }) => `${part} ${name}: ${verdict}`),
    find: (name) => report.checks.find((check) => check.name === name),
  };
}

const withVopr = (vopr: FakeVopr, change: Partial<ProfileFile["vopr"]> = {}): ProfileFile => fakeProfile(vopr, change);

describe("the embedded profile", () => {
  test("everything in it works, each check is told, and nothing stays behind", async () => {
    const bench = workbench();
    const ran = await start(bench, ["--json", "--only", "vopr,fuzz,formal-verification"]);
    const { checks, ...report } = decodeJson(ran.stdout, ran.stderr, smokeReportSchema);
    expect(checks.filter(({ verdict }) => verdict !== "passed")).toEqual([]);
    const { vopr, fuzz } = embeddedProfile();
    const expected = [
      "prepare commit and builds",
      ...vopr.scenarios.map(({ name }) => `vopr ${name}`),
      ...["vopr determinism in combined", "vopr canary skip-fsync"],
      ...fuzz.targets.map((target) => `fuzz ${target}`),
      ...["fuzz canary canary", "formal-verification explore", "formal-verification canary skip-fsync"],
    ];
    expect(checks.map(({ part, name }) => `${part} ${name}`).sort()).toEqual([...expected].sort());
    expect(report).toMatchObject({
      verdict: "passed",
      passed: expected.length,
      failed: 0,
      inconclusive: 0,
      kept: null,
    });
    for (const name of expected) {
      expect(ran.stderr).toContain(`${name} …\n`);
      expect(ran.stderr).toContain(`\n${name} passed in `);
    }
    expect([ran.exitCode, leftBehind(bench)]).toEqual([0, []]);
  });

  test("its benchmarks are measured; in the noise of other suites the planted slowdown may be lost", async () => {
    const { verdicts } = await smoke(embeddedProfile(), "benchmarks");
    expect(verdicts).toEqual([
      "prepare commit and builds: passed",
      "benchmarks tinybench: passed",
      expect.stringMatching(/^benchmarks canary planted-slowdown: (?:passed|failed)$/),
    ]);
  });
});

describe("vopr", () => {
  test.concurrent.each<[NonNullable<FakeVopr["mode"]>, string]>([
    ["panic", "panicked (exit code 101): thread 'main' panicked at replica.rs:42: commit went backwards"],
    ["exit-2", "exit code 2: error: unknown scenario"],
    ["garbage", "line 4 is not valid JSON"],
    ["truncated", "not valid JSON"],
    ["no-final", "ended without batch_complete, exit code 0"],
    ["wrong-range", "was asked for 5 seeds from 0, but started 5 from 1"],
    ["kill", "SIGKILL"],
    ["lying-final", "line 7 is no vopr record"],
  ])("%s is seen in every scenario, whatever the first line said", async (mode, why) => {
    const { exitCode, verdicts, report, find } = await smoke(withVopr({ mode, breaks_in: "planted" }), "vopr");
    expect([exitCode, verdicts.slice(1).sort()]).toEqual([
      6,
      [
        "vopr baseline: inconclusive",
        "vopr canary planted: inconclusive",
        "vopr combined: inconclusive",
        "vopr determinism in combined: inconclusive",
      ],
    ]);
    expect(report).toMatchObject({ verdict: "inconclusive", passed: 1, inconclusive: 4 });
    expect(find("baseline")?.what).toContain(why);
    expect(find("baseline")?.hint).toMatch(
      /^run it by hand, in the checkout: fake-vopr --scenario baseline --seed \d+ -n 1/,
    );
  });

  test.concurrent("seeds that fail, attacks that are not detected, and a planted bug that is not found", async () => {
    const profile = withVopr(
      { fail_every: 2, only: "baseline", harmless: "planted" },
      {
        scenarios: [
          { name: "baseline", weight: 1, expectation: "must-pass" },
          { name: "combined", weight: 1, expectation: "must-pass" },
          { name: "attack", weight: 1, expectation: "must-detect" },
        ],
      },
    );
    const { exitCode, report, verdicts, find } = await smoke(profile, "vopr");
    expect([exitCode, report.verdict, report.failed]).toEqual([1, "failed", 3]);
    expect(verdicts).toContain("vopr combined: passed");
    expect(find("baseline")).toMatchObject({
      verdict: "failed",
      what: "3 of 5 seeds failed: replicas differ at seed 0 of baseline",
      hint: "run it by hand, in the checkout: fake-vopr --scenario baseline --seed 0 -n 1 -v",
    });
    expect(find("attack")?.what).toMatch(/^5 of 5 seeds were not detected: the attack of this scenario/);
    expect(find("canary planted")?.what).toBe("the planted bug was not found: none of 12 seeds failed");
  });

  test.concurrent("a scenario that the simulator does not know is named, and not run", async () => {
    const list = { arguments: ["--list-scenarios"], format: "json" as const, left_out: [] };
    const env = { FAKE_VOPR_SCENARIOS: "baseline,secret" };
    const { exitCode, find, report } = await smoke(withVopr({}, { scenario_list: list }), "vopr", { env });
    expect(exitCode).toBe(6);
    expect(find("combined")).toMatchObject({
      verdict: "inconclusive",
      what: "the simulator does not list a scenario combined",
    });
    expect(find("baseline")?.verdict).toBe("passed");
    expect(find("commit and builds")?.what).toContain("the simulator has no scenario combined");
    expect(report.warnings).toEqual(["nobody runs these scenarios of the simulator: secret"]);
  });

  test.concurrent("hostile words reach no terminal", async () => {
    const bench = workbench();
    const command = ["sh", "-c", String.raw`printf '\033[2J\033]0;pwned\007PASSED\n' >&2; exit 3`];
    bench.writeProfile(withVopr({}, { command }));
    const { stdout, stderr, exitCode } = await start(bench, ["--profile", bench.profilePath, "--only", "vopr"]);
    expect(exitCode).toBe(6);
    expect(stdout).toMatch(
      /^inconclusive {2}vopr baseline +exit code 3: \\u\{1b\}\[2J\\u\{1b\}\]0;pwned\\u\{7\}PASSED/m,
    );
    expect(`${stdout}${stderr}`).not.toMatch(/[\u0000-\u0009\u000b-\u001f]/);
  });
});

describe("fuzz", () => {
  test.concurrent("cargo-fuzz: each target has its own verdict", async () => {
    const targets = { good: {}, broken: { build: "fails" }, dead: { dies: true }, crashing: { crashes: 1 } } as const;
    const profile = cargoProfile({ targets, list: [...Object.keys(targets), "planted", "forgotten"] });
    const { fuzz } = profile;
    const { exitCode, verdicts, find } = await smoke(
      { ...profile, fuzz: { ...fuzz, targets: [...fuzz.targets, "unknown"] } },
      "fuzz",
    );
    expect([exitCode, verdicts.slice(1)]).toEqual([
      1,
      [
        "fuzz list of targets: passed",
        "fuzz canary planted: passed",
        "fuzz good: passed",
        "fuzz broken: inconclusive",
        "fuzz dead: inconclusive",
        "fuzz crashing: failed",
        "fuzz unknown: inconclusive",
      ],
    ]);
    expect(find("list of targets")?.what).toBe("6 targets; nobody fuzzes forgotten");
    expect(find("broken")?.what).toMatch(/^build: exit code 1: error/);
    expect(find("broken")?.hint).toMatch(/ fuzz build broken$/);
    expect(find("dead")?.what).toContain("libasan.so");
    expect(find("crashing")?.what).toMatch(/^1 failing inputs: crash: /);
    expect(find("crashing")?.hint).toMatch(/ fuzz run crashing$/);
    expect(find("unknown")?.what).toBe("`cargo fuzz list` does not know it");
  });

  test.concurrent("without cargo-fuzz every target says so, and the planted crash is not found by magic", async () => {
    const { exitCode, verdicts, find } = await smoke(cargoProfile({ targets: { one: {} }, no_fuzz: true }), "fuzz");
    expect([exitCode, verdicts.slice(1)]).toEqual([
      6,
      ["fuzz list of targets: inconclusive", "fuzz canary planted: inconclusive", "fuzz one: inconclusive"],
    ]);
    expect(find("one")?.what).toBe("cargo fuzz list: exit code 101: error: no such command: `fuzz`");
  });

  test.concurrent("a planted crash that the fuzzer runs past", async () => {
    const profile = cargoProfile({ targets: { one: {}, planted: {} } }, { targets: ["one"] });
    const { exitCode, find } = await smoke(profile, "fuzz");
    expect([exitCode, find("canary planted")?.verdict]).toEqual([1, "failed"]);
    expect(find("canary planted")?.what).toMatch(/^the planted bug was not found: not in \d+ executions$/);
  });

  test.concurrent("fast-check: a program that is not there, and a planted bug that is none", async () => {
    const { fuzz, ...rest } = fakeProfile();
    const absent = await smoke({ ...rest, fuzz: { ...fuzz, command: ["kimtest-no-fuzzer"] } }, "fuzz");
    expect([absent.exitCode, new Set(absent.report.checks.slice(1).map(({ verdict }) => verdict))]).toEqual([
      6,
      new Set(["inconclusive"]),
    ]);
    const harmless = await smoke({ ...rest, fuzz: { ...fuzz, canary_target: "three" } }, "fuzz");
    expect(harmless.verdicts.slice(1).sort()).toEqual([
      "fuzz canary three: failed",
      "fuzz one: passed",
      "fuzz two: passed",
    ]);
    expect(harmless.exitCode).toBe(1);
  });
});

describe("formal verification", () => {
  const images: ProofsProfile["images"] = {
    coq: { source: { from: "registry", reference: "coq-image" }, deadline_seconds: 20, memory_mebibytes: 512 },
  };

  function proving(bench: Workbench, checks: ProofCheck[], planted: string): ProfileFile {
    const check = { ...ivyCheck("planted", { program: [standInTool(bench.folder, planted)] }), folder: "." };
    const canary = { files: { "good.ivy": "#lang ivy1.7\n" }, check };
    return { ...fakeProfile(), formal_verification: { tool: "proofs", downloads: {}, images, checks, canary } };
  }

  const other = process.arch === "x64" ? "arm64" : "x64";

  test.concurrent("a missing Docker is not passed; nor is a missing tool, folder or architecture", async () => {
    const bench = workbench();
    const checks = [
      ivyCheck("here", { program: [standInTool(bench.folder, "ivy-good")] }),
      ivyCheck("absent", { program: ["kimtest-no-ivy"] }),
      ivyCheck("in-docker", { image: "coq" }),
      ivyCheck("elsewhere", { architectures: [other] }),
      ivyCheck("nowhere", { program: ["sh"], folder: "test/no-such-folder" }),
    ];
    const path = join(bench.folder, "path");
    mkdirSync(path);
    // The shell and what the stand-ins use, and no docker.
    for (const name of ["sh", "git", "cat", "env"]) symlinkSync(`/usr/bin/${name}`, join(path, name));
    const profile = proving(bench, checks, "ivy-bad");
    const { exitCode, verdicts, find } = await smoke(profile, "formal-verification", { bench, env: { PATH: path } });
    expect([exitCode, verdicts.slice(1)]).toEqual([
      6,
      [
        "formal-verification docker: inconclusive",
        "formal-verification here: passed",
        "formal-verification absent: inconclusive",
        "formal-verification in-docker: inconclusive",
        "formal-verification elsewhere: inconclusive",
        "formal-verification nowhere: inconclusive",
        "formal-verification canary planted: passed",
      ],
    ]);
    expect(find("docker")).toMatchObject({
      what: "cannot be started: docker does not exist or may not be executed",
      hint: expect.stringContaining("https://docs.docker.com/engine/install/") as unknown,
    });
    expect(find("elsewhere")?.what).toBe(`not run on ${process.arch}: its profile allows ${other} only`);
    expect(find("nowhere")?.what).toBe("its folder test/no-such-folder does not exist");
  });

  test.concurrent(
    "a Docker whose daemon is away, and one that has the image; a planted bug that comes out proved",
    async () => {
      const bench = workbench();
      const docker = standInDocker(bench.folder);
      const env = { PATH: `${bench.folder}:${process.env["PATH"] ?? ""}` };
      const profile = proving(bench, [ivyCheck("in-docker", { image: "coq" })], "ivy-good");
      const here = await smoke(profile, "formal-verification", { bench, env });
      expect(here.verdicts.slice(1)).toEqual([
        "formal-verification docker: passed",
        "formal-verification in-docker: passed",
        "formal-verification canary planted: failed",
      ]);
      expect([here.exitCode, here.find("in-docker")?.what]).toEqual([1, "ivy is there: docker, sha256:pulled"]);
      expect(docker.calls()).toContain("pull coq-image");

      writeFileSync(docker.state("no-daemon"), "");
      const away = await smoke(profile, "formal-verification", { bench, env });
      expect(away.find("docker")).toMatchObject({
        verdict: "inconclusive",
        what: expect.stringMatching(/^docker does not answer: Cannot connect to the Docker daemon/) as unknown,
      });
      expect([away.find("in-docker")?.verdict, away.find("in-docker")?.hint]).toEqual([
        "inconclusive",
        "run it by hand, in the checkout: docker pull coq-image",
      ]);
    },
  );

  test.concurrent("an exploration that fails, and one whose planted bug is not found", async () => {
    const { formal_verification: explore, ...rest } = fakeProfile();
    const broken = await smoke(
      { ...rest, formal_verification: { ...explore, command: ["false"] } },
      "formal-verification",
    );
    expect([broken.exitCode, broken.verdicts.slice(1)]).toEqual([
      6,
      ["formal-verification explore: inconclusive", "formal-verification canary planted: inconclusive"],
    ]);
    const canary = { name: "planted", arguments: [] };
    const blind = await smoke({ ...rest, formal_verification: { ...explore, canary } }, "formal-verification");
    expect([blind.exitCode, blind.find("canary planted")?.what]).toEqual([
      1,
      "the planted bug was not found: no violation in 1000 states",
    ]);
  });
});

describe("benchmarks", () => {
  test.concurrent("Criterion: each suite, quickly; one that breaks or measures too little", async () => {
    const bench = workbench();
    behave(bench, {
      good: { levels: { "hash/64": 1000 } },
      broken: { levels: { "wire/1": 1000 }, exit: 101, says: "error: could not compile" },
      less: { levels: { "disk/read": 1000 } },
    });
    const profile = criterionProfile(bench, { good: ["hash"], broken: ["wire"], less: ["disk/read", "disk/write"] });
    const { exitCode, verdicts, find } = await smoke(profile, "benchmarks", { bench });
    expect([exitCode, verdicts.slice(1)]).toEqual([
      6,
      ["benchmarks good: passed", "benchmarks broken: inconclusive", "benchmarks less: inconclusive"],
    ]);
    expect(find("good")?.what).toBe("1 benchmarks measured");
    expect(find("broken")?.what).toBe("broken: exit code 101: error: could not compile");
    expect(find("broken")?.hint).toMatch(/ bench -p bench --bench broken -- --noplot --quick$/);
    expect(find("less")?.what).toBe("disk/write: not measured");
  });

  test.concurrent("a program that prints nothing has measured nothing, and found no planted slowdown", async () => {
    const profile: ProfileFile = { ...fakeProfile(), benchmarks: { tool: "tinybench", command: ["true"] } };
    const { exitCode, verdicts, find } = await smoke(profile, "benchmarks");
    expect([exitCode, verdicts.slice(1)]).toEqual([
      6,
      ["benchmarks tinybench: inconclusive", "benchmarks canary planted-slowdown: inconclusive"],
    ]);
    expect(find("tinybench")?.what).toContain("printed nothing");
  });
});

describe("a repository", () => {
  test.concurrent("is cloned and built in the temporary folder, and stays as it is", async () => {
    const bench = workbench();
    const repository = new TestRepository(bench.folder);
    const commit = repository.commit({});
    const { exitCode, report, find } = await smoke(repositoryProfile("https://example.invalid/none"), "vopr", {
      bench,
      more: ["--repo", "upstream.git", "--branch", "main"],
    });
    expect([exitCode, report.git_commit, leftBehind(bench)]).toEqual([0, commit, []]);
    expect(find("commit and builds")?.what).toMatch(
      new RegExp(`^${commit} of ${repository.url}, cloned and built in ${bench.folder}/tmp/kimtest-smoke-`),
    );
  });

  test.concurrent(
    "that is not there or does not build: what needs it is not passed; --keep keeps the log",
    async () => {
      const bench = workbench();
      const repository = new TestRepository(bench.folder);
      repository.commit({ "vopr.red": "" });
      const red = await smoke(repositoryProfile(repository.url), "vopr", { bench, more: ["--keep"] });
      expect([red.exitCode, red.verdicts]).toEqual([
        6,
        ["prepare commit and builds: inconclusive", "vopr all of it: inconclusive"],
      ]);
      expect(red.find("all of it")?.what).toContain("build vopr: exit code 101: error[E0425]");
      const kept = red.report.kept ?? "";
      const logs = readdirSync(join(kept, "store"), { recursive: true, withFileTypes: true }).filter((one) =>
        one.isFile(),
      );
      expect(logs.map(({ name }) => name)).toContain("vopr.txt");
      expect(leftBehind(bench)).toEqual([kept.slice(kept.lastIndexOf("/") + 1)]);

      const gone = await smoke(repositoryProfile(join(bench.folder, "no-such.git")), "vopr", {
        more: ["--limit", "5s"],
      });
      expect([gone.exitCode, gone.find("all of it")?.verdict]).toEqual([6, "inconclusive"]);
    },
  );
});

/** Processes whose command line names the folder of a workbench. */
const programsOf = ({ folder }: Workbench): string[] =>
  readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .flatMap((pid) => {
      try {
        return readFileSync(`/proc/${pid}/cmdline`, "utf8");
      } catch {
        return []; // it has ended
      }
    })
    .filter((line) => line.includes("fake-vopr.js") && line.includes(folder));

describe("time", () => {
  test.concurrent("Ctrl-C ends the programs, removes the folder, and says how far it came", async () => {
    const bench = workbench();
    bench.writeProfile(
      withVopr(
        { mode: "hang" },
        { arguments: ["--marker", bench.folder], batch: { ...fakeProfile().vopr.batch, stall_seconds: 60 } },
      ),
    );
    const running = start(bench, ["--profile", bench.profilePath, "--only", "vopr", "--workers", "2"]);
    await until("both scenarios run", () => programsOf(bench).filter((line) => !line.startsWith("env")).length >= 2);
    running.kill("SIGINT");
    const { exitCode, stdout, stderr } = await running;
    expect([exitCode, programsOf(bench), leftBehind(bench)]).toEqual([130, [], []]);
    expect(stdout).toMatch(/^passed +prepare commit and builds [^\n]*\n$/);
    expect(stderr).toMatch(/interrupted: 1 check passed, 0 failed, 0 inconclusive\n$/);
  });

  test.concurrent("a check, and the whole, have a limit", async () => {
    const hang = withVopr({ mode: "hang" }, { batch: { ...fakeProfile().vopr.batch, stall_seconds: 60 } });
    const check = await smoke(hang, "vopr", { more: ["--check-limit", "1s"] });
    expect([check.exitCode, check.find("baseline")]).toMatchObject([
      6,
      { verdict: "inconclusive", what: "not done within 1 s", hint: "give it more time with --check-limit" },
    ]);
    const whole = await smoke(hang, "vopr", { more: ["--limit", "6s", "--workers", "1"] });
    expect([whole.exitCode, whole.find("combined")]).toMatchObject([
      6,
      { verdict: "inconclusive", what: "not run: the time of the whole was used up" },
    ]);
  });
});

describe("usage", () => {
  test.concurrent.each<[string[], string]>([
    [["--only", "proofs"], '--only is "proofs", but there is no workload "proofs"'],
    [["--fields", "colour"], '--fields names "colour", which is no field'],
    [["--repo", "."], "--repo: the profile embedded tests a work tree, not a repository"],
    [["--profile", "none"], 'there is no profile "none"'],
    [["--limit", "0s"], '--limit is "0s", but must be 1s to 336h'],
  ])("%p", async (args, message) => {
    const bench = workbench();
    const { exitCode, stdout, stderr } = await start(bench, args);
    expect([exitCode, stdout, leftBehind(bench)]).toEqual([2, "", []]);
    expect(stderr).toContain(message);
  });
});
