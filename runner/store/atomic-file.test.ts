/** State files: old or new, never half, never left lying about. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readFileSync } from "node:fs";
import { mkdir, mkdtemp, readdir, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { afterAll, beforeAll, expect, test } from "@jest/globals";

import { until } from "../../test/until.ts";
import { readFileIfPresent, removeFile, removeStaleTemporaryFiles, writeFileAtomic } from "./atomic-file.ts";
import { watchSyncs } from "./sync-watch.fixture.ts";
import { isOwnerDead, newOwnerToken, ownerPidOf } from "./process-identity.ts";

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "kimtest-atomic-"));
});
afterAll(() => rm(folder, { recursive: true }));

test("writes, replaces, reads, removes, and leaves nothing else", async () => {
  const path = join(folder, "state.json");
  expect(await readFileIfPresent(path)).toBeUndefined();
  await writeFileAtomic(path, "one");
  await writeFileAtomic(path, Buffer.from("two"));
  expect((await readFileIfPresent(path))?.toString()).toBe("two");
  expect(await readdir(folder)).toEqual(["state.json"]);
  await expect(readFileIfPresent(path, 2)).rejects.toMatchObject({ code: "LIMIT_EXCEEDED" });
  expect(await removeFile(path)).toBe(true);
  expect(await removeFile(path)).toBe(false);
});

test("the file is fsynced before it takes the place of the old one, and the folder after that", async () => {
  const path = join(folder, "synced");
  await writeFileAtomic(path, "old");
  const watch = await watchSyncs(async (kind) => `${kind}: ${String((await readFileIfPresent(path))?.toString())}`);
  try {
    await writeFileAtomic(path, "new");
    await removeFile(path);
    expect(watch.seen).toEqual(["file: old", "folder: new", "folder: undefined"]);
  } finally {
    watch.stop();
  }
});

test("a write that cannot be finished leaves no temporary file", async () => {
  const target = join(folder, "is-a-folder");
  await mkdir(join(target, "x"), { recursive: true });
  await expect(writeFileAtomic(target, "x")).rejects.toMatchObject({ code: "EISDIR" });
  expect(await readdir(folder)).toEqual(["is-a-folder"]);
  await rm(target, { recursive: true });
});

test("a link is not read through", async () => {
  await writeFile(join(folder, "real"), "x");
  await symlink("real", join(folder, "link"));
  await expect(readFileIfPresent(join(folder, "link"))).rejects.toMatchObject({ code: "ELOOP" });
  await rm(join(folder, "link"));
  await rm(join(folder, "real"));
});

test("a file that is replaced without pause by a process which is killed is always whole", async () => {
  const path = join(folder, "state");
  const module = new URL("atomic-file.ts", import.meta.url).href;
  const program = `
    const { writeFileAtomic } = await import(${JSON.stringify(module)});
    for (let round = 0; ; round++) await writeFileAtomic(${JSON.stringify(path)}, String(round % 10).repeat(200_000));
  `;
  for (let kill = 0; kill < 7; kill++) {
    const child = spawn(process.execPath, ["--input-type=module", "--eval", program], { stdio: "inherit" });
    const ended = once(child, "exit");
    try {
      await until("it was replaced", () => existsSync(path) && !readFileSync(path, "utf8").startsWith("0"));
      await new Promise((resolve) => setTimeout(resolve, Math.random() * 40));
    } finally {
      child.kill("SIGKILL");
      await ended;
    }
    const content = (await readFileIfPresent(path))?.toString() ?? "";
    expect(content).toMatch(/^(\d)\1{199999}$/);
    await rm(path);
    await removeStaleTemporaryFiles(folder, Date.now());
    expect(await readdir(folder)).toEqual([]);
  }
}, 180_000);

test("tokens: this process lives; an ended one, a reused number and another boot are dead; doubt is not", async () => {
  const own = newOwnerToken();
  expect([ownerPidOf(own), isOwnerDead(own)]).toEqual([process.pid, false]);
  const [pid = "", start = "", boot = "", namespace = "", chance = ""] = own.split("-");
  const token = (...parts: string[]): string => parts.join("-");
  expect(isOwnerDead(token(pid, String(Number(start) + 1), boot, namespace, chance))).toBe(true);
  expect(isOwnerDead(token(pid, start, "abcdef012345", namespace, chance))).toBe(true);
  expect(isOwnerDead(token(pid, start, boot, "1", chance))).toBe(false);
  expect(isOwnerDead("someone")).toBe(false);
  const child = spawn("sleep", ["60"]);
  const childToken = token(String(child.pid), "1", boot, namespace, chance);
  expect(isOwnerDead(childToken)).toBe(true);
  child.kill("SIGKILL");
  await once(child, "exit");
  expect(isOwnerDead(childToken)).toBe(true);
});
