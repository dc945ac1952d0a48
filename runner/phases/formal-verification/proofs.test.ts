/** The phase on real processes: programs that print what the real tools printed, and a stand-in for docker. */
import { createHash } from "node:crypto";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import { execa } from "execa";
import { toolCopyKey } from "../../../contracts/bucket.ts";
import { profileSchema, type Profile } from "../../../contracts/profile.ts";
import type { ProofCheck, ProofsProfile } from "../../../contracts/profile/formal-verification.ts";
import { formalVerificationDaySchema, type FormalVerificationResult } from "../../../contracts/results.ts";
import { fakeProfile } from "../../../test/fake-profile.ts";
import { phaseBenches, type PhaseBench } from "../../../test/phase-bench.ts";
import { ivyCheck, program, standInTool } from "../../../test/stand-in-tools.ts";
import { until } from "../../../test/until.ts";
import { processStat } from "../../platform/process-table.ts";
import { decodeJson } from "../../store/read-json.ts";
import { standInDocker, type StandInDocker } from "../../tools/docker.fixture.ts";
import { formalVerificationPhase } from "./formal-verification.ts";
import { atNoon, noonKey } from "../../../test/day.ts";
import { reproOf } from "./repro.ts";
import { wantedMs } from "./run-check.ts";
import { tagOf, ToolSupply } from "./supply.ts";

const FIXTURES = join(import.meta.dirname, "../../../test/fixtures/proofs");
const JAR = Buffer.from("the jar that was looked at");
const sha256 = (bytes: Buffer): string => createHash("sha256").update(bytes).digest("hex");

const phaseBench = phaseBenches();
let folder: string;
let server: Server;
let served: Buffer;
let docker: StandInDocker;
let before: NodeJS.ProcessEnv;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "kimtest-proofs-"));
  served = JAR;
  server = createServer((_request, response) => response.end(served));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  docker = standInDocker(folder);
  before = { ...process.env };
  process.env["PATH"] = `${folder}:${before["PATH"] ?? ""}`;
  // Lines to paste make folders of their own.
  process.env["TMPDIR"] = join(folder, "temporary");
  mkdirSync(process.env["TMPDIR"]);
});
afterEach(() => {
  process.env = before;
  docker.end();
  server.closeAllConnections();
  server.close();
  rmSync(folder, { recursive: true });
});

const standIn = (recording: string): string => standInTool(folder, recording);
const url = (): string => `http://127.0.0.1:${String((server.address() as AddressInfo).port)}/tool.jar`;

// Checks of the specifications under test/fixtures/proofs, which is the work tree.
const shared = (name: string, folderName: string) => ({
  name,
  folder: folderName,
  deadline_seconds: 20,
  architectures: ["x64" as const, "arm64" as const],
});
const tlc = (name: string, java: string, configuration = "Counter_good.cfg"): ProofCheck => ({
  ...shared(name, "tlc"),
  tool: "tlc",
  java,
  jar: "jar",
  specification: "Counter.tla",
  configuration,
  workers: 1,
  checks_deadlock: true,
  max_heap_mebibytes: 256,
  arguments: [],
});
const alloy = (name: string, java: string, specification: string): ProofCheck => ({
  ...shared(name, "alloy"),
  tool: "alloy",
  java,
  jar: "jar",
  specification,
  max_heap_mebibytes: 256,
  unsatisfiable_runs: ["impossible"],
});
const ivy = (name: string, ivyProgram: string[], image: string | null = null): ProofCheck =>
  ivyCheck(name, { ...shared(name, "ivy"), program: ivyProgram, image });
const coq = (name: string, files: string[], image: string | null = null): ProofCheck => ({
  ...shared(name, "coq"),
  tool: "coq",
  image,
  library: "Kimberlite",
  files,
  allowed_admitted: 0,
});

function profileOf(checks: ProofCheck[], change: Partial<ProofsProfile> = {}): Profile {
  const proofs: ProofsProfile = {
    tool: "proofs",
    downloads: { jar: { file: "tool.jar", url: url(), sha256: sha256(JAR) } },
    images: {},
    checks,
    canary: {
      files: { "Planted.ivy": "#lang ivy1.7\n" },
      check: { ...ivy("planted", [standIn("ivy-bad")]), folder: "." },
    },
    ...change,
  };
  const profile = { ...fakeProfile(), work_tree: FIXTURES, formal_verification: proofs };
  expect(profileSchema.safeParse(profile).error?.issues ?? []).toEqual([]);
  return profile;
}

