/** What a download makes of bytes that come late, twice, wrong or not at all. The store is a stand-in that misbehaves. */
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import { hash } from "node:crypto";
import { KimtestError } from "../../contracts/errors.ts";
import { systemClock } from "../../runner/platform/clock.ts";
import { takeFolderLock } from "../../runner/store/folder-lock.ts";
import type { ObjectHead, ReadOptions } from "../../runner/store/object-store.ts";
import { download } from "./download.ts";

const KEY = "failures/vopr/seed-17-1700000000000.json";
const NAME = "seed-17-1700000000000.json";
const URL = "s3://stand-in";
const BYTES = Buffer.from(Array.from({ length: 200_000 }, (_, index) => (index * 31) % 251));
const HEAD: ObjectHead = {
  key: KEY,
  size: BYTES.length,
  etag: "one",
  modified: new Date(0),
  checksum: { algorithm: "sha256", hex: hash("sha256", BYTES, "hex") },
  availability: "ready",
  storageClass: "STANDARD",
};
const PARTIAL = `${NAME}.${hash("sha256", `${URL}\n${KEY}\none`, "hex").slice(0, 16)}`;

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "kimtest-download-"));
});
afterEach(() => {
  rmSync(folder, { recursive: true });
});

/** A store whose n-th stream is what `streams` says; it notes what it was asked for. */
function source(...streams: ((rest: Buffer) => Readable | undefined)[]) {
  const asked: ReadOptions[] = [];
  return {
    url: URL,
    asked,
    openRead: (key: string, options: ReadOptions = {}) => {
      expect(key).toBe(KEY);
      const stream = streams[Math.min(asked.length, streams.length - 1)]!(BYTES.subarray(options.offset ?? 0));
      asked.push(options);
      return Promise.resolve(stream === undefined ? undefined : { info: HEAD, stream });
    },
  };
}
const whole = (rest: Buffer): Readable => Readable.from([rest]);
const brokenAfter =
  (count: number) =>
  (rest: Buffer): Readable =>
    Readable.from(
      (function* () {
        if (count > 0) yield rest.subarray(0, count);
        throw new KimtestError("STORE_UNREACHABLE", "broke off");
      })(),
    );

const fetchFrom = (store: ReturnType<typeof source>, change: Partial<ObjectHead> = {}, force = false) =>
  download(store, { head: { ...HEAD, ...change }, path: join(folder, NAME), force, onProgress: () => undefined });
const isWhole = (): boolean => readFileSync(join(folder, NAME)).equals(BYTES);
const putPartial = (content: Buffer | string): void => {
  mkdirSync(join(folder, ".fetching"));
  writeFileSync(join(folder, ".fetching", PARTIAL), content);
};

test("whole and alone", async () => {
  expect(await fetchFrom(source(whole))).toEqual({ verified: "sha256", isOld: false });
  expect(isWhole()).toBe(true);
  expect(readdirSync(folder)).toEqual([NAME]);
});

describe("resumed", () => {
  test("where an earlier process was killed, and only if the object is still the same", async () => {
    putPartial(BYTES.subarray(0, 150_000));
    const store = source(whole);
    await fetchFrom(store);
    expect(store.asked).toEqual([{ offset: 150_000, etag: "one" }]);
    expect(isWhole()).toBe(true);
    expect(readdirSync(folder)).toEqual([NAME]);
  });

  test("nothing is asked for when only the last step was missing", async () => {
    putPartial(BYTES);
    const store = source(whole);
    await fetchFrom(store);
    expect(store.asked).toEqual([]);
    expect(isWhole()).toBe(true);
  });

  test("a partial file that was damaged, or is too long, is begun anew", async () => {
    putPartial(Buffer.alloc(150_000));
    const store = source(whole);
    await fetchFrom(store);
    expect(store.asked.map(({ offset }) => offset)).toEqual([150_000, 0]);
    expect(isWhole()).toBe(true);
    rmSync(join(folder, NAME));
    putPartial(Buffer.alloc(BYTES.length + 1));
    await fetchFrom(source(whole));
    expect(isWhole()).toBe(true);
  });

  test("what was begun of another content is not mixed in", async () => {
    putPartial(BYTES.subarray(0, 150_000));
    const store = source(whole);
    await fetchFrom(store, { etag: "two" });
    expect(store.asked).toEqual([{ offset: 0, etag: "two" }]);
    expect(isWhole()).toBe(true);
  });

  test("within one command, when the line breaks again and again", async () => {
    const store = source(brokenAfter(90_000), brokenAfter(90_000), whole);
    await fetchFrom(store);
    expect(store.asked.map(({ offset }) => offset)).toEqual([0, 90_000, 180_000]);
    expect(isWhole()).toBe(true);
  });

  test("given up when nothing comes any more; what has come stays for the next time", async () => {
    const dead = source(brokenAfter(70_000), brokenAfter(0));
    await expect(fetchFrom(dead)).rejects.toMatchObject({
      code: "STORE_UNREACHABLE",
      message: "broke off (70000 of 200000 bytes are here)",
      hint: "the same command goes on from there",
    });
    expect(dead.asked).toHaveLength(5);
    expect(readdirSync(folder)).toEqual([".fetching"]);
    const store = source(whole);
    await fetchFrom(store);
    expect(store.asked).toEqual([{ offset: 70_000, etag: "one" }]);
  }, 20_000);
});

