/**
 * The program that merges is a stand-in (test/fake-cargo-fuzz.js): an input reaches what its first byte says. Whole
 * cycles, and S3, are in test/fuzz-corpus.test.ts.
 */
import { createHash } from "node:crypto";
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, expect, test } from "@jest/globals";
import { create } from "tar";
import { KimtestError } from "../../contracts/errors.ts";
import { createProcesses } from "../platform/processes.ts";
import { FolderStore } from "../store/folder-store.ts";
import type { ObjectStore } from "../store/object-store.ts";
import { storeWith } from "../store/store-with.fixture.ts";
import { isMinimizeDue, minimizeCorpus } from "./corpus-minimize.ts";
import { CorpusSync } from "./corpus-sync.ts";

const FAKE_CARGO = fileURLToPath(new URL("../../test/fake-cargo-fuzz.js", import.meta.url));
const sha1 = (text: string): string => createHash("sha1").update(text).digest("hex");
const NEEDED = ["a", "b"].map(sha1).sort();
const DROPPED = ["a longer", "b longer"].map(sha1).sort();
const ALL = [...NEEDED, ...DROPPED].sort();

let folder: string;
let store: FolderStore;
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "kimtest-minimize-"));
  store = new FolderStore(join(folder, "store"));
  mkdirSync(join(folder, "corpus"));
  for (const text of ["a", "b", "a longer", "b longer"]) writeFileSync(join(folder, "corpus", sha1(text)), text);
  // The store has one that is needed, both that are not, and one of another machine.
  for (const text of ["a", "a longer", "b longer", "of another machine"])
    await store.put(`fuzz-corpus/t/${sha1(text)}`, text);
});
afterEach(() => {
  rmSync(folder, { recursive: true });
});

const onDisk = (): string[] => readdirSync(join(folder, "corpus")).sort();
async function inStore(): Promise<string[]> {
  const names: string[] = [];
  for await (const { key } of store.list("fuzz-corpus/t/")) names.push(key.slice("fuzz-corpus/t/".length));
  return names;
}

function minimized(how: object = {}, through: ObjectStore = store, signal = new AbortController().signal) {
  const executable = join(folder, "program");
  const config = JSON.stringify({ targets: { t: how } });
  writeFileSync(
    executable,
    `#!/bin/sh\nexec env FAKE_CARGO='${config}' '${process.execPath}' '${FAKE_CARGO}' program t "$@"\n`,
  );
  chmodSync(executable, 0o755);
  return minimizeCorpus(
    createProcesses(join(folder, "notes")),
    through,
    new CorpusSync(through, "t", join(folder, "corpus")),
    {
      forOneInput: { executable, timeoutSeconds: 3, memoryMebibytes: 512 },
      deadlineMs: 20_000,
      nowMs: 1_700_000_000_000,
      signal,
    },
  );
}

test("what is not needed goes, after a backup of it; what another machine added since stays", async () => {
  expect(await minimized()).toEqual({
    inputs_before: 4,
    inputs_after: 2,
    features_before: 2,
    features_after: 2,
    reason: null,
  });
  expect(onDisk()).toEqual(NEEDED);
  expect(await inStore()).toEqual([...NEEDED, sha1("of another machine"), "backups/1700000000000.tar.gz"].sort());
  expect(readdirSync(folder).filter((name) => name.startsWith(".minimize"))).toEqual([]);
});

test.each<[string, object, string]>([
  ["the merge did not come to its end", { merge: "stops" }, "the merge did not come to its end"],
  ["less is reached", { merge: "loses" }, "the smaller corpus reaches 1 features, not 2"],
])("nothing is removed: %s", async (_name, how, reason) => {
  const before = await inStore();
  expect(await minimized(how)).toMatchObject({ inputs_before: 4, inputs_after: 4, reason });
  expect([onDisk(), await inStore()]).toEqual([ALL, before]);
});

const away = () => Promise.reject(new KimtestError("STORE_UNREACHABLE", "it is away"));
const NOT_THE_BACKUP = /backups\/1700000000000\.tar\.gz does not hold the inputs that were put into it$/;

test.each<[string, Partial<ObjectStore>, string | RegExp]>([
  ["refuses the backup", { writeFrom: away }, "it is away"],
  ["has not the backup that it was given", { openRead: () => store.openRead("older.tar.gz") }, NOT_THE_BACKUP],
  ["has lost the backup", { openRead: () => Promise.resolve(undefined) }, NOT_THE_BACKUP],
  ["does not take what is kept", { put: away }, "it is away"],
])("nothing is removed: the store %s", async (_name, change, reason) => {
  const older = create({ cwd: join(folder, "corpus"), gzip: true }, [DROPPED[0]!]);
  await store.writeFrom("older.tar.gz", Readable.from(older, { objectMode: false }));
  await expect(minimized({}, storeWith(store, change))).rejects.toThrow(reason);
  expect(onDisk()).toEqual(ALL);
  expect((await inStore()).filter((name) => DROPPED.includes(name))).toEqual(DROPPED);
});

test("a stop in the middle removes nothing", async () => {
  const stop = new AbortController();
  stop.abort();
  expect(await minimized({}, store, stop.signal)).toMatchObject({ inputs_after: 4 });
  expect(onDisk()).toEqual(ALL);
});

test("due when it has doubled, and is worth it", () => {
  expect([isMinimizeDue(99, 0), isMinimizeDue(100, 0), isMinimizeDue(100, NaN)]).toEqual([false, true, true]);
  expect([isMinimizeDue(399, 200), isMinimizeDue(400, 200)]).toEqual([false, true]);
});
