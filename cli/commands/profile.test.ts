import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "@jest/globals";
import { parse } from "yaml";
import { parseJson, stringifyJson } from "../../contracts/json.ts";
import { embeddedProfile } from "../../runner/profiles/embedded.ts";
import { kimberliteProfile } from "../../runner/profiles/kimberlite/kimberlite.ts";
import { loadProfile } from "../../runner/profiles/load.ts";
import { kimtest } from "../fake-deps.fixture.ts";

const folder = mkdtempSync(join(tmpdir(), "kimtest-profile-command-"));
afterAll(() => {
  rmSync(folder, { recursive: true });
});

test("show prints what can be given back as a profile, in YAML and in JSON", async () => {
  for (const [flags, name] of [
    [[], "shown.yaml"],
    [["--yaml"], "shown.yaml"],
    [["--json"], "shown.json"],
  ] as const) {
    const { stdout, stderr, exitCode } = await kimtest(["profile", "show", "kimberlite", ...flags]);
    expect({ stderr, exitCode }).toEqual({ stderr: "", exitCode: 0 });
    const path = join(folder, name);
    writeFileSync(path, stdout);
    expect(await loadProfile(path)).toEqual(kimberliteProfile());
  }
  const { stdout } = await kimtest(["profile", "show", "embedded"]);
  expect(parse(stdout)).toMatchObject({ name: "embedded" });
});

test("check: valid and all there", async () => {
  expect(await kimtest(["profile", "check", "embedded"])).toEqual({
    exitCode: 0,
    stdout: "embedded: the profile is valid\nall programs that it names are on this machine\n",
    stderr: "",
  });
});

test("check: what would be inconclusive here is said with its reason, exit code 6", async () => {
  const embedded = embeddedProfile();
  const path = join(folder, "lacking.json");
  writeFileSync(
    path,
    stringifyJson({
      ...embedded,
      benchmarks: { ...embedded.benchmarks, command: ["no-such-bench"] },
      vopr: { ...embedded.vopr, command: ["out/vopr"] },
    }),
  );
  const lacking = [
    { phase: "benchmarks", part: "tinybench", reason: "no-such-bench is not there" },
    { phase: "vopr", part: "simulator", reason: "out/vopr is not there" },
  ];
  const { exitCode, stdout } = await kimtest(["profile", "check", path]);
  expect(exitCode).toBe(6);
  expect(stdout).toBe(
    "embedded: the profile is valid\n" +
      lacking.map(({ phase, part, reason }) => `inconclusive here: ${phase}, ${part}: ${reason}\n`).join(""),
  );
  const asJson = await kimtest(["profile", "check", path, "--json"]);
  expect(asJson.exitCode).toBe(6);
  expect(parseJson(asJson.stdout, "check")).toEqual({ profile: "embedded", valid: true, inconclusive: lacking });
});

test("check: an invalid profile is exit code 2, with every problem's place", async () => {
  const path = join(folder, "invalid.yaml");
  writeFileSync(path, "name: A B\n");
  const { exitCode, stdout, stderr } = await kimtest(["profile", "check", path]);
  expect({ exitCode, stdout }).toEqual({ exitCode: 2, stdout: "" });
  expect(stderr).toMatch(/^kimtest: the profile .*invalid\.yaml is not valid:\n {2}name: .*\n {2}duration_seconds: /);
});
