/** Archives as an enemy would make them: header by header. */
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import { Header, Pax, type HeaderData } from "tar";
import { extract } from "./extract.ts";

let folder: string;
let archive: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "kimtest-extract-"));
  mkdirSync(join(folder, "here"));
  archive = join(folder, "here/json-1700000001000.tar.gz");
});
afterEach(() => {
  rmSync(folder, { recursive: true });
});

type Entry = HeaderData & { readonly path: string; readonly body?: string };

const BLOCK = 512;
const padded = (bytes: Buffer): Buffer =>
  Buffer.concat([bytes, Buffer.alloc((BLOCK - (bytes.length % BLOCK)) % BLOCK)]);

function entry({ body = "", ...header }: Entry): Buffer {
  const bytes = Buffer.from(body);
  const block = Buffer.alloc(BLOCK);
  const made = new Header({ type: "File", mode: 0o644, size: bytes.length, mtime: new Date(0), ...header });
  const needsPax = made.encode(block);
  const pax = needsPax ? new Pax({ path: header.path, size: header.size ?? bytes.length }).encode() : Buffer.alloc(0);
  return Buffer.concat([pax, block, padded(bytes)]);
}

const put = (...entries: Entry[]): void => {
  writeFileSync(archive, gzipSync(Buffer.concat([...entries.map(entry), Buffer.alloc(2 * BLOCK)])));
};
const GOOD: Entry = { path: "failure.json", body: '{"a":1}' };

test("files and folders, with plain modes", async () => {
  put(GOOD, { path: "logs/", type: "Directory", mode: 0o7777 }, { path: "logs/a/b.txt", body: "x", mode: 0o4755 });
  const target = await extract(archive, false);
  expect(target).toBe(join(folder, "here/json-1700000001000"));
  expect(readdirSync(target, { recursive: true }).sort()).toEqual(["failure.json", "logs", "logs/a", "logs/a/b.txt"]);
  expect(readFileSync(join(target, "failure.json"), "utf8")).toBe('{"a":1}');
  expect(statSync(join(target, "logs/a/b.txt")).mode & 0o7777).toBe(0o644);
  expect(statSync(join(target, "logs")).mode & 0o7777).toBe(0o755);
  expect(readdirSync(join(folder, "here")).sort()).toEqual(["json-1700000001000", "json-1700000001000.tar.gz"]);
});

describe("refused, all of it", () => {
  const refused = { code: "BAD_INPUT" };
  const table: [string, Entry[], object][] = [
    ["a parent", [{ path: "../evil", body: "x" }], refused],
    ["a parent inside", [{ path: "a/../../evil", body: "x" }], refused],
    ["an absolute path", [{ path: "/tmp/kimtest-evil", body: "x" }], refused],
    ["a drive", [{ path: "..\\evil", body: "x" }], refused],
    ["a symbolic link", [{ path: "a", type: "SymbolicLink", linkpath: "/etc" }], refused],
    ["a link inside", [{ path: "a", type: "SymbolicLink", linkpath: "failure.json" }], refused],
    ["a hard link", [{ path: "a", type: "Link", linkpath: "/etc/passwd" }], refused],
    ["a character device", [{ path: "a", type: "CharacterDevice", devmaj: 1, devmin: 3 }], refused],
    ["a block device", [{ path: "a", type: "BlockDevice", devmaj: 8, devmin: 0 }], refused],
    ["a named pipe", [{ path: "a", type: "FIFO" }], refused],
    ["an escape in a name", [{ path: "a\u001b[2J", body: "x" }], refused],
    ["a newline in a name", [{ path: "a\nb", body: "x" }], refused],
    ["text from right to left", [{ path: "a\u202egpj.sh", body: "x" }], refused],
    [
      "a name twice",
      [
        { path: "a", body: "1" },
        { path: "a", body: "2" },
      ],
      refused,
    ],
    [
      "a file as a folder",
      [
        { path: "a", body: "1" },
        { path: "a/b", body: "2" },
      ],
      refused,
    ],
    ["too many", Array.from({ length: 6 }, (_, index) => ({ path: String(index) })), { code: "LIMIT_EXCEEDED" }],
    [
      "too large",
      [
        { path: "a", body: "x".repeat(5_000) },
        { path: "b", body: "x".repeat(5_001) },
      ],
      { code: "LIMIT_EXCEEDED" },
    ],
    ["said to be too large", [{ path: "a", size: 8 * 1024 ** 3 }], { code: "LIMIT_EXCEEDED" }],
  ];
  test.each(table)("%s", async (_, entries, error) => {
    // What is good comes first: it goes, too.
    put(GOOD, ...entries);
    await expect(extract(archive, true, { entries: 6, bytes: 10_007 })).rejects.toMatchObject(error);
    expect(readdirSync(folder)).toEqual(["here"]);
    expect(readdirSync(join(folder, "here"))).toEqual(["json-1700000001000.tar.gz"]);
    expect(existsSync("/tmp/kimtest-evil")).toBe(false);
  });

  test.each([
    ["no archive", Buffer.from("hello")],
    ["empty", Buffer.alloc(0)],
    ["an archive of nothing", gzipSync(Buffer.alloc(1_024))],
    ["cut", gzipSync(Buffer.concat([entry(GOOD), entry({ path: "b", body: "x".repeat(9_000) })])).subarray(0, 120)],
    ["zeros", gzipSync(Buffer.alloc(1024 * 1024))],
  ])("%s", async (_, bytes) => {
    writeFileSync(archive, bytes);
    await expect(extract(archive, false)).rejects.toMatchObject({ code: "CORRUPT_DATA" });
    expect(readdirSync(join(folder, "here"))).toEqual(["json-1700000001000.tar.gz"]);
  });
});

