import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { loadProfile } from "../runner/profiles/load.ts";
import { jsonSchemaOf } from "../tools/schemas.ts";
import { KimtestError } from "./errors.ts";
import { parseJson, stringifyJson } from "./json.ts";
import { PHASES } from "./parts.ts";
import { profileSchema } from "./profile.ts";
import { benchmarksProfileSchema } from "./profile/benchmarks.ts";

const EXAMPLE = fileURLToPath(new URL("../docs/examples/profile.json", import.meta.url));
const GUIDE = readFileSync(new URL("../docs/profiles.md", import.meta.url), "utf8");
const ROOT = fileURLToPath(new URL("../", import.meta.url));

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "kimtest-profile-"));
});
afterAll(() => {
  rmSync(folder, { recursive: true });
});

/** The error of loading a profile file with this text. */
async function refusal(text: string): Promise<KimtestError> {
  const path = join(folder, "profile.json");
  writeFileSync(path, text);
  const thrown: unknown = await loadProfile(path).then(
    () => undefined,
    (error: unknown) => error,
  );
  expect(thrown).toBeInstanceOf(KimtestError);
  return thrown as KimtestError;
}

type Json = Record<string, unknown>;
const example = (): Json & { vopr: Json } => parseJson(readFileSync(EXAMPLE, "utf8"), EXAMPLE) as Json & { vopr: Json };

test("the example of docs/profiles.md is a whole profile", async () => {
  const profile = await loadProfile(EXAMPLE);
  expect(profile).toStrictEqual({
    ...example(),
    work_tree: ROOT.replace(/\/$/, ""),
    vopr: { ...example().vopr, seed_offset: 0n },
  });
  expect(Object.keys(profile.time_shares)).toStrictEqual([...PHASES]);
});

/** Names of all fields in a JSON Schema; not those that people choose, as targets and suites are. */
function fieldsOf(schema: unknown): string[] {
  if (Array.isArray(schema)) return schema.flatMap(fieldsOf);
  if (typeof schema !== "object" || schema === null) return [];
  const { properties = {}, ...rest } = schema as { properties?: Json };
  const inner = Object.entries(properties).flatMap(([name, of]) => [name, ...fieldsOf(of)]);
  return [...inner, ...Object.entries(rest).flatMap(([word, of]) => (word === "const" ? [] : fieldsOf(of)))];
}

test("the guide names every field there is, and every tool", () => {
  const schema = jsonSchemaOf(profileSchema);
  const fields = [...new Set(fieldsOf(schema))];
  expect(fields).toEqual(
    expect.arrayContaining(["reference", "needed_by", "unsatisfiable_runs", "left_out", "required"]),
  );
  expect(fields.filter((name) => !GUIDE.includes(`\`${name}\``))).toStrictEqual([]);
  const tools = [...stringifyJson(schema).matchAll(/"tool": \{[^}]*"const": "([a-z-]+)"/g)].map(([, tool]) => tool);
  expect(tools).toHaveLength(18); // the six proof tools are in the checks and in the canary's
  expect(
    tools.filter((tool) => !GUIDE.includes(`\`${tool ?? ""}\``) && !GUIDE.includes(`\`tool: ${tool ?? ""}\``)),
  ).toEqual([]);
});

test.each([
  [["--bundle-out", "DIR"], undefined],
  [["--out=DIR"], undefined],
  [[], "must hold DIR once"],
  [["--bundle-out", "/tmp/bundles"], "must hold DIR once"],
  [["--bundle-out", "DIRECTORY"], "must hold DIR once"],
  [["DIR", "--out=DIR"], "must hold DIR once"],
])("bundles with %j: %s", async (flags, problem) => {
  const { vopr, ...rest } = example();
  const bundles = { arguments: flags, per_signature: 3 };
  const path = join(folder, "bundles.json");
  writeFileSync(path, stringifyJson({ ...rest, work_tree: ROOT, vopr: { ...vopr, bundles } }));
  const loading = loadProfile(path);
  if (problem === undefined) expect((await loading).vopr.bundles).toEqual(bundles);
  else {
    const message = expect.stringContaining(`\n  vopr.bundles.arguments: ${problem}, alone or after a =: the folder's`);
    await expect(loading).rejects.toMatchObject({ code: "USAGE", message });
  }
});

