/** On a folder store; test/fuzz-corpus.test.ts does it on S3 and through whole cycles. */
import { createHash } from "node:crypto";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "@jest/globals";
import fc from "fast-check";
import { KimtestError } from "../../contracts/errors.ts";
import { FolderStore } from "../store/folder-store.ts";
import { storeWith } from "../store/store-with.fixture.ts";
import { CorpusSync } from "./corpus-sync.ts";

const sha1 = (text: string): string => createHash("sha1").update(text).digest("hex");
const go = new AbortController().signal;

let folder: string;
let store: FolderStore;
let corpus: CorpusSync;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "kimtest-corpus-"));
  store = new FolderStore(join(folder, "store"));
  corpus = new CorpusSync(store, "target", join(folder, "corpus"));
});
afterEach(() => {
  rmSync(folder, { recursive: true });
});

const onDisk = (): string[] => readdirSync(corpus.folder).sort();
async function inStore(prefix = "fuzz-corpus/target/"): Promise<string[]> {
  const names: string[] = [];
  for await (const { key } of store.list(prefix)) names.push(key.slice(prefix.length));
  return names;
}
function put(...texts: string[]): void {
  mkdirSync(corpus.folder, { recursive: true });
  for (const text of texts) writeFileSync(join(corpus.folder, sha1(text)), text);
}

test("what one life saved another restores; neither takes anything away", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.uniqueArray(fc.string({ minLength: 1, unit: "binary" }), { maxLength: 20 }),
      fc.uniqueArray(fc.string({ minLength: 1, unit: "binary" }), { maxLength: 20 }),
      async (first, second) => {
        store = new FolderStore(mkdtempSync(join(folder, "store-")));
        rmSync(corpus.folder, { recursive: true, force: true });
        put(...first);
        const saved = await new CorpusSync(store, "target", corpus.folder).save(go);
        expect(saved).toEqual({ uploaded: first.length, left: 0, tooLarge: 0 });
        rmSync(corpus.folder, { recursive: true });
        put(...second);
        const next = new CorpusSync(store, "target", corpus.folder);
        const restored = await next.restore(go);
        const both = [...new Set([...first, ...second])].map(sha1).sort();
        expect(restored).toEqual({ downloaded: both.length - second.length, refused: 0, left: 0 });
        expect(onDisk()).toEqual(both);
        await next.save(go);
        expect(await inStore()).toEqual(both);
      },
    ),
    { numRuns: 15 },
  );
}, 120_000);

test("what the store took is not offered again", async () => {
  put("a", "b");
  expect(await corpus.save(go)).toMatchObject({ uploaded: 2 });
  put("c");
  expect(await corpus.save(go)).toMatchObject({ uploaded: 1 });
  expect(await corpus.save(go)).toMatchObject({ uploaded: 0 });
});

test("hostile keys, wrong contents and too large inputs in the store are not let in, and stay where they are", async () => {
  const strange = [
    "readme.txt",
    "backups/1700000000000.tar.gz",
    sha1("x").toUpperCase(),
    `${sha1("x")}0`,
    `sub/${sha1("x")}`,
  ];
  for (const name of strange) await store.put(`fuzz-corpus/target/${name}`, "x");
  await store.put(`fuzz-corpus/target/${sha1("good")}`, "good");
  await store.put(`fuzz-corpus/target/${sha1("one thing")}`, "another thing");
  await store.put(`fuzz-corpus/target/${sha1("")}`, "");
  const large = "l".repeat(1024 * 1024 + 1);
  await store.put(`fuzz-corpus/target/${sha1(large)}`, large);
  await store.put(`fuzz-corpus/target2/${sha1("other")}`, "other");
  const before = await inStore("fuzz-corpus/");
  expect(await corpus.restore(go)).toEqual({ downloaded: 1, refused: 1, left: 0 });
  expect(onDisk()).toEqual([sha1("good")]);
  expect(await inStore("fuzz-corpus/")).toEqual(before);
  expect(readdirSync(folder).sort()).toEqual(["corpus", "store"]);
});

test("on the disk: files that are not what their names say are given the right ones; what is no input is left alone", async () => {
  put("whole");
  writeFileSync(join(corpus.folder, sha1("written to its end")), "written to");
  writeFileSync(join(corpus.folder, "seed.bin"), "seed");
  writeFileSync(join(corpus.folder, sha1("")), "");
  symlinkSync("/etc/passwd", join(corpus.folder, sha1("link")));
  mkdirSync(join(corpus.folder, sha1("folder")));
  await corpus.restore(go);
  expect(onDisk()).toEqual(["", "folder", "link", "seed", "whole", "written to"].map(sha1).sort());
  await corpus.save(go);
  expect(await inStore()).toEqual(["seed", "whole", "written to"].map(sha1).sort());
  // Torn since: not what its name says, so the store does not get it.
  writeFileSync(join(corpus.folder, sha1("torn")), "to");
  expect(await corpus.save(go)).toEqual({ uploaded: 0, left: 1, tooLarge: 0 });
  put("m".repeat(1024 * 1024 + 1));
  expect(await corpus.save(go)).toEqual({ uploaded: 0, left: 1, tooLarge: 1 });
});

test("an input that the fuzzer removes while others are saved is passed over, the others are saved", async () => {
  put(...Array.from({ length: 20 }, (_, index) => `input ${String(index).padStart(2, "0")}`));
  const gone = onDisk().at(-1)!;
  const removing = storeWith(store, {
    put(key, body) {
      rmSync(join(corpus.folder, gone), { force: true });
      return store.put(key, body);
    },
  });
  const saved = await new CorpusSync(removing, "target", corpus.folder).save(go);
  expect(saved).toEqual({ uploaded: 19, left: 1, tooLarge: 0 });
  expect(await inStore()).toEqual(onDisk());
});

test("a stop begins no more transfers", async () => {
  put(...Array.from({ length: 40 }, (_, index) => `input ${String(index)}`));
  const stop = new AbortController();
  const slow = storeWith(store, {
    put(key, body) {
      stop.abort();
      return store.put(key, body);
    },
  });
  const saved = await new CorpusSync(slow, "target", corpus.folder).save(stop.signal);
  expect(saved.uploaded).toBeGreaterThan(0);
  expect(saved).toEqual({ uploaded: (await inStore()).length, left: 40 - (await inStore()).length, tooLarge: 0 });
  expect(saved.uploaded).toBeLessThan(10);
  expect(await corpus.save(go)).toMatchObject({ uploaded: 40 - saved.uploaded });
});

test("a store that fails in the middle: its error is told, and what it took is known", async () => {
  put("a", "bb", "ccc");
  // By its name, for all three are under way at once: which of them is the last is chance.
  let isAway = true;
  const failing = storeWith(store, {
    put(key, body) {
      const refuses = isAway && key.endsWith(sha1("ccc"));
      return refuses ? Promise.reject(new KimtestError("STORE_UNREACHABLE", "it is away")) : store.put(key, body);
    },
  });
  const sync = new CorpusSync(failing, "target", corpus.folder);
  await expect(sync.save(go)).rejects.toThrow("it is away");
  expect(await inStore()).toEqual(["a", "bb"].map(sha1).sort());
  isAway = false;
  expect(await sync.save(go)).toMatchObject({ uploaded: 1 });
  expect(readFileSync(join(folder, "store/fuzz-corpus/target", sha1("ccc")), "utf8")).toBe("ccc");
});
