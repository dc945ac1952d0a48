/** vopr-repro: with the real simulator where a seed is run, by hand-made records where one must not be. */
import { mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, test } from "@jest/globals";
import { execa } from "execa";
import { voprBundleKey } from "../../contracts/bucket.ts";
import { packBundle, unpackBundle } from "../../contracts/bundle-file.ts";
import type { VoprFailure } from "../../contracts/failure.ts";
import { embeddedProfile } from "../../runner/profiles/embedded.ts";
import { kimtest, type Ran } from "../fake-deps.fixture.ts";
import { Folder } from "../folder.fixture.ts";
import { RECORDED_COMMIT as COMMIT, voprFailureRecord } from "../vopr-failure.fixture.ts";
import { outcomeOf } from "../failures/reproduce.ts";

const FLAGS = ["--scenario", "baseline", "--seed", "5", "-n", "1"];

const record = (change: Partial<VoprFailure> = {}, flags: string[] = FLAGS): object =>
  voprFailureRecord({ command: ["/elsewhere/node", "/elsewhere/vopr.js", "--json", ...flags], ...change });
const repro = (folder: Folder, file: string, ...more: string[]): Promise<Ran> =>
  kimtest(["vopr-repro", file, "--store", folder.store, ...more]);
const NAME = "seed-5-1700000000000.json";

describe("with the simulator of this checkout", () => {
  test("a seed that passes now: exit code 0", async () => {
    const folder = new Folder();
    expect(await repro(folder, folder.write(NAME, record()))).toEqual({
      exitCode: 0,
      stderr: "",
      stdout:
        "passes: seed 5 of baseline does not show it in this checkout\n" +
        "archived: linearizability:baseline at commit 0123456789ab: stale read of key 3\n" +
        `to see it at its commit: git checkout ${COMMIT}\n`,
    });
  });

  test("a key is read from the store, and --json says it all", async () => {
    const folder = new Folder();
    folder.put(`failures/vopr/${NAME}`, record());
    const ran = await repro(folder, `vopr/${NAME}`, "--json");
    expect(ran).toMatchObject({ exitCode: 0, stderr: "" });
    expect(JSON.parse(ran.stdout)).toMatchObject({
      outcome: "passes",
      reason: null,
      expected: "linearizability:baseline",
      seen: null,
      repro: "npx kimtest vopr --scenario baseline --seed 5 -n 1 -v",
    });
  });

  test("a seed that fails: exit code 1, and the line to paste is made of the checked flags", async () => {
    const folder = new Folder();
    const ran = await failing(folder);
    expect(ran.exitCode).toBe(1);
    expect(ran.stdout).toMatch(/^fails differently: seed \d+ of combined violates another invariant/);
    expect(ran.stdout).toMatch(
      /\nlook closer: npx kimtest vopr --scenario combined --seed \d+ -n 1 --canary skip-fsync -v\n$/,
    );
    expect(ran.stdout).not.toContain("evil");
  });

  /** The first seed in which the simulator's own canary is found. */
  async function failing(folder: Folder): Promise<Ran> {
    for (let seed = 0n; seed < 30n; seed += 1n) {
      const flags = ["--scenario", "combined", "--seed", seed.toString(), "-n", "1", "--canary", "skip-fsync"];
      const file = folder.write(NAME, record({ seed, scenario: "combined", invariant: "no_such" }, flags));
      const ran = await repro(folder, file);
      if (ran.exitCode === 1) return ran;
    }
    throw new Error("the canary was found in none of 30 seeds");
  }

  test("a command that runs another seed than the record's is inconclusive: exit code 6", async () => {
    const folder = new Folder();
    const ran = await repro(folder, folder.write(NAME, record({ seed: 6n })));
    expect(ran.exitCode).toBe(6);
    expect(ran.stdout).toMatch(/^inconclusive: was asked for 1 seeds from 6, but started 1 from 5\n/);
  });

  test("a scenario that it does not know is inconclusive, not green", async () => {
    const folder = new Folder();
    const flags = ["--scenario", "no-such", "--seed", "5", "-n", "1"];
    const ran = await repro(folder, folder.write(NAME, record({}, flags)));
    expect(ran.exitCode).toBe(6);
    expect(ran.stdout).toMatch(/^inconclusive: exit code 2: /);
  });

  test("stopped: exit code 130, no outcome", async () => {
    const folder = new Folder();
    const argv = ["vopr-repro", folder.write(NAME, record())];
    const ran = await kimtest(argv, { stop: AbortSignal.abort() });
    expect(ran).toEqual({ exitCode: 130, stdout: "", stderr: "interrupted; nothing is known about this seed\n" });
  });

  test("hostile text in a record is shown, not obeyed", async () => {
    const folder = new Folder();
    const hostile = "x\u001b[2J\nreproduced: all is well";
    const change = { message: hostile, signature: hostile, git_commit: "master; rm -rf ~", scenario: hostile };
    const ran = await repro(folder, folder.write(NAME, record(change)));
    expect(ran.stdout).not.toMatch(/[^\P{C}\n]/u);
    expect(ran.stdout.split("\n").map((line) => line.split(" ")[0])).toEqual(["passes:", "archived:", ""]);
  });
});