async function opened(profile: Profile, options: { budgetMs?: number; cycle?: number; bench?: PhaseBench } = {}) {
  const { budgetMs = 60_000, cycle = 1, bench } = options;
  return atNoon(
    await phaseBench({
      profile,
      phase: "formal-verification",
      budgetMs,
      cycle,
      ...(bench === undefined ? {} : { bench: bench.bench }),
    }),
  );
}

async function run(bench: PhaseBench): Promise<FormalVerificationResult> {
  const result = await formalVerificationPhase(bench.context);
  if (result === undefined) throw new Error("the phase was stopped");
  return result;
}

const stored = async (bench: PhaseBench) =>
  decodeJson(await bench.stored(noonKey()), "day", formalVerificationDaySchema);

test("success, violation, time-out, missing tool and garbage, side by side; none stops another", async () => {
  const bench = await opened(
    profileOf([
      tlc("vsr", standIn("tlc-good")),
      tlc("safety", standIn("tlc-safety"), "Counter_safety.cfg"),
      { ...tlc("slow", standIn("tlc-deadline")), deadline_seconds: 4 },
      tlc("no-java", "kimtest-no-java"),
      tlc("garbage", standIn("tlc-garbage")),
      tlc("no-configuration", standIn("tlc-good"), "Nowhere.cfg"),
      alloy("simple", standIn("alloy-good"), "good.als"),
      alloy("quorum", standIn("alloy-bad"), "bad.als"),
      ivy("byzantine", [standIn("ivy-good")]),
      { ...ivy("elsewhere", ["ivy_check"]), folder: "no/such" },
    ]),
  );
  const result = await run(bench);

  const verdicts = Object.entries(result.tools).map(([name, { verdict, reason }]) => [name, verdict, reason]);
  expect(verdicts).toEqual([
    ["vsr", "passed", null],
    ["safety", "failed", "tlc: Small: a safety property is violated"],
    ["slow", "inconclusive", "tlc: still running at its deadline of 4.0 s"],
    ["no-java", "inconclusive", "tlc: cannot be started: kimtest-no-java does not exist or may not be executed"],
    ["garbage", "inconclusive", expect.stringMatching(/^tlc: exit code 150: Fatal errors while parsing/)],
    ["no-configuration", "inconclusive", expect.stringMatching(/^tlc: its configuration cannot be read: ENOENT/)],
    ["simple", "passed", null],
    ["quorum", "failed", "alloy: noSelfLoop: a counterexample was found"],
    ["byzantine", "passed", null],
    ["elsewhere", "inconclusive", "ivy: its folder no/such does not exist"],
  ]);
  expect(result).toMatchObject({
    phase: "formal-verification",
    verdict: "failed",
    reason: "safety: tlc: Small: a safety property is violated; quorum: alloy: noSelfLoop: a counterexample was found",
    cycle: 1,
    canary: { canary: "planted", found: true, found_in: 1, runs: 1, reason: null },
  });
  expect(result.tools["vsr"]).toMatchObject({ states: 7, depth: 7, scope: "checked: TypeOK, deadlock" });
  expect(result.tools["safety"]?.counterexample).toHaveLength(4);
  expect(result.runs["byzantine"]).toMatchObject({ tool: "ivy", counted: { passed: 3, failed: 0 }, findings: [] });
  expect(result.runs["elsewhere"]).toMatchObject({ subject: "good.ivy", command: [] });

  // Each log is there; a tool that never started has none.
  const logs = Object.fromEntries(Object.entries(result.tools).map(([name, { log_key: key }]) => [name, key]));
  expect(logs["no-java"]).toBeNull();
  expect(logs["safety"]).toBe("cycles/000001/logs/formal-verification/safety.txt");
  expect(await bench.stored(logs["safety"] ?? "")).toContain("Error: Invariant Small is violated.");
  expect(await bench.stored(logs["slow"] ?? "")).toContain("TLC2");
  expect(await bench.stored("cycles/000001/logs/formal-verification/canary.planted.txt")).toContain("FAIL");

  // What does not hold is noted for registry and digest.
  const { sightings } = bench.context.state.get();
  expect(Object.keys(sightings)).toEqual(["formal-verification:safety:Small", "formal-verification:quorum:noSelfLoop"]);
  expect(sightings["formal-verification:safety:Small"]).toMatchObject({
    workload: "formal-verification",
    count: 1,
    seeds: [],
    message: "safety: a safety property is violated",
    failure_key: noonKey(),
  });
  expect(await stored(bench)).toEqual({ ...result, earlier_failures: [] });
  // The canary, and the five checks that came to a verdict.
  expect(bench.heartbeats()).toBe(6);
  expect(bench.warnings).toEqual([]);
}, 60_000);