test("what follows an archive's end is not read", async () => {
  const zeros = Buffer.alloc(16 * 1024 * 1024);
  writeFileSync(archive, gzipSync(Buffer.concat([entry(GOOD), zeros])));
  // Read on, it would be more than the limit.
  expect(readdirSync(await extract(archive, false, { entries: 6, bytes: 10_007 }))).toEqual(["failure.json"]);
});

test("a bomb: unzipped no further than its limit", async () => {
  writeFileSync(
    archive,
    gzipSync(Buffer.concat([entry({ path: "a", size: 9 * 1024 ** 2 }), Buffer.alloc(64 * 1024 * 1024)])),
  );
  await expect(extract(archive, false, { entries: 6, bytes: 10_007 })).rejects.toMatchObject({
    code: "LIMIT_EXCEEDED",
  });
  expect(readdirSync(join(folder, "here"))).toEqual(["json-1700000001000.tar.gz"]);
});

describe("the folder is there already", () => {
  const target = (): string => join(folder, "here/json-1700000001000");

  test("with the same content: fine, and left alone", async () => {
    put(GOOD);
    await extract(archive, false);
    const before = statSync(target()).ino;
    await extract(archive, false);
    expect(statSync(target()).ino).toBe(before);
  });

  test.each([
    [
      "a changed file",
      () => {
        writeFileSync(join(target(), "failure.json"), "mine");
      },
    ],
    [
      "one more file",
      () => {
        writeFileSync(join(target(), "notes"), "mine");
      },
    ],
    [
      "a link in place of a file",
      () => {
        writeFileSync(join(folder, "real"), '{"a":1}');
        rmSync(join(target(), "failure.json"));
        symlinkSync(join(folder, "real"), join(target(), "failure.json"));
      },
    ],
  ])("with %s: refused, --force replaces it", async (_, change) => {
    put(GOOD);
    await extract(archive, false);
    change();
    await expect(extract(archive, false)).rejects.toMatchObject({ code: "BAD_INPUT" });
    await extract(archive, true);
    expect(readdirSync(target())).toEqual(["failure.json"]);
    expect(readFileSync(join(target(), "failure.json"), "utf8")).toBe('{"a":1}');
  });

  test("--force removes a link to elsewhere, and nothing behind it", async () => {
    put(GOOD);
    mkdirSync(join(folder, "elsewhere"));
    writeFileSync(join(folder, "elsewhere/precious"), "x");
    symlinkSync(join(folder, "elsewhere"), target());
    await expect(extract(archive, false)).rejects.toMatchObject({ code: "BAD_INPUT" });
    await extract(archive, true);
    expect(readdirSync(join(folder, "elsewhere"))).toEqual(["precious"]);
    expect(readdirSync(target())).toEqual(["failure.json"]);
  });
});
