import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { loadProfile } from "../runner/profiles/load.ts";
import { KimtestError } from "./errors.ts";
import { parseJson, stringifyJson } from "./json.ts";
import { PHASES } from "./parts.ts";
import { profileSchema } from "./profile.ts";

const EXAMPLE = fileURLToPath(new URL("../docs/examples/profile.json", import.meta.url));
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

test("the guide names every field of the example", () => {
  const guide = readFileSync(new URL("../docs/profiles.md", import.meta.url), "utf8");
  const names = (value: unknown): string[] => {
    if (Array.isArray(value)) return value.flatMap(names);
    if (typeof value !== "object" || value === null) return [];
    return Object.entries(value).flatMap(([name, inner]) => [name, ...names(inner)]);
  };
  const { time_shares: _, ...rest } = example();
  expect(_).toBeDefined();
  expect([...new Set(names(rest))].filter((name) => !guide.includes(`\`${name}\``))).toStrictEqual([]);
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