test("properties of one name in two specifications are two findings", async () => {
  const broken = (name: string): ProofCheck => tlc(name, standIn("tlc-safety"), "Counter_safety.cfg");
  const bench = await opened(profileOf([broken("vsr"), broken("view-change")]));
  await run(bench);
  expect(Object.keys(bench.context.state.get().sightings)).toEqual([
    "formal-verification:vsr:Small",
    "formal-verification:view-change:Small",
  ]);
});

describe("the planted bug", () => {
  test.each<[string, string, string]>([
    ["a tool that passes everything", "ivy-good", "it came out passed"],
    ["a tool that understands nothing", "ivy-garbage", "ivy: exit code 1: error: Planted.ivy"],
  ])("%s does not find it", async (_, recording, reason) => {
    const check = { ...ivy("planted", [standIn(recording)]), folder: "below" };
    const canary = { files: { "below/Planted.ivy": "#lang ivy1.7\n" }, check };
    const bench = await opened(profileOf([ivy("byzantine", [standIn("ivy-good")])], { canary }));
    const result = await run(bench);
    expect(result.verdict).toBe("passed");
    // Garbage is no run in which it could have been found.
    expect(result.canary).toMatchObject({ found: false, found_in: 0, runs: recording === "ivy-good" ? 1 : 0 });
    if (recording === "ivy-good") expect(result.canary?.reason).toBe(reason);
    else expect(result.canary?.reason).toMatch(/^ivy: exit code 1/);
  });

  test("its files are written anew each time", async () => {
    const first = await opened(profileOf([ivy("one", [standIn("ivy-good")])]));
    const place = join(first.context.stateFolder, "planted", "formal-verification");
    mkdirSync(place, { recursive: true });
    writeFileSync(join(place, "Old.ivy"), "");
    await run(first);
    expect(existsSync(join(place, "Old.ivy"))).toBe(false);
    expect(readFileSync(join(place, "Planted.ivy"), "utf8")).toBe("#lang ivy1.7\n");
  });
});

test("another architecture: inconclusive with the reason, and no time is kept for it", async () => {
  const other = process.arch === "x64" ? "arm64" : "x64";
  const elsewhere: ProofCheck = { ...ivy("elsewhere", ["true"], "image"), architectures: [other] };
  const here: ProofCheck = { ...elsewhere, name: "here", architectures: [process.arch as "x64" | "arm64"] };
  const images: ProofsProfile["images"] = {
    image: { source: { from: "registry", reference: "tool:1" }, deadline_seconds: 40, memory_mebibytes: 512 },
  };
  const bench = await opened(profileOf([elsewhere, ivy("outside", [standIn("ivy-good")])], { images }));
  const { tools } = await run(bench);
  expect(tools["elsewhere"]).toMatchObject({
    verdict: "inconclusive",
    reason: `ivy: not run on ${process.arch}: its profile allows ${other} only`,
  });
  expect(tools["outside"]?.verdict).toBe("passed");

  const supply = await ToolSupply.open(bench.context, bench.context.profile.formal_verification as ProofsProfile);
  // Its own time and that of its image, until that was asked for.
  expect([wantedMs(bench.context, supply, here), wantedMs(bench.context, supply, elsewhere)]).toEqual([60_000, 0]);
  await supply.image("image", 10_000);
  expect(wantedMs(bench.context, supply, here)).toBe(20_000);
});

