import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdtempSync, readFileSync, readdirSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { deflateSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, jest, test } from "@jest/globals";
import { execa } from "execa";
import { stringifyJson } from "../contracts/json.ts";
import { decodeBundle, readBundle } from "./bundle-reader.ts";
import { parseBundleArguments } from "./bundle-arguments.ts";
import { BUNDLE_HELP } from "./bundle-help.ts";
import { BUNDLE_COMMANDS } from "./flags.ts";
import { encodeBundle, type Bundle } from "./bundle.ts";

// Up to ten runs of the program in one test.
jest.setTimeout(180_000);

const PROGRAM = fileURLToPath(new URL("vopr.ts", import.meta.url));
const BUNDLE: Bundle = {
  seed: 18446744073709551615n,
  scenario: "combined",
  commit: "0123abc",
  flags: ["--scenario", "combined"],
  failure: { invariant: "vsr_agreement", message: "two differ" },
  events: 7,
  simulated_time_us: 1234,
  replicas: [{ replica: 0, status: "normal", view: 1, op: 2, commit: 3, checkpoint: 0 }],
  trace: [{ seq: 0, event: 0, time_us: 0, type: "SimulationStart", replicas: 3 }],
  decisions: { positions: { message: { "12": [0, 3] } }, taken: [["drop", 12, 1, 900]], whole: true },
  minimized_from: { events: 90, decisions: 12 },
};

/** That a running process has used, of Linux' 100 ticks a second: proc_pid_stat(5). */
function cpuSeconds(pid: number): number {
  const [, numbers = ""] = readFileSync(`/proc/${String(pid)}/stat`, "utf8").split(") ");
  const [user = NaN, system = NaN] = numbers.split(" ").slice(11, 13).map(Number);
  return (user + system) / 100;
}

/** A file with a header that fits, whatever is in it. */
function packed(content: Buffer, version = 2): Buffer {
  const length = Buffer.alloc(4);
  length.writeUInt32LE(content.length);
  const checksum = createHash("sha256").update(length).update(content).digest();
  return Buffer.concat([Buffer.from("KMB1"), Buffer.from([version]), checksum, length, content]);
}

const packedJson = (value: unknown): Buffer => packed(deflateSync(Buffer.from(stringifyJson(value, 0))));

describe("the format", () => {
  test("what is written is read", () => {
    expect(decodeBundle(encodeBundle(BUNDLE), "x")).toEqual(BUNDLE);
    const bare: Bundle = { ...BUNDLE, seed: 0n, decisions: null, minimized_from: null };
    expect(decodeBundle(encodeBundle(bare), "x")).toEqual(bare);
  });

  test("any changed byte is an error", () => {
    const bytes = encodeBundle(BUNDLE);
    for (let at = 0; at < bytes.length; at++) {
      const changed = Buffer.from(bytes);
      changed[at] = changed[at]! ^ 1;
      expect(() => decodeBundle(changed, "x.kmb")).toThrow(
        /^x\.kmb (is no bundle|is of version|is damaged|is cut short)/,
      );
    }
  });

  test("any byte that is missing from its end is an error that says so", () => {
    const bytes = encodeBundle(BUNDLE);
    for (let length = 4; length < bytes.length; length++) {
      expect(() => decodeBundle(bytes.subarray(0, length), "x.kmb")).toThrow(
        /^x\.kmb is cut short: .*bytes are missing$/,
      );
    }
    expect(() => decodeBundle(bytes.subarray(0, 3), "x.kmb")).toThrow("x.kmb is no bundle of this program");
    expect(() => decodeBundle(Buffer.concat([bytes, Buffer.from([0])]), "x.kmb")).toThrow("x.kmb is damaged");
  });

  test("another version is said, and what to do", () => {
    const problem = (version: number): unknown => {
      try {
        return decodeBundle(packed(Buffer.from("whatever that has"), version), "x.kmb");
      } catch (error) {
        return error;
      }
    };
    expect(problem(3)).toMatchObject({
      code: "USAGE",
      message: "x.kmb is of version 3, this program reads 2",
      hint: "use a newer release",
    });
    expect(problem(1)).toMatchObject({ hint: "use the release that wrote it" });
  });

  test("content that is none is refused: not packed, no JSON, other fields, a bomb", () => {
    expect(() => decodeBundle(packed(Buffer.from("plain")), "x")).toThrow("x cannot be unpacked: ");
    expect(() => decodeBundle(packed(deflateSync(Buffer.from("{"))), "x")).toThrow("x cannot be unpacked: ");
    expect(() => decodeBundle(packedJson({ ...BUNDLE, events: -1 }), "x")).toThrow(/^x has another content.*: events /);
    const far = { ...BUNDLE.decisions, positions: { message: { "0": [2 ** 40] } } };
    expect(() => decodeBundle(packedJson({ ...BUNDLE, decisions: far }), "x")).toThrow(
      /^x has another content.*: decisions\.positions\.message\.0\.0 /,
    );
    const choice = { ...BUNDLE.decisions, taken: [["nothing", 0, 0, 0]] };
    expect(() => decodeBundle(packedJson({ ...BUNDLE, decisions: choice }), "x")).toThrow(/decisions\.taken\.0\.0 /);
    const bomb = packed(deflateSync(Buffer.alloc(256 * 1024 * 1024 + 1)));
    expect(bomb.length).toBeLessThan(1024 * 1024);
    expect(() => decodeBundle(bomb, "x")).toThrow(
      /^x cannot be unpacked: Cannot create a Buffer larger than 268435456/,
    );
  });
});