test("the guide's example of another project is a whole profile, of everything that is not embedded", async () => {
  const path = fileURLToPath(new URL("../docs/examples/cargo-project.yaml", import.meta.url));
  const { formal_verification: proofs, benchmarks, fuzz, ...profile } = await loadProfile(path);
  expect([proofs.tool, benchmarks.tool, fuzz.tool]).toEqual(["proofs", "criterion", "cargo-fuzz"]);
  expect(profile).toMatchObject({ name: "ledger", repository: { reference: "main" } });
  expect(profile.build?.steps.map(({ name }) => name)).toEqual(["simulator", "simulator-canary", "benches"]);
});

test("the guide names every field of every benchmark tool", () => {
  const section = GUIDE.slice(GUIDE.indexOf("### `benchmarks`"), GUIDE.indexOf("### `fuzz`"));
  const fields = benchmarksProfileSchema.options.flatMap(({ shape }) => Object.keys(shape));
  expect(fields).toContain("planted_slowdown");
  expect(fields.filter((name) => !section.includes(`\`${name}\``))).toStrictEqual([]);
});

test("a seed offset above 2^53 is read exactly", async () => {
  const path = join(folder, "offset.json");
  writeFileSync(path, stringifyJson({ ...example(), vopr: { ...example().vopr, seed_offset: 9007199254740993n } }));
  expect((await loadProfile(path)).vopr.seed_offset).toBe(9007199254740993n);
});

test("a work tree is found from the profile's own folder", async () => {
  const path = join(folder, "tree.json");
  writeFileSync(path, stringifyJson({ ...example(), work_tree: "sources" }));
  expect((await loadProfile(path)).work_tree).toBe(join(folder, "sources"));
});

test("every problem is named with its place", async () => {
  const { fuzz: _, ...rest } = example();
  expect(_).toBeDefined();
  const scenarios = [{ name: "Bad Name", weight: 0, expectation: "must-pass", color: "red" }];
  const error = await refusal(stringifyJson({ ...rest, duration_seconds: -1, vopr: { ...rest.vopr, scenarios } }));
  expect(error.code).toBe("USAGE");
  for (const place of [
    "duration_seconds",
    "fuzz",
    "vopr.scenarios.0.name",
    "vopr.scenarios.0.weight",
    "vopr.scenarios.0",
  ]) {
    expect(error.message).toContain(`\n  ${place}: `);
  }
  expect(error.message).toContain("color");
  expect(error.hint).toBe("docs/schemas/Profile.json describes it");
});

test("the canary's scenario must be one of the scenarios", async () => {
  const { vopr } = example();
  const canary = { ...(vopr["canary"] as Json), scenario: "swizzle" };
  const error = await refusal(stringifyJson({ ...example(), vopr: { ...vopr, canary } }));
  expect(error.message).toMatch(/\n {2}vopr\.canary\.scenario: must be one of vopr\.scenarios, a must-pass one/);
});

test.each(PHASES.map((phase) => [phase]))("a profile without a time share for %s is refused", (phase) => {
  const shares = Object.fromEntries(
    Object.entries(example()["time_shares"] as Json).filter(([name]) => name !== phase),
  );
  expect(profileSchema.safeParse({ ...example(), time_shares: shares }).success).toBe(false);
});

test.each<[name: string, code: string]>([
  ["kimberlite-typo", "USAGE"],
  ["no-such-file.json", "NOT_FOUND"],
])("the profile %s is %s", async (name, code) => {
  await expect(loadProfile(name)).rejects.toMatchObject({ name: "KimtestError", code });
});

test("a file that is no JSON is refused by name", async () => {
  const error = await refusal("{");
  expect(error.code).toBe("USAGE");
  expect(error.message).toContain(join(folder, "profile.json"));
});
