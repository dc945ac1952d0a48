/** What is meant when not everything is typed. */
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "@jest/globals";
import { choose, type Chosen, type ResultsChoice } from "./choice.ts";
import { Folder } from "./folder.fixture.ts";
import { readProjectFile, type ProjectFile } from "./project-file.ts";

const FILE = "/project/kimtest.json";
const file = (settings: Omit<ProjectFile, "path">): ProjectFile => ({ path: FILE, ...settings });

describe("each is taken from the strongest who says it", () => {
  const all = { stack: "f", region: "f", profile: "f", store: "f" };
  const env = { KIMTEST_STACK: "e", AWS_REGION: "e", AWS_DEFAULT_REGION: "d", KIMTEST_STORE: "e" };
  const table: [string, ResultsChoice, Record<string, string>, Omit<ProjectFile, "path">, object][] = [
    [
      "flags",
      { stack: "a", region: "b", profile: "c" },
      env,
      all,
      { stack: "a by --stack", region: "b by --region", profile: "c by --profile" },
    ],
    [
      "the environment",
      {},
      env,
      all,
      { stack: "e by KIMTEST_STACK", region: "e by AWS_REGION", profile: `f by ${FILE}` },
    ],
    ["the file", {}, { KIMTEST_STACK: "", AWS_REGION: "" }, all, { stack: `f by ${FILE}`, region: `f by ${FILE}` }],
    ["one by one", { stack: "a" }, {}, all, { stack: "a by --stack", region: `f by ${FILE}`, profile: `f by ${FILE}` }],
    ["a second variable", {}, { AWS_DEFAULT_REGION: "d" }, {}, { region: "d by AWS_DEFAULT_REGION" }],
    ["keys in the environment, not the file's profile", {}, { AWS_ACCESS_KEY_ID: "k" }, all, { profile: undefined }],
    ["AWS_PROFILE, not the file's profile", {}, { AWS_PROFILE: "p" }, all, { profile: undefined }],
    [
      "--profile, whatever keys there are",
      { profile: "c" },
      { AWS_ACCESS_KEY_ID: "k" },
      all,
      { profile: "c by --profile" },
    ],
    ["nobody", {}, {}, {}, { stack: undefined, region: undefined, profile: undefined }],
  ];
  test.each(table)("%s", (_, flags, variables, settings, expected) => {
    const chosen = choose(flags, variables, file(settings));
    const text = (said: Chosen["stack"]) => (said === undefined ? undefined : `${said.value} by ${said.by}`);
    const { stack, region, profile } = chosen;
    expect({ stack: text(stack), region: text(region), profile: text(profile) }).toMatchObject(expected);
  });
});

describe("where results are read", () => {
  const store = (value: string, by: string, withStack = false) => ({ kind: "store", store: { value, by }, withStack });
  const [stack, unsaid] = [{ kind: "stack" }, { kind: "unsaid" }];
  const table: [string, ResultsChoice, Record<string, string>, Omit<ProjectFile, "path">, object][] = [
    ["nothing is said", {}, {}, {}, unsaid],
    ["a region in the environment says nothing", {}, { AWS_REGION: "r", AWS_PROFILE: "p" }, {}, unsaid],
    ["a region in the file says nothing", {}, {}, { region: "r", profile: "p" }, unsaid],
    ["--store", { store: "s" }, {}, {}, store("s", "--store")],
    ["--store, and a stack in the file is not meant", { store: "s" }, {}, { stack: "a" }, store("s", "--store")],
    ["--store of another region", { store: "s", region: "r" }, {}, {}, store("s", "--store")],
    ["--store and --stack: both", { store: "s", stack: "a" }, {}, {}, store("s", "--store", true)],
    ["--stack, and a store in the file is not meant", { stack: "a" }, {}, { store: "s" }, stack],
    ["--stack, and a store in the environment is not meant", { stack: "a" }, { KIMTEST_STORE: "s" }, {}, stack],
    ["--region means AWS", { region: "r" }, { KIMTEST_STORE: "s" }, {}, stack],
    ["--profile means AWS", { profile: "p" }, {}, { store: "s" }, stack],
    ["KIMTEST_STORE", {}, { KIMTEST_STORE: "s" }, { stack: "a", store: "t" }, store("s", "KIMTEST_STORE")],
    ["KIMTEST_STACK", {}, { KIMTEST_STACK: "a" }, { store: "t" }, stack],
    ["a store in the file", {}, {}, { store: "t" }, store("t", FILE)],
    ["a stack in the file", {}, {}, { stack: "a" }, stack],
    ["both in the file", {}, {}, { stack: "a", store: "t" }, store("t", FILE, true)],
  ];
  test.each(table)("%s", (_, flags, env, settings, expected) => {
    expect(choose(flags, env, file(settings)).results).toEqual(expected);
  });
});

describe("kimtest.json", () => {
  test("is found above, and its store is relative to it", async () => {
    const folder = new Folder();
    const path = folder.write("kimtest.json", { stack: "dev", region: "eu-west-1", profile: "work", store: "results" });
    mkdirSync(join(folder.path, "deep/er"), { recursive: true });
    expect(await readProjectFile(join(folder.path, "deep/er"))).toEqual({
      path,
      stack: "dev",
      region: "eu-west-1",
      profile: "work",
      store: join(folder.path, "results"),
    });
  });

  test("a bucket stays a bucket; all may be left out; none is none", async () => {
    const folder = new Folder();
    expect(await readProjectFile(folder.path)).toBeUndefined();
    const path = folder.write("kimtest.json", { store: "s3://b/p" });
    expect(await readProjectFile(folder.path)).toEqual({ path, store: "s3://b/p" });
    folder.write("kimtest.json", "{}");
    expect(await readProjectFile(folder.path)).toEqual({ path });
  });

  const table: [string, string, string][] = [
    ["no JSON", "{ nope", "is not valid JSON: "],
    ["no object", "[]", "Invalid input: expected object, received array"],
    [
      "several faults",
      '{"stack":1,"regoin":"x"}',
      'stack: Invalid input: expected string, received number; Unrecognized key: "regoin"',
    ],
    ["empty", '{"profile":" "}', "profile: is empty"],
    ["too large", `{"stack":"${"x".repeat(70_000)}"}`, "it is larger than 65536 bytes"],
  ];
  test.each(table)("%s: refused, with what is wrong", async (_, text, fault) => {
    const folder = new Folder();
    const path = folder.write("kimtest.json", text);
    await expect(readProjectFile(folder.path)).rejects.toMatchObject({
      code: "BAD_INPUT",
      message: expect.stringContaining(`${path} cannot be used: ${fault}`) as unknown,
    });
  });

  test("a folder of that name, and a stack that can be none", async () => {
    const folder = new Folder();
    const path = folder.write("kimtest.json", { stack: "Prod" });
    await expect(readProjectFile(folder.path)).rejects.toMatchObject({
      code: "USAGE",
      message: `stack in ${path} is "Prod", which cannot be a stack`,
    });
    const other = new Folder();
    mkdirSync(join(other.path, "kimtest.json"));
    await expect(readProjectFile(other.path)).rejects.toMatchObject({ code: "BAD_INPUT" });
  });

  test("what it says by mistake is not repeated", async () => {
    const folder = new Folder();
    folder.write("kimtest.json", { secret_key: "hunter2", profile: { aws_secret_access_key: "hunter2" } });
    const error: unknown = await readProjectFile(folder.path).catch((one: unknown) => one);
    expect(String(error)).toMatch(/cannot be used/);
    expect(String(error)).not.toContain("hunter2");
  });
});
