import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { createHash } from "node:crypto";
import { afterEach, beforeEach, expect, test } from "@jest/globals";
import fc from "fast-check";
import { extract } from "tar";
import { MAX_BYTES, pack, type PackedFile } from "./pack.ts";

const run = promisify(execFile);
const file = (path: string, content: string, executable = false): PackedFile => ({
  path,
  content: Buffer.from(content),
  executable,
});

let folder = "";
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "kimtest-pack-"));
});
afterEach(async () => {
  await rm(folder, { recursive: true });
});

test("the system's tar unpacks what was packed, with modes and without a trace of who packed it", async () => {
  const { archive, sha256 } = pack([
    file("runner.js", "console.log(1)\n"),
    file("host/bootstrap.sh", "#!/bin/sh\n", true),
    file("empty", ""),
  ]);
  expect(sha256).toBe(createHash("sha256").update(archive).digest("hex"));
  const path = join(folder, "bundle.tar.gz");
  await writeFile(path, archive);
  const { stdout } = await run("tar", ["--utc", "--numeric-owner", "-tvzf", path]);
  expect(
    stdout
      .trim()
      .split("\n")
      .map((line) => line.replace(/\s+/g, " ")),
  ).toEqual([
    "-rw-r--r-- 0/0 0 1970-01-01 00:00 empty",
    "-rwxr-xr-x 0/0 10 1970-01-01 00:00 host/bootstrap.sh",
    "-rw-r--r-- 0/0 15 1970-01-01 00:00 runner.js",
  ]);
  await run("tar", ["-xzf", path, "-C", folder]);
  expect(await readFile(join(folder, "runner.js"), "utf8")).toBe("console.log(1)\n");
  expect((await stat(join(folder, "host/bootstrap.sh"))).mode & 0o777).toBe(0o755);
});

test("the same files give the same bytes, in any order; another content gives others", () => {
  const files = [file("b", "2"), file("a", "1"), file("c/d", "3", true)];
  const once = pack(files);
  expect(pack([...files].reverse()).archive.equals(once.archive)).toBe(true);
  expect(pack([...files.slice(1), file("b", "3")]).sha256).not.toBe(once.sha256);
  expect(pack([...files.slice(0, 2), file("c/d", "3")]).sha256).not.toBe(once.sha256);
  // gzip's time and system: neither says anything.
  expect([...once.archive.subarray(4, 8), once.archive[9]]).toEqual([0, 0, 0, 0, 255]);
});

test("whatever is packed is unpacked", async () => {
  const name = fc.stringMatching(/^[a-z][a-z0-9._-]{0,30}$/);
  const files = fc.uniqueArray(fc.tuple(name, fc.uint8Array({ maxLength: 2_000 })), {
    selector: ([path]) => path,
    maxLength: 6,
    minLength: 1,
  });
  await fc.assert(
    fc.asyncProperty(files, async (entries) => {
      const target = await mkdtemp(join(folder, "unpacked-"));
      const { archive } = pack(entries.map(([path, content]) => ({ path, content, executable: false })));
      await writeFile(join(target, ".tar.gz"), archive);
      await extract({ file: join(target, ".tar.gz"), cwd: target, strict: true });
      for (const [path, content] of entries) {
        expect((await readFile(join(target, path))).equals(content)).toBe(true);
      }
    }),
    { numRuns: 20 },
  );
});

test.each([
  ["a path twice", [file("a", "1"), file("a", "2")], "a would be in the bundle twice"],
  ["an absolute path", [file("/etc/passwd", "")], '"/etc/passwd" cannot be a path in the bundle'],
  ["a path that leads out", [file("a/../../b", "")], '"a/../../b" cannot be a path in the bundle'],
  ["no path", [file("", "")], '"" cannot be a path in the bundle'],
  ["a long path", [file("x".repeat(300), "")], `${"x".repeat(300)} does not fit into a plain tar header`],
  [
    "too many bytes",
    [{ path: "a", content: Buffer.alloc(MAX_BYTES + 1), executable: false }],
    `the bundle would hold ${MAX_BYTES + 1} bytes, at most ${MAX_BYTES} are delivered`,
  ],
])("%s is refused", (_what, files, message) => {
  expect(() => pack(files)).toThrow(expect.objectContaining({ code: "BAD_INPUT", message }));
});
