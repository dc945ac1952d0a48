/** What only a real process shows: pipes that close, colours, exit codes, a store that a real cycle filled. */
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "@jest/globals";
import { execa } from "execa";
import { cycleState, richDigest } from "../runner/phases/digest/samples.fixture.ts";
import { shellQuoted } from "../runner/tools/shell.ts";
import { fakeProfile } from "../test/fake-profile.ts";
import { Workbench } from "../test/workbench.ts";
import { Folder } from "./folder.fixture.ts";

const MAIN = fileURLToPath(new URL("main.ts", import.meta.url));

/** `kimtest ARGS` in a shell pipeline; its own exit code goes to a file, for a pipeline ends with its last one's. */
async function inShell(folder: string, argv: readonly string[], pipeline: string, env: Record<string, string> = {}) {
  const kimtest = [process.execPath, MAIN, ...argv].map(shellQuoted).join(" ");
  const code = join(folder, "code");
  const line = pipeline.replace("KIMTEST", `{ ${kimtest}; echo $? > ${shellQuoted(code)}; }`);
  const { stdout, stderr } = await execa("sh", ["-c", line], { cwd: folder, env, reject: false });
  return { stdout, stderr, exitCode: Number(readFileSync(code, "utf8")) };
}

describe("a reader that goes away", () => {
  test("list-failures | head: no noise, exit code 0", async () => {
    const folder = new Folder();
    for (let seed = 0; seed < 1_500; seed += 1) {
      folder.put(`failures/vopr/seed-${String(seed)}-${String(1_700_000_000_000 + seed)}.json`, "x");
    }
    const argv = ["list-failures", "--store", folder.store, "--limit", "1500"];
    const ran = await inShell(folder.path, argv, "KIMTEST | head -1");
    expect(ran).toEqual({
      exitCode: 0,
      stdout: "2023-11-14 22:13:21  vopr/seed-1499-1700000001499.json     -",
      stderr: "",
    });
  });

  test("a bad exit code stays bad", async () => {
    const folder = new Folder();
    folder.put("cycles/current.json", cycleState());
    folder.put("digests/latest.json", "{ damaged");
    const ran = await inShell(folder.path, ["infra-status", "--store", folder.store], "KIMTEST | true");
    expect(ran).toEqual({ exitCode: 6, stdout: "", stderr: "" });
  });

  test("a cycle whose messages nobody reads any more is finished", async () => {
    const bench = new Workbench(fakeProfile({ seed_ms: 2 }));
    try {
      const ran = await inShell(bench.folder, bench.cycleArguments("10s"), "KIMTEST 2>&1 >digest.txt | head -1");
      expect(ran).toMatchObject({ stdout: "cycle 1 started", exitCode: 0 });
      expect(readFileSync(join(bench.folder, "digest.txt"), "utf8")).toMatch(/^kimtest cycle 1: PASSED\n/);
    } finally {
      bench.remove();
    }
  });
});

describe("colours", () => {
  const table: [string, Record<string, string>, boolean][] = [
    ["none on a pipe", {}, false],
    ["forced", { FORCE_COLOR: "1" }, true],
    ["NO_COLOR wins", { FORCE_COLOR: "1", NO_COLOR: "1" }, false],
    ["an empty NO_COLOR is none", { FORCE_COLOR: "1", NO_COLOR: "" }, true],
  ];
  test.each(table)("%s", async (_, env, coloured) => {
    const folder = new Folder();
    folder.put("digests/latest.json", richDigest());
    const ran = await inShell(folder.path, ["infra-status", "--store", folder.store], "KIMTEST", env);
    expect(ran.stdout.includes("\u001b[")).toBe(coloured);
    expect(ran.exitCode).toBe(0);
  });
});

