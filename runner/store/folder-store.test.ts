/** The folder store: the contract, and what only a folder can get wrong (links, kills, other processes). */
import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { createReadStream, existsSync } from "node:fs";
import { mkdir, mkdtemp, readdir, readFile, rm, symlink, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";

import { FolderStore } from "./folder-store.ts";
import { newOwnerToken } from "./process-identity.ts";
import { describeStoreContract, keysOf } from "./store-contract.ts";

let folder: string;
const makeFolder = async (): Promise<string> => mkdtemp(join(tmpdir(), "kimtest-store-"));

describeStoreContract("FolderStore", {
  async setUp() {
    const parent = await makeFolder();
    folder = parent;
    return { open: (name) => Promise.resolve(new FolderStore(join(parent, name))) };
  },
  tearDown: () => rm(folder, { recursive: true }),
  propertyRuns: 40,
});

const WRITER = fileURLToPath(new URL("folder-store-writer.fixture.ts", import.meta.url));

describe("FolderStore", () => {
  let parent: string;
  let root: string;
  beforeAll(async () => {
    parent = await makeFolder();
  });
  afterAll(() => rm(parent, { recursive: true }));
  const fresh = (name: string): FolderStore => {
    root = join(parent, name);
    return new FolderStore(root);
  };

  test("objects are plain files in the bucket layout, and nothing unfinished stays", async () => {
    const store = fresh("layout");
    await store.put("failures/vopr/seed-1-5.json", "{}");
    expect(await readFile(join(root, "failures/vopr/seed-1-5.json"), "utf8")).toBe("{}");
    expect((await readdir(root)).sort()).toEqual([".tmp", "failures"]);
    expect((await readdir(join(root, ".tmp"))).filter((name) => !name.startsWith("lock-"))).toEqual([]);
  });

  test("a source that breaks before it is read, while a new store makes its folders, is an error like any other", async () => {
    const store = fresh("early-error");
    const missing = createReadStream(join(parent, "there is no such file"));
    await expect(store.writeFrom("one", missing)).rejects.toThrow("ENOENT");
    expect(await keysOf(store.list(""))).toEqual([]);
  });

  test("reading creates no folder", async () => {
    const store = fresh("reading-only");
    await store.get("a");
    await keysOf(store.list(""));
    expect(existsSync(root)).toBe(false);
  });

  test("a key that is a folder of others, and below an object, is refused with the reason", async () => {
    const store = fresh("conflict");
    await store.put("a/b", "x");
    await expect(store.put("a", "x")).rejects.toMatchObject({
      code: "BAD_INPUT",
      message: expect.stringContaining("folder of others"),
    });
    await expect(store.put("a/b/c", "x")).rejects.toMatchObject({ code: "BAD_INPUT" });
    expect(await store.get("a")).toBeUndefined();
    expect(await store.get("a/b/c")).toBeUndefined();
  });

  test("links inside the root are not followed, neither to read nor to write nor to list", async () => {
    const store = fresh("links");
    const outside = join(parent, "outside");
    await mkdir(outside);
    await writeFile(join(outside, "secret"), "secret");
    await store.put("inside/a", "x");
    await symlink(outside, join(root, "link"));
    await symlink(join(outside, "secret"), join(root, "file-link"));
    await expect(store.get("link/secret")).rejects.toMatchObject({ code: "BAD_INPUT" });
    await expect(store.put("link/new", "x")).rejects.toMatchObject({ code: "BAD_INPUT" });
    await expect(store.put("link/deep/new", "x")).rejects.toMatchObject({ code: "BAD_INPUT" });
    expect(await store.get("file-link")).toBeUndefined();
    await store.put("file-link", "mine");
    expect(await readFile(join(outside, "secret"), "utf8")).toBe("secret");
    expect(await readdir(outside)).toEqual(["secret"]);
    expect(await keysOf(store.list(""))).toEqual(["file-link", "inside/a"]);
  });

  test("the root itself may be a link", async () => {
    const real = join(parent, "real-root");
    await mkdir(real);
    await symlink(real, join(parent, "root-link"));
    const store = fresh("root-link");
    await store.put("a/b", "x");
    expect((await store.get("a/b"))?.body.toString()).toBe("x");
    expect(await keysOf(store.list("a/"))).toEqual(["a/b"]);
  });

  test("a pipe under an object's name does not block", async () => {
    const store = fresh("pipe");
    await store.put("a", "x");
    execFileSync("mkfifo", [join(root, "pipe")]);
    expect(await store.get("pipe")).toBeUndefined();
    expect(await keysOf(store.list(""))).toEqual(["a"]);
  });

  test("what killed writers left is removed by the next writer; a living writer's is kept", async () => {
    const store = fresh("left-over");
    const scratch = join(root, ".tmp");
    await mkdir(scratch, { recursive: true });
    const dead = `.tmp-${newOwnerToken().replace(/^\d+/, "4194304999")}`;
    const living = `.tmp-${newOwnerToken()}`;
    const unknown = ".tmp-by-an-old-version";
    for (const name of [dead, living, unknown]) await writeFile(join(scratch, name), "half");
    const longAgo = new Date(Date.now() - 2 * 24 * 60 * 60 * 1000);
    await utimes(join(scratch, unknown), longAgo, longAgo);
    await store.put("a", "x");
    expect((await readdir(scratch)).filter((name) => name.startsWith(".tmp-"))).toEqual([living]);
  });

  test("processes that race with putIf never lose an update, though some are killed while they hold the lock", async () => {
    const store = fresh("processes");
    await store.put("counter", "0");
    const start = (kind: string): { ended: Promise<string>; kill: () => boolean } => {
      const child = spawn(process.execPath, [WRITER, root, kind], { stdio: ["ignore", "pipe", "inherit"] });
      let output = "";
      child.stdout.on("data", (chunk: Buffer) => (output += chunk.toString()));
      return { ended: once(child, "close").then(() => output), kill: () => child.kill("SIGKILL") };
    };
    const counters = [start("count"), start("count"), start("count")];
    const victims = [start("die-holding-lock"), start("die-holding-lock")];
    const outputs = await Promise.all(counters.map(({ ended }) => ended));
    await Promise.all(victims.map(({ ended }) => ended));
    const successes = outputs.map((output) => Number(/^added (\d+)$/m.exec(output)?.[1]));
    expect(successes).toEqual([40, 40, 40]);
    expect((await store.get("counter"))?.body.toString()).toBe("120");
  }, 180_000);
});
