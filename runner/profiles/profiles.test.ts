import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { afterAll, describe, expect, test } from "@jest/globals";
import { stringifyJson } from "../../contracts/json.ts";
import { profileSchema } from "../../contracts/profile.ts";
import { embeddedProfile } from "./embedded.ts";
import { loadProfile } from "./load.ts";

const folder = mkdtempSync(join(tmpdir(), "kimtest-profile-"));
afterAll(() => {
  rmSync(folder, { recursive: true });
});

function write(name: string, content: unknown): string {
  const path = join(folder, name);
  writeFileSync(path, typeof content === "string" ? content : stringifyJson(content));
  return path;
}

describe("the embedded profile", () => {
  test("is a profile", () => {
    expect(profileSchema.parse(embeddedProfile())).toEqual(embeddedProfile());
  });

  test("survives being a file", async () => {
    const { work_tree: workTree, ...rest } = embeddedProfile();
    expect(await loadProfile(write("embedded.json", embeddedProfile()))).toEqual({
      ...rest,
      work_tree: resolve(workTree),
    });
    expect(await loadProfile("embedded")).toEqual(embeddedProfile());
  });
});

test("the embedded profile expects of each scenario what the simulator says it may", () => {
  const { vopr } = embeddedProfile();
  const [program = "", ...args] = vopr.command;
  const listed = JSON.parse(execFileSync(program, [...args, "--list-scenarios", "--json"], { encoding: "utf8" })) as {
    scenarios: { name: string; expectation: string }[];
  };
  const expectations = new Map(listed.scenarios.map(({ name, expectation }) => [name, expectation]));
  expect(vopr.scenarios.map(({ name }) => [name, expectations.get(name)])).toEqual(
    vopr.scenarios.map(({ name, expectation }) => [name, expectation]),
  );
});

describe("a profile of one's own", () => {
  test("its work tree is relative to the file", async () => {
    mkdirSync(join(folder, "below"));
    const path = write("below/own.json", { ...embeddedProfile(), name: "own", work_tree: "../checkout" });
    expect((await loadProfile(path)).work_tree).toBe(join(folder, "checkout"));
  });

  test("every problem is named with its dotted path", async () => {
    const good = embeddedProfile();
    const path = write("bad.json", {
      ...good,
      name: "Not A Name",
      durations: 1,
      time_shares: { ...good.time_shares, vopr: 0 },
      fuzz: { ...good.fuzz, targets: [] },
      vopr: {
        ...good.vopr,
        batch: { ...good.vopr.batch, max_iterations: 1.5 },
        scenarios: [...good.vopr.scenarios, { name: "extra", weight: -1, expectation: "may-pass" }],
      },
    });
    await expect(loadProfile(path)).rejects.toMatchObject({
      code: "USAGE",
      hint: "docs/schemas/Profile.json describes it",
      message: [
        `the profile ${path} is not valid:`,
        "  name: Invalid string: must match pattern /^[a-z0-9][a-z0-9-]{0,63}$/",
        "  time_shares.vopr: Too small: expected number to be >0",
        "  fuzz.targets: Too small: expected array to have >=1 items",
        `  vopr.scenarios.${String(good.vopr.scenarios.length)}.weight: Too small: expected number to be >0`,
        `  vopr.scenarios.${String(good.vopr.scenarios.length)}.expectation: Invalid option: expected one of "must-pass"|"must-detect"`,
        "  vopr.batch.max_iterations: Invalid input: expected int, received number",
        '  (top): Unrecognized key: "durations"',
      ].join("\n"),
    });
  });

  test("a canary of a scenario that is not there", async () => {
    const good = embeddedProfile();
    const canary = { ...good.vopr.canary, scenario: "nowhere" };
    await expect(loadProfile(write("canary.json", { ...good, vopr: { ...good.vopr, canary } }))).rejects.toMatchObject({
      message: expect.stringMatching(/\n {2}vopr\.canary\.scenario: must be one of vopr\.scenarios, a must-pass one/),
    });
  });

  const table: [string, () => string, { code: string; message: RegExp }][] = [
    ["a name that is no profile", () => "kimberlit", { code: "USAGE", message: /^there is no profile "kimberlit"$/ }],
    ["a file that is not there", () => join(folder, "no.json"), { code: "NOT_FOUND", message: /ENOENT/ }],
    [
      "a folder",
      () => (mkdirSync(join(folder, "d.json")), join(folder, "d.json")),
      { code: "NOT_FOUND", message: /EISDIR/ },
    ],
    ["no JSON", () => write("text.json", "{ nope"), { code: "USAGE", message: /is not valid JSON/ }],
    ["an empty file", () => write("empty.json", ""), { code: "USAGE", message: /is not valid JSON/ }],
    ["not an object", () => write("list.json", "[]"), { code: "USAGE", message: /\n {2}\(top\): Invalid input/ }],
  ];
  test.each(table)("%s", async (_, name, { code, message }) => {
    await expect(loadProfile(name())).rejects.toMatchObject({ code, message: expect.stringMatching(message) });
  });
});