describe("by a bundle, which the simulator really wrote", () => {
  let bytes: Buffer;
  beforeAll(async () => {
    const { path } = new Folder();
    const [program = "", ...args] = embeddedProfile().vopr.command;
    await execa(program, [...args, "--scenario", "leader-race", "--seed", "5", "-n", "1", "--bundle-out", path], {
      reject: false,
    });
    bytes = readFileSync(join(path, "vsr_prefix_property-byzantine_leader_race-5.kmb"));
  });
  const FAILURE = { scenario: "leader-race", invariant: "vsr_prefix_property", signature: "vsr_prefix_property:x" };
  const BUNDLE = "seed-5-1700000000000.kmb";
  /** Its flags pass by their seed: whoever runs the record's own command sees nothing. */
  const beside = (folder: Folder, content: Buffer): { record: string; bundle: string } => ({
    record: folder.write(NAME, record(FAILURE)),
    bundle: folder.write(BUNDLE, content),
  });
  const changed = (change: object): Buffer =>
    packBundle({ ...(unpackBundle(bytes, "x", 1_000_000) as object), ...change });

  test("alone: exit code 1, and what to look at", async () => {
    const folder = new Folder();
    const bundle = folder.write(BUNDLE, bytes);
    const ran = await repro(folder, bundle);
    expect(ran).toMatchObject({ exitCode: 1, stderr: "" });
    expect(ran.stdout).toMatch(
      /^reproduced: seed 5 of byzantine_leader_race shows it again, by the decisions in its bundle\narchived: /,
    );
    expect(ran.stdout).toContain(`look closer: npx kimtest vopr timeline ${bundle} (or show, bisect, minimize)\n`);
  });

  test("beside its record it is preferred to the seed, whoever's profile it is", async () => {
    const folder = new Folder();
    const { record: file, bundle } = beside(folder, bytes);
    folder.write(NAME, record({ ...FAILURE, profile: "planted" }));
    const ran = await repro(folder, file, "--json");
    expect(ran).toMatchObject({ exitCode: 1, stderr: "" });
    expect(JSON.parse(ran.stdout)).toMatchObject({
      outcome: "reproduced",
      expected: "vsr_prefix_property:x",
      bundle,
      repro: `npx kimtest vopr repro ${bundle}`,
    });
  });

  test.each<[string, object, number, RegExp]>([
    ["passes", { flags: ["--scenario", "baseline"] }, 0, /^passes: seed 5 of .*, by the decisions in its bundle\n/],
    [
      "fails differently",
      { failure: { invariant: "hash_chain", message: "m" } },
      1,
      /^fails differently: .*, by the decisions in its bundle\narchived: hash_chain:.*\nnow: {6}vsr_prefix_property: /,
    ],
    [
      "of a release with other flags",
      { flags: ["--scenario", "of-tomorrow"] },
      6,
      /^inconclusive: exit code 2: vopr: .* has flags that this program does not know/,
    ],
  ])("%s", async (_, change, exitCode, said) => {
    const folder = new Folder();
    const ran = await repro(folder, folder.write(BUNDLE, changed(change)));
    expect(ran).toMatchObject({ exitCode, stderr: "" });
    expect(ran.stdout).toMatch(said);
  });

  test.each<[string, (good: Buffer) => Buffer, RegExp]>([
    ["damaged", (good) => Buffer.concat([good, Buffer.from("x")]), /\.kmb is damaged: its checksum does not fit; /],
    ["of another seed", () => changed({ seed: 6n }), /\.kmb is of seed 6 and vsr_prefix_property; /],
    [
      "of another invariant",
      () => changed({ failure: { invariant: "hash_chain", message: "m" } }),
      /\.kmb is of seed 5 and hash_chain; /,
    ],
    ["of tomorrow", () => changed({ flags: ["--tomorrow"] }), /: exit code 2: vopr: .*unknown argument "--tomorrow"; /],
  ])("one beside the record that is %s: said, and the seed is run", async (_, make, why) => {
    const folder = new Folder();
    const ran = await repro(folder, beside(folder, make(bytes)).record);
    expect(ran.stderr).toMatch(/^the bundle beside it is of no use: .*; the seed is run instead\n$/);
    expect(ran.stderr).toMatch(why);
    expect(ran.stdout).toMatch(/^passes: seed 5 of leader-race does not show it in this checkout\n/);
    expect(ran.exitCode).toBe(0);
  });

  describe("in the store, beside the record whose key is given", () => {
    const RECORD_KEY = `failures/vopr/${NAME}`;
    const BUNDLE_KEY = voprBundleKey(RECORD_KEY);
    const stored = (content: Buffer | undefined): Folder => {
      const folder = new Folder();
      folder.put(RECORD_KEY, record({ ...FAILURE, bundle_key: BUNDLE_KEY }));
      if (content !== undefined) folder.put(BUNDLE_KEY, content);
      return folder;
    };

    test("it is followed, and the lines to paste name what stays", async () => {
      const ran = await repro(stored(bytes), `vopr/${NAME}`, "--json");
      expect(ran).toMatchObject({ exitCode: 1, stderr: "" });
      expect(JSON.parse(ran.stdout)).toMatchObject({
        outcome: "reproduced",
        bundle: BUNDLE_KEY,
        repro: `npx kimtest vopr-repro ${RECORD_KEY}`,
        closer: `npx kimtest fetch-failure ${RECORD_KEY}`,
      });
    });

    test.each<[string, () => Buffer | undefined, string]>([
      ["missing", () => undefined, `its bundle ${BUNDLE_KEY} is not in the store; the seed is run instead\n`],
      [
        "of another seed",
        () => changed({ seed: 6n }),
        `the bundle beside it is of no use: ${BUNDLE_KEY} is of seed 6 and vsr_prefix_property; the seed is run instead\n`,
      ],
    ])("%s: said, and the seed is run", async (_, make, why) => {
      const ran = await repro(stored(make()), `vopr/${NAME}`);
      expect(ran).toMatchObject({ exitCode: 0, stderr: why });
      expect(ran.stdout).toMatch(/^passes: seed 5 of leader-race does not show it in this checkout\n/);
    });
  });

  test("stopped: exit code 130, no outcome", async () => {
    const folder = new Folder();
    const ran = await kimtest(["vopr-repro", beside(folder, bytes).record], { stop: AbortSignal.abort() });
    expect(ran).toEqual({ exitCode: 130, stdout: "", stderr: "interrupted; nothing is known about this seed\n" });
  });
});