test("a phase that is too short is shared: no check starves a later one", async () => {
  const hanging = program(join(folder, "hanging"), ["exec sleep 300"]);
  const bench = await opened(
    profileOf([
      { ...ivy("first", [hanging]), deadline_seconds: 100 },
      { ...ivy("second", [hanging]), deadline_seconds: 100 },
      ivy("third", [standIn("ivy-good")]),
    ]),
    { budgetMs: 18_000 },
  );
  const { tools } = await run(bench);
  expect(tools["third"]?.verdict).toBe("passed");
  const REASON =
    /^ivy: still running at its deadline of (\d\.\d) s, 0 checks passed, its share of the phase, of the 100 s that it may take$/;
  for (const name of ["first", "second"]) {
    expect(tools[name]).toMatchObject({ verdict: "inconclusive", reason: expect.stringMatching(REASON) });
    // A third at most; less by what the machine stood still before.
    const shareSeconds = Number(REASON.exec(tools[name]?.reason ?? "")?.[1]);
    expect(shareSeconds).toBeGreaterThan(3);
    expect(shareSeconds).toBeLessThanOrEqual(6);
    expect(tools[name]?.duration_seconds).toBeGreaterThanOrEqual(shareSeconds);
  }
}, 60_000);

test("no time left: said for each check that was not begun", async () => {
  const bench = await opened(profileOf([ivy("one", [standIn("ivy-good")])]), { budgetMs: -1 });
  const result = await run(bench);
  expect(result).toMatchObject({
    verdict: "inconclusive",
    reason: "one: ivy: no time of the phase was left for it",
    canary: { found: false, reason: "ivy: no time of the phase was left for it" },
  });
});

describe("downloads", () => {
  const two = () => [tlc("vsr", standIn("tlc-good")), ivy("byzantine", [standIn("ivy-good")])];

  test("a file that upstream has moved is not used, and only its own checks are inconclusive", async () => {
    served = Buffer.from("the same tag, another jar");
    const { tools } = await run(await opened(profileOf(two())));
    expect(tools["vsr"]).toMatchObject({ verdict: "inconclusive", log_key: null });
    expect(tools["vsr"]?.reason).toBe(
      `tlc: tool.jar cannot be had: ${url()} has the SHA-256 ${sha256(served)}, but ${sha256(JAR)} is pinned; there is no copy in the store`,
    );
    expect(tools["byzantine"]?.verdict).toBe("passed");
  });

  test("the store keeps a copy, which a machine without the file uses", async () => {
    const first = await opened(profileOf(two()));
    expect((await run(first)).tools["vsr"]?.verdict).toBe("passed");
    const key = toolCopyKey(sha256(JAR), "tool.jar");
    expect(await first.stored(key)).toBe(JAR.toString());
    await first.close();

    served = Buffer.from("the same tag, another jar");
    rmSync(join(first.bench.state, "tools"), { recursive: true });
    const second = await opened(profileOf(two()), { bench: first });
    const result = await run(second);
    expect(result.tools["vsr"]?.verdict).toBe("passed");
    expect(result.runs["vsr"]?.command.join(" ")).toContain(join(first.bench.state, "tools", sha256(JAR), "tool.jar"));
    expect(second.warnings).toEqual([expect.stringMatching(/its copy in the store was used$/)]);
  });
});

