/** Profiles in YAML: the same as in JSON, and errors that name the line. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "@jest/globals";
import { stringify } from "yaml";
import { embeddedProfile } from "./embedded.ts";
import { loadProfile, repositoryUrl, withRepository } from "./load.ts";
import { kimberliteProfile } from "./kimberlite/kimberlite.ts";

const folder = mkdtempSync(join(tmpdir(), "kimtest-yaml-"));
afterAll(() => {
  rmSync(folder, { recursive: true });
});

function write(text: string, name = "profile.yaml"): string {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
}

test.each(["profile.yaml", "profile.yml"])("%s: the same profile as in JSON", async (name) => {
  expect(await loadProfile(write(stringify(kimberliteProfile()), name))).toEqual(kimberliteProfile());
});

test("a seed offset above 2^53 is read exactly", async () => {
  const embedded = embeddedProfile();
  const seed = 2n ** 64n - 1n;
  const text = stringify({ ...embedded, vopr: { ...embedded.vopr, seed_offset: seed } });
  expect((await loadProfile(write(text))).vopr.seed_offset).toBe(seed);
});

test.each<[string, string, RegExp]>([
  ["a bracket that is not closed", "name: [a\nwork_tree: x\n", /\n {2}line 2, column 1: /],
  ["a tab for indentation", "build:\n\tsteps: []\n", /\n {2}line 2, column \d+: /],
  ["a key twice", "name: a\nvopr: {}\nname: b\n", /\n {2}line 3, column 1: Map keys must be unique/],
  ["two documents", "name: a\n---\nname: b\n", /\n {2}line 2, column 1: /],
  ["an unknown tag", "name: !secret a\n", /\n {2}line 1, column 7: Unresolved tag: !secret/],
  ["an alias to nothing", "name: *gone\n", /\n {2}.*gone/],
])("%s is named with its line", async (_, text, message) => {
  const path = write(text);
  await expect(loadProfile(path)).rejects.toMatchObject({ code: "USAGE", message: expect.stringMatching(message) });
  await expect(loadProfile(path)).rejects.toThrow(`the profile ${path} is not valid YAML:`);
});

test("a few lines that stand for gigabytes are refused", async () => {
  const lines = Array.from({ length: 30 }, (_, index) => {
    const before = `*a${String(index - 1)}`;
    return `k${String(index)}: &a${String(index)} ${index === 0 ? "[x, x]" : `[${before}, ${before}, ${before}]`}`;
  });
  await expect(loadProfile(write(lines.join("\n")))).rejects.toMatchObject({ code: "USAGE" });
});

test("what is wrong in it is named by its dotted path", async () => {
  const text = stringify({ ...kimberliteProfile(), build: { ...kimberliteProfile().build, prune: ["../.."] } });
  await expect(loadProfile(write(text))).rejects.toThrow(/\n {2}build\.prune\.0: must be a relative path without \.\./);
});

test("a file larger than a profile ever is, is not read", async () => {
  await expect(loadProfile(write(`# ${"x".repeat(1024 * 1024)}\n`))).rejects.toMatchObject({
    code: "USAGE",
    message: expect.stringContaining("at most 1048576 are read"),
  });
});

test.each([
  ["https://github.com/a/b", "https://github.com/a/b"],
  ["git@github.com:a/b.git", "git@github.com:a/b.git"],
  ["file:///a/b", "file:///a/b"],
  ["host:a/b", "host:a/b"],
  ["/a/b", "/a/b"],
  ["../kimberlite", "/home/kimberlite"],
  [".", "/home/me"],
  ["a/b:c", "/home/me/a/b:c"],
])("the repository %s, seen from /home/me, is %s", (url, expected) => {
  expect(repositoryUrl(url, "/home/me")).toBe(expected);
});

test("a path to a repository is relative to the profile", async () => {
  const path = write(stringify({ ...kimberliteProfile(), repository: { url: "../upstream", reference: "main" } }));
  expect((await loadProfile(path)).repository?.url).toBe(join(folder, "../upstream"));
});

test("another reference, the repository stays", () => {
  const { url } = kimberliteProfile().repository!;
  expect(withRepository(kimberliteProfile(), { reference: "v1" }, "--branch").repository).toEqual({
    url,
    reference: "v1",
  });
});