describe("infra-status --watch on a terminal", () => {
  /** util-linux `script` lends one, whose keyboard is our pipe. */
  async function watched(size: string) {
    const folder = new Folder();
    folder.put("cycles/current.json", cycleState());
    const argv = [
      "--disable-warning=ExperimentalWarning",
      MAIN,
      "infra-status",
      "--store",
      folder.store,
      "--watch",
      "2",
    ];
    const line = `stty ${size}; exec ${[process.execPath, ...argv].map(shellQuoted).join(" ")}`;
    const child = execa("script", ["--quiet", "--return", "--command", line, "/dev/null"], {
      reject: false,
      timeout: 90_000, // only what hangs reaches it
      all: true,
    });
    let shown = "";
    child.all.on("data", (chunk: Buffer) => {
      const before = shown.includes("newest work");
      shown += chunk.toString();
      if (!before && shown.includes("newest work")) setTimeout(() => child.stdin.write("\u0003"), 500);
    });
    const { exitCode, all } = await child;
    return { exitCode, all };
  }

  test("is drawn in its place; Ctrl-C ends it well, and the cursor is there again", async () => {
    const { exitCode, all } = await watched("rows 30 cols 80");
    expect(exitCode).toBe(0);
    expect(all).toContain("every 2 s; Ctrl-C ends it");
    expect(all.lastIndexOf("\u001b[?25h")).toBeGreaterThan(all.lastIndexOf("\u001b[?25l"));
  });

  test("of no size: blocks of text", async () => {
    const { exitCode, all } = await watched("rows 0 cols 0");
    expect(exitCode).toBe(0);
    expect(all).toMatch(/^(?:\u001b\[\d+m)*store /);
    expect(all).not.toContain("Ctrl-C ends it");
  });
});

test("vopr has its own flags and exit codes", async () => {
  const { path } = new Folder();
  const help = await inShell(path, ["vopr", "--help"], "KIMTEST");
  expect(help.stdout).toMatch(/^vopr: deterministic simulation /);
  const good = await inShell(path, ["vopr", "--scenario", "baseline", "-n", "2", "--json"], "KIMTEST");
  expect(good.exitCode).toBe(0);
  expect(good.stdout.split("\n").map((line) => (JSON.parse(line) as { type: string }).type)).toEqual([
    "start",
    "iteration",
    "iteration",
    "batch_complete",
  ]);
  const bad = await inShell(path, ["vopr", "-n", "many"], "KIMTEST");
  expect(bad).toMatchObject({ exitCode: 2, stdout: "" });
});

test("on the store of a real cycle: listed, fetched, and its own program named", async () => {
  const bench = new Workbench(fakeProfile({ seed_ms: 10, fail_every: 5 }));
  try {
    const cycle = await bench.cycle("8s", "--json");
    expect(cycle.exitCode).toBe(1);
    expect(JSON.parse(cycle.stdout)).toMatchObject({ cycle: 1, verdict: "failed" });
    expect(cycle.stderr).toMatch(/^cycle 1 started\nprepare {13}started, /);
    const listed = await bench.kimtest("list-failures", "--store", bench.store, "--json", "--limit", "1");
    const { key } = (JSON.parse(listed.stdout) as { failures: { key: string }[] }).failures[0]!;
    const fetched = await bench.kimtest("fetch-failure", key, "--store", bench.store);
    const path = fetched.stdout.trimEnd();
    expect(readFileSync(path, "utf8")).toBe(bench.text(key));
    const repro = await bench.kimtest("vopr-repro", path, "--store", bench.store);
    expect(repro.exitCode).toBe(2);
    expect(repro.stderr).toContain("the record is of profile fake, not of the embedded simulator\n");
  } finally {
    bench.remove();
  }
});

test("a state folder that cannot be made: exit code 2, in words", async () => {
  const folder = new Folder();
  mkdirSync(join(folder.path, "x"));
  writeFileSync(join(folder.path, "x/state"), "a file");
  const argv = ["cycle", "--store", folder.store, "--state", join(folder.path, "x/state")];
  const ran = await inShell(folder.path, argv, "KIMTEST");
  expect(ran).toMatchObject({ exitCode: 2, stdout: "" });
  expect(ran.stderr).toMatch(/^kimtest: E(EXIST|NOTDIR): .*\n {2}check the path and its permissions$/);
});