describe("the program", () => {
  let folder: string;
  let path: string;
  let determinism: string;
  const vopr = (...argv: string[]): { status: number | null; stdout: string; stderr: string } =>
    spawnSync(process.execPath, [PROGRAM, ...argv], {
      encoding: "utf8",
      env: { ...process.env, KIMTEST_COMMIT: "0123abc", COLUMNS: "100" },
    });
  const written = (name: string, bytes: Buffer | string): string => {
    const file = join(folder, name);
    writeFileSync(file, bytes);
    return file;
  };

  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), "kimtest-bundle-"));
    expect(vopr("--scenario", "leader-race", "--seed", "5", "-n", "1", "--bundle-out", folder).status).toBe(1);
    const unseeded = ["--scenario", "combined", "--canary", "rng-unseeded", "--check-determinism"];
    expect(vopr(...unseeded, "--seed", "1", "-n", "1", "--bundle-out", folder).status).toBe(1);
    expect(readdirSync(folder).sort()).toEqual([
      "determinism-combined-1.kmb",
      "vsr_prefix_property-byzantine_leader_race-5.kmb",
    ]);
    [determinism, path] = readdirSync(folder)
      .sort()
      .map((name) => join(folder, name)) as [string, string];
  });
  afterAll(() => {
    rmSync(folder, { recursive: true });
  });

  test("a bundle has all that is needed", () => {
    const bundle = readBundle(path);
    expect(bundle).toMatchObject({
      seed: 5n,
      scenario: "byzantine_leader_race",
      commit: "0123abc",
      flags: ["--scenario", "leader-race"],
      failure: { invariant: "vsr_prefix_property" },
      decisions: { whole: true },
      minimized_from: null,
    });
    expect(bundle.replicas.length).toBe(3);
    expect(bundle.trace.map(({ type }) => type).slice(-2)).toEqual(["InvariantViolation", "SimulationEnd"]);
    expect(bundle.decisions!.taken.map(([choice]) => choice)).toContain("lie");
  });

  test("a batch in which everything fails leaves no more bundles than it may, and says how many", () => {
    const few = join(folder, "not", "there", "yet");
    const argv = ["--scenario", "leader-race", "-n", "4", "--bundle-out", few, "--max-bundles", "2"];
    expect(vopr(...argv).stdout).toContain("bundles: 2 of 4 failures\n");
    expect(readdirSync(few).length).toBe(2);
    expect(vopr(...argv, "--json").stdout).toContain('"bundles_written":2,');
  });

  test("a folder that cannot be written: said, and the failure is told all the same", () => {
    const { status, stdout, stderr } = vopr(
      ...["--scenario", "leader-race", "--seed", "5", "-n", "1", "--json", "--bundle-out", "/dev/null/x"],
    );
    expect(status).toBe(2);
    expect(stdout).toMatch(/"seed":5,.*"status":"failed"/);
    expect(stderr).toMatch(/^vopr: no bundle can be written into \/dev\/null\/x: ENOTDIR/);
  });

  test("repro: 1 when it fails the same way again", () => {
    const { status, stdout } = vopr("repro", path);
    expect(status).toBe(1);
    expect(stdout).toMatch(/^reproduced: vsr_prefix_property\n.+\n$/);
    expect(JSON.parse(vopr("repro", path, "--json").stdout)).toMatchObject({
      reproduced: true,
      seed: 5,
      found: { invariant: "vsr_prefix_property" },
    });
  });

  test("repro: 0 when it does not", () => {
    const bundle = readBundle(path);
    const other = written("other.kmb", encodeBundle({ ...bundle, flags: ["--scenario", "baseline"] }));
    const { status, stdout } = vopr("repro", other);
    expect([status, stdout]).toEqual([0, "not reproduced: seed 5 passed, the bundle has vsr_prefix_property\n"]);
  });

  test("repro of a determinism failure runs the check again, and names the first event that differs", () => {
    expect(readBundle(determinism).decisions).toBe(null);
    const again = vopr("repro", determinism);
    expect(again.status).toBe(1);
    expect(again.stdout).toMatch(
      /^reproduced: determinism\ntwo runs of this seed differ: .*first diverging event: \{"seq":\d+/,
    );
    const bundle = readBundle(determinism);
    const mended = written(
      "mended.kmb",
      encodeBundle({ ...bundle, flags: ["--scenario", "combined", "--check-determinism"] }),
    );
    expect(vopr("repro", mended)).toMatchObject({
      status: 0,
      stdout: "not reproduced: seed 1 passed, the bundle has determinism\n",
    });
    for (const command of ["bisect", "minimize"]) {
      const refused = vopr(command, determinism);
      expect([refused.status, refused.stdout]).toEqual([2, ""]);
      expect(refused.stderr).toContain("its run is not the same twice\nhint: vopr repro shows");
    }
    expect(vopr("show", determinism).stdout).toContain("no decisions to follow: two runs of this seed differ\n");
  });

  test("every command ends with 2 and says why when the bundle cannot be used", () => {
    const short = written("short.kmb", readFileSync(path));
    truncateSync(short, 100);
    const huge = written("huge.kmb", "KMB1");
    truncateSync(huge, 64 * 1024 * 1024 + 1);
    const unusable = [
      [written("foreign.kmb", "something else"), "is no bundle of this program"],
      [short, "is cut short"],
      [huge, "is larger than any bundle"],
      [join(folder, "none.kmb"), "cannot be read: ENOENT"],
      [folder, "cannot be read: EISDIR"],
    ] as const;
    for (const [file, why] of unusable) expect(() => readBundle(file)).toThrow(`${file} ${why}`);
    for (const command of BUNDLE_COMMANDS) {
      const { status, stdout, stderr } = vopr(command, short);
      expect([command, status, stdout]).toEqual([command, 2, ""]);
      expect(stderr).toMatch(/^vopr: .*short\.kmb is cut short: \d+ bytes are missing\nhint: fetch it again\n$/);
    }
    expect(vopr("repro")).toMatchObject({
      status: 2,
      stderr: "vopr: repro takes one bundle\nhint: for example: repro failure.kmb\n",
    });
    const later = written("later.kmb", encodeBundle({ ...readBundle(path), flags: ["--scenario", "of-tomorrow"] }));
    expect(vopr("repro", later).stderr).toContain(
      'has flags that this program does not know: there is no scenario "of-tomorrow"\nhint: use the release that wrote it\n',
    );
  });

  test("show says what is in it", () => {
    const { status, stdout } = vopr("show", path);
    expect(status).toBe(0);
    expect(stdout).toContain("seed 5, scenario byzantine_leader_race, flags --scenario leader-race\ncommit 0123abc\n");
    expect(stdout).toContain("again: npx kimtest vopr --seed 5 -n 1 --scenario leader-race -v\n");
    expect(JSON.parse(vopr("show", path, "--json").stdout)).toMatchObject({ commit: "0123abc", seed: 5 });
  });

  test("text of a bundle cannot command a terminal", () => {
    const bundle = readBundle(path);
    const evil = "\u001b[2J\u0007";
    const trace = [
      ...bundle.trace,
      { seq: 9, event: 9, time_us: 9, type: "InvariantViolation" as const, message: evil },
    ];
    const file = written("evil.kmb", encodeBundle({ ...bundle, commit: evil, trace }));

    expect(vopr("show", file).stdout + vopr("timeline", file).stdout).not.toMatch(/[\u001b\u0007]/);
  });

  test("minimize writes a bundle that is reproduced, and leaves the first alone", () => {
    const before = readFileSync(path);
    const out = join(folder, "small.kmb");
    const { status, stdout } = vopr("minimize", path, "--out", out);
    expect(status).toBe(0);
    expect(stdout).toMatch(/small\.kmb: \d+ of \d+ events, \d+ of \d+ decisions, \d+ runs\n$/);
    const [large, small] = [readBundle(path), readBundle(out)];
    expect(small.decisions!.taken.length).toBeLessThan(large.decisions!.taken.length);
    expect(small.minimized_from).toEqual({ events: large.events, decisions: large.decisions!.taken.length });
    expect(vopr("repro", out).status).toBe(1);
    expect(vopr("show", out).stdout).toContain(`again: npx kimtest vopr repro ${out}\n`);
    // Minimised again it still says where it came from.
    expect(vopr("minimize", out, "--json").status).toBe(0);
    expect(readBundle(join(folder, "small.min.kmb")).minimized_from).toEqual(small.minimized_from);
    expect(vopr("minimize", path, "--out", path)).toMatchObject({ status: 2, stdout: "" });
    expect(vopr("minimize", path, "--out", join(folder, "none", "x.kmb")).stderr).toContain(
      "cannot be written: ENOENT",
    );
    expect(readFileSync(path)).toEqual(before);
  });

  describe("interrupted", () => {
    /** Of a failure that is known at the end of a long run: to look closer takes minutes. */
    let long: string;
    beforeAll(() => {
      const into = join(folder, "long");
      const argv = ["--scenario", "swizzle", "--canary", "no-resend", "-n", "1", "--max-events", "1000000"];
      vopr(...argv, "--max-time", "300", "--bundle-out", into);
      const [name = ""] = readdirSync(into);
      long = join(into, name);
    });
    /** Once it has worked for a while. */
    async function interrupted(signal: NodeJS.Signals, ...argv: string[]): Promise<{ status: number; stdout: string }> {
      const running = execa(process.execPath, [PROGRAM, ...argv], { reject: false, timeout: 120_000 });
      while (cpuSeconds(running.pid!) < 3) await delay(50);
      running.kill(signal);
      const { exitCode: status = -1, stdout } = await running;
      return { status, stdout };
    }

    test.each([
      ["SIGINT", 130],
      ["SIGTERM", 143],
    ] as const)("minimize that gets %s writes the smallest so far and says so: %i", async (signal, status) => {
      const out = join(folder, `${signal}.kmb`);
      const ran = await interrupted(signal, "minimize", long, "--out", out);
      expect(ran.status).toBe(status);
      expect(ran.stdout).toMatch(/\d+ of \d+ decisions, \d+ runs; it was interrupted, more may be possible$/);
      const [before, after] = [readBundle(long), readBundle(out)];
      expect(after.decisions!.taken.length).toBeLessThan(before.decisions!.taken.length);
      expect(vopr("repro", out).status).toBe(1);
    });

    test("bisect that gets SIGINT says how far it got: 130", async () => {
      const ran = await interrupted("SIGINT", "bisect", long, "--continuations", "1000");
      expect(ran.status).toBe(130);
      expect(ran.stdout).toMatch(
        /^it was interrupted: certain after event \d+ of \d+, (?:not yet after event \d+|nothing is known of those before)\n/,
      );
    });
  });

  test("bisect: as text, as JSON, and what a limit does", () => {
    const { status, stdout } = vopr("bisect", path);
    expect(status).toBe(0);
    expect(stdout).toMatch(/^certain after event \d+ of \d+, at [\d.]+ ms: .+\n/);
    expect(stdout).toContain("after it 16 of 16 continuations fail by vsr_prefix_property\n");
    const found = JSON.parse(vopr("bisect", path, "--json", "--continuations", "3").stdout) as Record<string, unknown>;
    expect(found).toMatchObject({ continuations: 3, complete: true });
    const limited = vopr("bisect", path, "--max-runs", "1");
    expect(limited.status).toBe(6);
    expect(limited.stdout).toMatch(/^a limit came first: certain after event \d+ of \d+, not yet after event 0\n/);
  });

  test("timeline fits, and is of what was asked for", () => {
    const { status, stdout } = vopr("timeline", path);
    expect(status).toBe(0);
    const widths = stdout.split("\n").map((line) => line.length);
    expect(Math.max(...widths)).toBeLessThanOrEqual(100);
    expect(stdout).toContain("!! vsr_prefix_property is violated");
    expect(vopr("timeline", path, "--rerun").stdout).toBe(stdout);
    expect(vopr("timeline", path, "--kinds", "nodes").stdout).not.toContain("prepare");
    expect(vopr("timeline", path, "--columns", "20")).toMatchObject({ status: 2, stdout: "" });
    expect(vopr("timeline", path, "--kinds", "sounds").stderr).toContain("hint: kinds: messages, ");
    const { events } = JSON.parse(vopr("timeline", path, "--json", "--last", "2").stdout) as { events: object[] };
    expect(events.length).toBe(2);
  });

  test.each(BUNDLE_COMMANDS)("%s --help has examples and exit codes, an unknown flag is an error", (command) => {
    expect(parseBundleArguments(command, ["--help"])).toEqual({ name: "help", of: command });
    expect(BUNDLE_HELP[command]).toMatch(
      new RegExp(`^vopr ${command} BUNDLE: .*Exit codes: .*Examples\n  vopr ${command} `, "s"),
    );
    expect(() => parseBundleArguments(command, ["x.kmb", "--frobnicate"])).toThrow(
      expect.objectContaining({ code: "USAGE", hint: `vopr ${command} --help lists its flags` }),
    );
    expect(() => parseBundleArguments(command, ["x.kmb", "y.kmb"])).toThrow(`${command} takes one bundle`);
  });

  test("--help is printed", () => {
    expect(vopr("bisect", "--help")).toMatchObject({ status: 0, stdout: BUNDLE_HELP.bisect });
  });
});
