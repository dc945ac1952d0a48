import { chmodSync, mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "@jest/globals";
import { hashOfFolder } from "./folder-hash.ts";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "kimtest-hash-"));
  mkdirSync(join(folder, "below"));
  writeFileSync(join(folder, "Dockerfile"), "FROM scratch\n");
  writeFileSync(join(folder, "below/run.sh"), "exec ivy_check\n");
});
afterEach(() => {
  rmSync(folder, { recursive: true });
});

test("the same for the same content; another for every change that a build may notice", async () => {
  const first = await hashOfFolder(folder);
  expect(first).toMatch(/^[0-9a-f]{64}$/);
  writeFileSync(join(folder, "Dockerfile"), "FROM scratch\n");
  expect(await hashOfFolder(folder)).toBe(first);

  const path = (name: string): string => join(folder, name);
  const replaced = (name: string, make: (path: string) => void): void => {
    rmSync(path(name), { force: true });
    make(path(name));
  };
  const changes: (() => void)[] = [
    () => {
      writeFileSync(path("Dockerfile"), "FROM scratch \n");
    },
    () => {
      chmodSync(path("below/run.sh"), 0o755);
    },
    () => {
      writeFileSync(path("below/new"), "");
    },
    () => {
      renameSync(path("below/new"), path("below/other"));
    },
    () => {
      replaced("below/other", (link) => {
        symlinkSync("run.sh", link);
      });
    },
    () => {
      replaced("below/other", (link) => {
        symlinkSync("elsewhere", link);
      });
    },
  ];
  const hashes = [first];
  for (const change of changes) {
    change();
    hashes.push(await hashOfFolder(folder));
  }
  expect(new Set(hashes).size).toBe(hashes.length);
});

test("a folder that is not there", async () => {
  await expect(hashOfFolder(join(folder, "nowhere"))).rejects.toMatchObject({ code: "ENOENT" });
});