describe("records that are not run: exit code 2", () => {
  const table: [string, string[], string][] = [
    ["writes a checkpoint", [...FLAGS, "--checkpoint-file", "/tmp/x"], "--checkpoint-file"],
    ["writes a checkpoint, with =", [...FLAGS, "--checkpoint-file=/tmp/x"], "--checkpoint-file=/tmp/x"],
    ["writes a trace", [...FLAGS, "--trace-out", "x"], "--trace-out"],
    ["a short flag", [...FLAGS, "-ox"], "-ox"],
    ["only help", ["--help"], "--help"],
    ["a flag in the place of a value", ["--scenario", "--checkpoint-file", "x"], "--scenario has no value"],
    ["a value is missing", ["--seed"], "--seed has no value"],
    ["a stray word", [...FLAGS, "bisect"], "bisect"],
  ];
  test.each(table)("%s", async (_, flags, what) => {
    const folder = new Folder();
    const ran = await repro(folder, folder.write(NAME, record({}, flags)));
    expect(ran).toEqual({
      exitCode: 2,
      stdout: "",
      stderr:
        `kimtest: the record's command cannot be run safely: ${what}\n` +
        "  look at the file, then run its repro line by hand\n",
    });
  });

  test("no --json", async () => {
    const folder = new Folder();
    const ran = await repro(folder, folder.write(NAME, record({ command: ["vopr", "--seed", "5"] })));
    expect(ran.stderr).toMatch(/cannot be run safely: it has no --json\n/);
  });

  test("of another profile: our simulator says nothing about its seeds", async () => {
    const folder = new Folder();
    const ran = await repro(folder, folder.write(NAME, record({ profile: "kimberlite" })));
    expect(ran).toMatchObject({ exitCode: 2, stdout: "" });
    expect(ran.stderr).toMatch(/^kimtest: the record is of profile kimberlite, not of the embedded simulator\n/);
  });
});