describe("not what is stored: an error, and no file of that name", () => {
  test("other bytes of the same length: nothing is kept", async () => {
    const wrong = source((rest) => Readable.from([Buffer.alloc(rest.length)]));
    await expect(fetchFrom(wrong)).rejects.toMatchObject({
      code: "CORRUPT_DATA",
      message: `${KEY} came with another sha256 than it has`,
    });
    expect(wrong.asked).toHaveLength(1);
    expect(readdirSync(folder)).toEqual([]);
  });

  test.each(["crc32", "md5", "sha1"] as const)("with %s", async (algorithm) => {
    const checksum = { algorithm, hex: "0".repeat(8) };
    await expect(fetchFrom(source(whole), { checksum })).rejects.toMatchObject({ code: "CORRUPT_DATA" });
    expect(readdirSync(folder)).toEqual([]);
  });

  test("gone or replaced while it is fetched", async () => {
    const store = source(brokenAfter(10), () => undefined);
    await expect(fetchFrom(store)).rejects.toMatchObject({ code: "CORRUPT_DATA", hint: "run it again" });
    expect(readdirSync(folder)).toEqual([".fetching"]);
  });
});

test("checksums are those of the known values", async () => {
  const check = { crc32: "cbf43926", md5: "25f9e794323b453885f5181f1b624d0b" } as const;
  for (const [algorithm, hex] of Object.entries(check)) {
    const head = { size: 9, etag: algorithm, checksum: { algorithm: algorithm as keyof typeof check, hex } };
    const store = source(() => Readable.from([Buffer.from("1234"), Buffer.from("56789")]));
    expect(await fetchFrom(store, head, true)).toEqual({ verified: algorithm, isOld: false });
    rmSync(join(folder, NAME));
  }
});

test("without a checksum: an equal file is found equal after all, another one is not replaced", async () => {
  const head = { checksum: undefined };
  writeFileSync(join(folder, NAME), BYTES);
  expect(await fetchFrom(source(whole), head)).toEqual({ verified: "size", isOld: true });
  writeFileSync(join(folder, NAME), Buffer.alloc(BYTES.length));
  await expect(fetchFrom(source(whole), head)).rejects.toMatchObject({ code: "BAD_INPUT" });
  expect(isWhole()).toBe(false);
});

test("a file that appears while it is fetched is not overwritten", async () => {
  const store = source((rest) => {
    writeFileSync(join(folder, NAME), "mine");
    return whole(rest);
  });
  await expect(fetchFrom(store)).rejects.toMatchObject({ code: "BAD_INPUT" });
  expect(readFileSync(join(folder, NAME), "utf8")).toBe("mine");
});

test("a link in place of the partial file is not followed", async () => {
  writeFileSync(join(folder, "victim"), "precious");
  mkdirSync(join(folder, ".fetching"));
  symlinkSync(join(folder, "victim"), join(folder, ".fetching", PARTIAL));
  await expect(fetchFrom(source(whole))).rejects.toMatchObject({ code: "ELOOP" });
  expect(readFileSync(join(folder, "victim"), "utf8")).toBe("precious");
});

test("many side by side in one folder: none is without the folder of partial files that another took away", async () => {
  const one = async (index: number): Promise<void> => {
    const path = join(folder, `${String(index)}.json`);
    await download(source(whole), { head: HEAD, path, force: false, onProgress: () => undefined });
  };
  const work = async (first: number): Promise<void> => {
    for (let index = first; index < 300; index += 3) await one(index);
  };
  await Promise.all([0, 1, 2].map(work));
  expect(readdirSync(folder)).toHaveLength(300);
});

test("one process at a time", async () => {
  mkdirSync(join(folder, ".fetching"));
  const lock = await takeFolderLock({
    path: join(folder, ".fetching", `${PARTIAL}.lock`),
    scratch: join(folder, ".fetching"),
    waitMs: 0,
    clock: systemClock,
    what: "a test",
  });
  await expect(fetchFrom(source(whole))).rejects.toMatchObject({ code: "ALREADY_RUNNING" });
  await lock.release();
  await fetchFrom(source(whole));
  expect(isWhole()).toBe(true);
});