describe("containers (a stand-in for docker)", () => {
  const images: ProofsProfile["images"] = {
    pulled: { source: { from: "registry", reference: "tool:1@sha256-1" }, deadline_seconds: 20, memory_mebibytes: 512 },
    built: { source: { from: "folder", folder: "ivy" }, deadline_seconds: 20, memory_mebibytes: 256 },
  };

  test("pulled or built once, run by their id with the folder read-only, then removed", async () => {
    const bench = await opened(
      profileOf(
        [
          ivy("one", ["sh", "-c", "cat good.ivy >/dev/null && " + standIn("ivy-good")], "pulled"),
          ivy("two", [standIn("ivy-good")], "pulled"),
          ivy("three", [standIn("ivy-bad")], "built"),
        ],
        { images },
      ),
    );
    const { tools } = await run(bench);
    expect(Object.values(tools).map(({ verdict }) => verdict)).toEqual(["passed", "passed", "failed"]);
    const calls = docker.calls();
    const verbs = calls.map((call) => call.split(" ")[0]);
    expect(verbs.filter((verb) => verb === "pull" || verb === "build")).toEqual(["pull", "build"]);
    const runs = calls.filter((call) => call.startsWith("run "));
    expect(runs).toHaveLength(3);
    expect(runs[1]).toMatch(
      new RegExp(
        "^run --name kimtest-[0-9a-f]{12}-1-two --label kimtest.owner=[0-9a-f]{12} --init --pull never --network none " +
          `--memory 512m --mount type=bind,source=${FIXTURES}/ivy,target=/source,readonly --workdir /source sha256:pulled `,
      ),
    );
    expect(runs[2]).toContain("--memory 256m");
    expect(runs[2]).toContain("sha256:built");
    expect(calls.filter((call) => call.startsWith("rm "))).toHaveLength(3);
    expect(await bench.stored("cycles/000001/logs/formal-verification/image.built.txt")).toBe(
      "Step 1/1 : FROM a stand-in\n",
    );
  }, 60_000);

  test("leftovers of a killed runner are removed before the first check", async () => {
    const bench = await opened(profileOf([ivy("one", [standIn("ivy-good")])], { images }));
    const left = execa("sleep", ["300"], { detached: true, reject: false });
    writeFileSync(docker.state("container-kimtest-old"), String(left.pid));
    await run(bench);
    expect((await left).signal).toBe("SIGTERM");
    expect(existsSync(docker.state("container-kimtest-old"))).toBe(false);
  });

  test.each<[string, (profile: () => string) => void, string]>([
    [
      "no daemon",
      () => {
        writeFileSync(docker.state("no-daemon"), "");
      },
      "ivy: docker does not answer: Cannot connect to the Docker daemon at unix:///var/run/docker.sock. Is the docker daemon running?",
    ],
    [
      "no docker",
      () => {
        // Nor that of the machine.
        process.env["PATH"] = join(folder, "programs");
        mkdirSync(process.env["PATH"]);
        symlinkSync("/bin/cat", join(process.env["PATH"], "cat"));
      },
      "ivy: cannot be started: docker does not exist or may not be executed",
    ],
    [
      "no registry",
      () => {
        writeFileSync(docker.state("unreachable"), "");
      },
      "ivy: image tool:1@sha256-1 could not be pulled: exit code 1: Error response from daemon: no route",
    ],
  ])("%s: inconclusive, and the others run", async (_, spoil, reason) => {
    const bench = await opened(
      profileOf([ivy("inside", [standIn("ivy-good")], "pulled"), ivy("outside", [standIn("ivy-good")])], { images }),
    );
    spoil(() => "");
    const { tools } = await run(bench);
    expect(tools["inside"]).toMatchObject({ verdict: "inconclusive", reason });
    expect(tools["outside"]?.verdict).toBe("passed");
  });

  test("an image is built again when its folder has changed, and the older one removed", async () => {
    const source = join(folder, "source");
    mkdirSync(source);
    writeFileSync(join(source, "Dockerfile"), "FROM a\n");
    mkdirSync(join(folder, "tree", "ivy"), { recursive: true });
    const tree = join(folder, "tree");
    mkdirSync(join(tree, "docker"));
    const withBuilt = (): Profile => ({
      ...profileOf([ivy("one", [standIn("ivy-good")], "built")], {
        images: { built: { ...images["built"]!, source: { from: "folder", folder: "docker" } } },
      }),
      work_tree: tree,
    });
    const builds = (): string[] => docker.calls().filter((call) => call.startsWith("build "));
    let bench = await opened(withBuilt());
    for (const [content, expected] of [
      ["FROM a\n", 1],
      ["FROM a\n", 1],
      ["FROM b\n", 2],
    ] as const) {
      writeFileSync(join(tree, "docker", "Dockerfile"), content);
      expect((await run(bench)).tools["one"]?.verdict).toBe("passed");
      expect(builds()).toHaveLength(expected);
      await bench.close();
      bench = await opened(withBuilt(), { bench });
    }
    expect(new Set(builds()).size).toBe(2);
    const tags = readdirSync(docker.state(".")).filter((one) => one.startsWith("image-"));
    expect(tags).toEqual([`image-${await tagOf("built", join(tree, "docker"))}`]);
  }, 60_000);
});