describe("what is no record", () => {
  const table: [string, (folder: Folder) => string, number, RegExp][] = [
    [
      "a fuzz archive",
      (folder) => folder.write("json-1700000001000.tar.gz", "x"),
      2,
      /is not an archived seed\n {2}vopr-repro takes/,
    ],
    ["no bundle", (folder) => folder.write("failure.kmb", "x"), 2, /failure\.kmb is no bundle of this program\n/],
    [
      "no such bundle",
      (folder) => join(folder.path, "seed-5-1700000000000.kmb"),
      4,
      /there is no file .*\.kmb\n {2}.*: kimtest fetch-failure seed-5-1700000000000\n/,
    ],
    [
      "a folder called a bundle",
      (folder) => {
        mkdirSync(join(folder.path, "x.kmb"));
        return join(folder.path, "x.kmb");
      },
      2,
      /x\.kmb cannot be read: EISDIR/,
    ],
    ["a folder", (folder) => folder.store, 2, /is not a file\n/],
    ["a device", () => "/dev/null", 2, /is not a file\n/],
    ["no file", (folder) => join(folder.path, "none.json"), 4, /there is no file .*\n {2}fetch one first/],
    ["neither a file nor in the store", () => `vopr/${NAME}`, 4, /is neither a file here nor in .*\n/],
    ["no JSON", (folder) => folder.write(NAME, "{ nope"), 6, /is not valid JSON/],
    ["empty", (folder) => folder.write(NAME, ""), 6, /is not valid JSON/],
    ["another shape", (folder) => folder.write(NAME, { version: 1, kind: "vopr" }), 6, /expected shape: seed: /],
    ["a fuzz record", (folder) => folder.write(NAME, { ...record(), kind: "fuzz" }), 6, /expected shape: kind: /],
    ["half a record", (folder) => folder.write(NAME, JSON.stringify({ version: 1 }).slice(0, 9)), 6, /not valid JSON/],
  ];
  test.each(table)("%s", async (_, make, exitCode, message) => {
    const folder = new Folder();
    const ran = await repro(folder, make(folder));
    expect(ran).toMatchObject({ exitCode, stdout: "" });
    expect(ran.stderr).toMatch(message);
    expect(ran.stderr).toMatch(/^kimtest: /);
  });
});

describe("outcome", () => {
  const seen = { invariant: "linearizability", message: "m" };
  const other = { invariant: "hash_chain", message: "m" };
  const mustPass = { expectation: "must-pass" as const, invariant: "linearizability", record: {} };
  const mustDetect = { expectation: "must-detect" as const, invariant: "undetected", record: {} };
  const silent = { ...mustPass, invariant: "determinism", record: null };
  test.each([
    [mustPass, "failed", seen, "reproduced"],
    [mustPass, "failed", other, "fails-differently"],
    [mustPass, "passed", undefined, "passes"],
    [mustPass, "inconclusive", undefined, "inconclusive"],
    [mustPass, "inconclusive", seen, "inconclusive"],
    [mustDetect, "passed", undefined, "reproduced"],
    [mustDetect, "failed", seen, "passes"],
    [mustDetect, "inconclusive", undefined, "inconclusive"],
    [{ ...mustDetect, invariant: "determinism" }, "failed", { invariant: "determinism", message: "m" }, "reproduced"],
    [{ ...mustDetect, invariant: "determinism" }, "failed", seen, "passes"],
    [silent, "failed", undefined, "reproduced"],
    [silent, "passed", undefined, "passes"],
  ] as const)("%j %s %j: %s", (failure, verdict, what, outcome) => {
    expect(outcomeOf(failure, { verdict }, what)).toBe(outcome);
  });
});
