/** fetch-failure on a real folder store, and on a store that breaks while it reads. */
import { mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Readable } from "node:stream";
import { describe, expect, test } from "@jest/globals";
import { saveStream } from "../../runner/store/save-stream.ts";
import { kimtest, type Ran } from "../fake-deps.fixture.ts";
import { Folder } from "../folder.fixture.ts";

const KEY = "failures/vopr/seed-17-1700000000000.json";
const FUZZ_KEY = "failures/fuzz/json-1700000001000.tar.gz";
/** No text: every byte value, and more than one chunk of a stream. */
const BYTES = Buffer.from(Array.from({ length: 300_000 }, (_, index) => (index * 31) % 256));

function folderWithFailures(): Folder {
  const folder = new Folder();
  folder.put(KEY, BYTES);
  folder.put(FUZZ_KEY, BYTES);
  return folder;
}
const fetched = (folder: Folder, key: string, ...more: string[]): Promise<Ran> =>
  kimtest(["fetch-failure", key, "--store", folder.store, "--to", join(folder.path, "here"), ...more]);

test.each([KEY, "vopr/seed-17-1700000000000.json"])("%s: the same bytes, and what to type next", async (key) => {
  const folder = folderWithFailures();
  const path = join(folder.path, "here/seed-17-1700000000000.json");
  expect(await fetched(folder, key)).toEqual({
    exitCode: 0,
    stdout: `${path}\n`,
    stderr: `reproduce it: npx kimtest vopr-repro ${path}\n`,
  });
  expect(readFileSync(path).equals(BYTES)).toBe(true);
  expect(readdirSync(join(folder.path, "here"))).toEqual(["seed-17-1700000000000.json"]);
});

test("a fuzz archive, as JSON", async () => {
  const folder = folderWithFailures();
  const path = join(folder.path, "here/json-1700000001000.tar.gz");
  const ran = await fetched(folder, FUZZ_KEY, "--json");
  expect(JSON.parse(ran.stdout)).toEqual({
    key: FUZZ_KEY,
    path,
    size: BYTES.length,
    next: `tar -xzOf ${path} failure.json`,
  });
  expect(readFileSync(path).equals(BYTES)).toBe(true);
});

test("a folder with a space: the line to paste is quoted", async () => {
  const folder = folderWithFailures();
  const to = join(folder.path, "my failures");
  const ran = await kimtest(["fetch-failure", KEY, "--store", folder.store, "--to", to]);
  expect(ran.stderr).toBe(`reproduce it: npx kimtest vopr-repro '${to}/seed-17-1700000000000.json'\n`);
});

test("an older copy is replaced; a link in its place is, too, and not followed", async () => {
  const folder = folderWithFailures();
  mkdirSync(join(folder.path, "here"));
  const victim = folder.write("victim", "precious");
  symlinkSync(victim, join(folder.path, "here/seed-17-1700000000000.json"));
  expect((await fetched(folder, KEY)).exitCode).toBe(0);
  expect(readFileSync(victim, "utf8")).toBe("precious");
  expect(readFileSync(join(folder.path, "here/seed-17-1700000000000.json")).equals(BYTES)).toBe(true);
});

test.each([
  "../../etc/passwd",
  "/etc/passwd",
  "vopr/../../../etc/passwd",
  "vopr/seed-17-1700000000000.json/../../x",
  "failures/failures/vopr/seed-17-1700000000000.json",
  "vopr/seed-17-1700000000000.json\n",
  "vopr/seed-17-1700000000000.json\0",
  "fuzz/../x-1700000001000.tar.gz",
  "fuzz/a/b-1700000001000.tar.gz",
  "fuzz/-rf-1700000001000.tar.gz",
  "vopr\\seed-17-1700000000000.json",
  "digests/latest.json",
  "",
  "x".repeat(100_000),
])("hostile key %#: exit code 2, nothing is written", async (key) => {
  const folder = folderWithFailures();
  const ran = await fetched(folder, key);
  expect(ran).toMatchObject({ exitCode: 2, stdout: "" });
  expect(ran.stderr).toMatch(/ is not the key of a failure\n {2}keys look like |…/);
  expect(readdirSync(folder.path)).toEqual(["store"]);
});

test("not in the store: exit code 4", async () => {
  const folder = folderWithFailures();
  const ran = await fetched(folder, "vopr/seed-18-1700000000000.json");
  expect(ran).toMatchObject({ exitCode: 4, stdout: "" });
  expect(ran.stderr).toMatch(/^kimtest: failures\/vopr\/seed-18-.* is not in .*\n {2}`kimtest list-failures` shows/);
  expect(readdirSync(folder.path)).toEqual(["store"]);
});

test("a target that is a file: exit code 2, in words", async () => {
  const folder = folderWithFailures();
  writeFileSync(join(folder.path, "here"), "a file");
  const ran = await fetched(folder, KEY);
  expect(ran).toMatchObject({ exitCode: 2, stdout: "" });
  expect(ran.stderr).toMatch(/^kimtest: E(EXIST|NOTDIR): .*\n {2}check the path and its permissions\n$/);
});

describe("an object that does not come whole leaves nothing behind", () => {
  const table: [string, () => Readable, object][] = [
    ["cut short", () => Readable.from([BYTES.subarray(0, 1_000)]), { code: "CORRUPT_DATA" }],
    ["longer than it said", () => Readable.from([BYTES, BYTES]), { code: "CORRUPT_DATA" }],
    ["broken off", () => Readable.from(brokenOff()), { message: "socket hang up" }],
  ];
  async function* brokenOff() {
    yield BYTES.subarray(0, 1_000);
    await Promise.resolve();
    throw new Error("socket hang up");
  }
  test.each(table)("%s", async (_, stream, error) => {
    const folder = new Folder();
    const path = folder.write("seed.json", "older copy");
    await expect(saveStream(stream(), path, BYTES.length)).rejects.toMatchObject(error);
    expect(readFileSync(path, "utf8")).toBe("older copy");
    expect(readdirSync(folder.path).sort()).toEqual(["seed.json", "store"]);
  });
});