describe("a stopped runner", () => {
  test("its tool is ended at once, nothing is claimed, and what was found before is kept", async () => {
    const pidFile = join(folder, "pid");
    const slow = program(join(folder, "slow"), [`echo $$ > '${pidFile}'`, "exec sleep 300"]);
    const bench = await opened(
      profileOf([ivy("bad", [standIn("ivy-bad")]), ivy("slow", [slow]), ivy("never", ["true"])]),
    );
    const running = formalVerificationPhase(bench.context);
    await until("the tool runs", () => existsSync(pidFile) && readFileSync(pidFile, "utf8").endsWith("\n"));
    const pid = Number(readFileSync(pidFile, "utf8"));
    const stoppedMs = performance.now();
    bench.stop.abort();
    expect(await running).toBeUndefined();
    expect(performance.now() - stoppedMs).toBeLessThan(10_000);
    expect(isAlive(pid)).toBe(false);
    expect(bench.context.live.activity).toBe("checking slow with ivy"); // and the next was not begun
    expect(Object.keys(bench.context.state.get().sightings)).toEqual(["formal-verification:bad:single"]);
    expect(await stored(bench)).toMatchObject({
      verdict: "failed",
      tools: { bad: { verdict: "failed" } },
    });
  });

  test("its container is ended within ten seconds, although it ignores SIGTERM", async () => {
    writeFileSync(docker.state("deaf"), "");
    const images: ProofsProfile["images"] = {
      tool: { source: { from: "registry", reference: "tool:1" }, deadline_seconds: 20, memory_mebibytes: 512 },
    };
    const bench = await opened(
      profileOf([ivy("slow", ["sh", "-c", "exec sleep 300"], "tool"), ivy("never", [], "tool")], { images }),
    );
    const running = formalVerificationPhase(bench.context);
    await until("the container runs", () => containers().length === 1 && readFileSync(containers()[0]!, "utf8") !== "");
    const pid = Number(readFileSync(containers()[0]!, "utf8"));
    expect(isAlive(pid)).toBe(true);
    const stoppedMs = performance.now();
    bench.stop.abort();
    expect(await running).toBeUndefined();
    expect(performance.now() - stoppedMs).toBeLessThan(10_000);
    await until("the container has ended", () => !isAlive(pid));
    expect(docker.calls().filter((call) => call.startsWith("run "))).toHaveLength(1);
  }, 60_000);
});

test("what failed earlier on the day stays in the day's file, though a later run is green", async () => {
  const first = await opened(profileOf([ivy("one", [standIn("ivy-bad")])]));
  const failed = await run(first);
  await first.close();
  const second = await opened(profileOf([ivy("one", [standIn("ivy-good")])]), { bench: first, cycle: 2 });
  const passed = await run(second);
  expect(await stored(second)).toEqual({ ...passed, earlier_failures: [failed] });
  await second.close();
  // A green result is no finding: it is replaced.
  const third = await opened(profileOf([ivy("one", [standIn("ivy-good")])]), { bench: first, cycle: 3 });
  expect(await stored({ ...third, stored: third.stored })).toMatchObject({ cycle: 2 });
  await run(third);
  expect(await stored(third)).toMatchObject({ cycle: 3, earlier_failures: [{ cycle: 1, verdict: "failed" }] });
});

/** What the stand-in keeps of the containers that run. */
const containers = (): string[] =>
  readdirSync(docker.state("."))
    .filter((name) => name.startsWith("container-"))
    .map((name) => docker.state(name));

/** An orphan that has ended may wait for ever where no init process collects it. */
function isAlive(pid: number): boolean {
  return !["Z", "X", undefined].includes(processStat(pid)?.state);
}

/** Runs a line as a person does who pasted it in the root of a checkout. */
const pasted = (line: string) =>
  execa("sh", ["-c", line], { cwd: FIXTURES, reject: false, all: true, timeout: 20_000 });

describe("the line that shows a finding again works as pasted in the root of a checkout", () => {
  const images: ProofsProfile["images"] = {
    pulled: { source: { from: "registry", reference: "tool:1" }, deadline_seconds: 20, memory_mebibytes: 512 },
    built: { source: { from: "folder", folder: "ivy" }, deadline_seconds: 20, memory_mebibytes: 512 },
  };
  /** What a person has in PATH. */
  const named = (name: string, recording: string): string =>
    program(join(folder, name), [
      `pwd >> '${folder}/places'`,
      `echo "$@" >> '${folder}/arguments'`,
      `exec '${standIn(recording)}' "$@"`,
    ]);

  test.each<[string, () => ProofCheck, RegExp, string, string]>([
    [
      "TLC",
      () => (named("java", "tlc-safety"), tlc("safety", "java", "Counter_safety.cfg")),
      /^jar=\$\(mktemp\) && curl -fsSLo "\$jar" http:\S+ && echo "[0-9a-f]{64} {2}\$jar" \| sha256sum -c && \(cd tlc && java .*-cp "\$jar" tlc2\.TLC .*-metadir "\$\(mktemp -d\)" -config Counter_safety\.cfg Counter\.tla\)$/,
      "Invariant Small is violated",
      "tlc",
    ],
    [
      "Alloy",
      () => (named("java", "alloy-bad"), alloy("quorum", "java", "bad.als")),
      /&& \(cd alloy && java -Xmx256m -Djava\.awt\.headless=true -jar "\$jar" exec -f -c '\*' -o "\$\(mktemp -d\)" bad\.als\)$/,
      "check noSelfLoop",
      "alloy",
    ],
    [
      "Ivy",
      () => (named("ivy_check", "ivy-bad"), ivy("byzantine", ["ivy_check"])),
      /^\(cd ivy && ivy_check good\.ivy\)$/,
      "FAIL",
      "ivy",
    ],
    [
      "Ivy in an image that is pulled",
      () => (named("ivy_check", "ivy-bad"), ivy("byzantine", ["ivy_check"], "pulled")),
      /^docker run --rm -v "\$PWD"\/ivy:\/source:ro -w \/source tool:1 ivy_check good\.ivy$/,
      "FAIL",
      "ivy",
    ],
    [
      "Ivy in an image that is built",
      () => (named("ivy_check", "ivy-bad"), ivy("byzantine", ["ivy_check"], "built")),
      /^docker run --rm -v "\$PWD"\/ivy:\/source:ro -w \/source "\$\(docker build -q ivy\)" ivy_check good\.ivy$/,
      "FAIL",
      "ivy",
    ],
  ])("%s", async (_, check, line, shown, place) => {
    const bench = await opened(profileOf([check()], { images }));
    await run(bench);
    const [sighting] = Object.values(bench.context.state.get().sightings);
    const repro = sighting?.repro ?? "";
    expect(repro).toMatch(line);
    expect(repro).not.toContain(bench.context.stateFolder);
    const { all } = await pasted(repro);
    expect(all).toContain(shown);
    const places = readFileSync(join(folder, "places"), "utf8").trimEnd().split("\n");
    expect(places).toEqual([join(FIXTURES, place), join(FIXTURES, place)]);
    // The same arguments as the runner's own, but for the folders of either.
    const [own, again] = readFileSync(join(folder, "arguments"), "utf8").trimEnd().split("\n");
    const neutral = (text = ""): string[] => text.split(" ").map((word) => (word.startsWith(tmpdir()) ? "PATH" : word));
    expect(neutral(again)).toEqual(neutral(own));
  });

  test("tlapm and Kani, whose output is not recorded", () => {
    const kani: ProofCheck = {
      ...shared("kani", "."),
      tool: "kani",
      cargo: "cargo",
      unwind: 8,
      jobs: 2,
      checks_unwinding: false,
      arguments: [],
    };
    const tlaps: ProofCheck = {
      ...shared("proofs", "tlc"),
      tool: "tlaps",
      image: null,
      program: ["tlapm"],
      module: "Vsr Proofs.tla",
      stretch: 5,
      allowed_omitted: 0,
    };
    const profile = profileOf([kani], { images }).formal_verification as ProofsProfile;
    expect(reproOf(kani, profile)).toBe(
      "cargo kani --workspace --default-unwind 8 --no-unwinding-checks --output-format=terse -j 2",
    );
    expect(reproOf(tlaps, profile)).toBe("(cd tlc && tlapm --stretch 5 --cleanfp './Vsr Proofs.tla')");
    expect(reproOf({ ...tlaps, image: "pulled", program: [] }, profile)).toBe(
      `docker run --rm -v "$PWD"/tlc:/source:ro -w /tmp tool:1 --stretch 5 --cleanfp '/source/Vsr Proofs.tla'`,
    );
  });
});

/** No stand-in here: on a machine without coqc this says so, and shows that the phase says it as well. */
const { exitCode: coqcExit, stdout: version } = await execa("coqc", ["--version"], { reject: false });
const HAS_COQC = coqcExit === 0;

describe(HAS_COQC ? `the real coqc (${version.split("\n")[0]!})` : "coqc IS NOT ON THIS MACHINE", () => {
  const images: ProofsProfile["images"] = {
    coq: { source: { from: "registry", reference: "coq:8" }, deadline_seconds: 20, memory_mebibytes: 512 },
  };
  const canary: ProofsProfile["canary"] = {
    files: { "proofs/Planted.v": "Lemma planted : 1 = 2.\nProof. reflexivity. Qed.\n" },
    check: { ...coq("planted", ["Planted.v"]), folder: "proofs" },
  };
  const checks = (): ProofCheck[] => [
    coq("good", ["Common.v", "Uses.v"]),
    coq("wrong", ["Common.v", "Wrong.v", "Uses.v"]),
    coq("wrong-inside", ["Common.v", "Wrong.v"], "coq"),
    coq("admitted", ["Common.v", "Gap.v"]),
  ];

  test(
    HAS_COQC ? "compiles, refutes, finds the planted bug; both lines show it again" : "each check says so",
    async () => {
      const bench = await opened(profileOf(checks(), { images, canary }));
      const { tools, canary: found } = await run(bench);
      const verdicts = Object.fromEntries(Object.entries(tools).map(([name, { verdict }]) => [name, verdict]));
      if (!HAS_COQC) {
        expect(new Set(Object.values(verdicts))).toEqual(new Set(["inconclusive"]));
        expect(tools["good"]?.reason).toMatch(/^coq: exit code 91, 0 of 2 files compiled: .*coqc/);
        expect(found).toMatchObject({ found: false });
        return;
      }
      expect(verdicts).toEqual({
        good: "passed",
        wrong: "failed",
        "wrong-inside": "failed",
        admitted: "inconclusive",
      });
      expect(found).toMatchObject({ canary: "planted", found: true });
      expect(bench.context.state.get().sightings).toMatchObject({
        "formal-verification:wrong:Wrong.v": {
          count: 1,
          message: 'wrong: line 4: Unable to unify "5" with "double 2".',
        },
        "formal-verification:wrong-inside:Wrong.v": { count: 1 },
      });
      const profile = bench.context.profile.formal_verification as ProofsProfile;
      const [, wrong, wrongInside] = checks();
      const outside = reproOf(wrong!, profile);
      expect(outside).toBe(
        `sh -c 'work=$(mktemp -d) && cp coq/*.v "$work" && cd "$work" && coqc -Q . Kimberlite Common.v && ` +
          `coqc -Q . Kimberlite Wrong.v && coqc -Q . Kimberlite Uses.v'`,
      );
      const inside = reproOf(wrongInside!, profile);
      expect(inside).toMatch(/^docker run --rm -v "\$PWD"\/coq:\/source:ro coq:8 sh -c 'work=/);
      for (const line of [outside, inside]) {
        const { exitCode, all } = await pasted(line);
        expect(all).toContain('Unable to unify "5" with "double 2"');
        expect(exitCode).toBe(1);
      }
    },
    60_000,
  );
});
