/** From the text of --store to a store. */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { execFileSync } from "node:child_process";

import { afterAll, beforeAll, expect, test } from "@jest/globals";

import { openStore, parseStoreLocation } from "./open-store.ts";

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "kimtest-open-"));
});
afterAll(() => rm(folder, { recursive: true }));

test.each([
  ["s3://bucket", { kind: "s3", bucket: "bucket", prefix: "" }],
  ["s3://bucket/", { kind: "s3", bucket: "bucket", prefix: "" }],
  ["s3://my.bucket-1/a/b", { kind: "s3", bucket: "my.bucket-1", prefix: "a/b" }],
  ["s3://bucket/a/", { kind: "s3", bucket: "bucket", prefix: "a" }],
  [".kimtest/store", { kind: "folder", path: resolve(".kimtest/store") }],
  ["/tmp/x", { kind: "folder", path: "/tmp/x" }],
  ["s3", { kind: "folder", path: resolve("s3") }],
])("%s", (location, expected) => {
  expect(parseStoreLocation(location)).toEqual(expected);
});

test.each([
  "",
  " ",
  "s3://",
  "s3:///a",
  "s3://Bucket",
  "s3://b",
  "s3://bucket/../x",
  "s3://bucket//x",
  "http://bucket",
  "file:///tmp",
  "S3://bucket",
  "a\0b",
])("%j is a usage error with a hint", async (location) => {
  await expect(openStore(location)).rejects.toMatchObject({
    code: "USAGE",
    hint: "give s3://bucket, s3://bucket/prefix or the path of a folder",
  });
});

test("a folder store is created by its first write; mustExist refuses a missing one with a hint", async () => {
  const path = join(folder, "new");
  await expect(openStore(path, { mustExist: true })).rejects.toMatchObject({
    code: "NOT_FOUND",
    hint: "run `npm run cycle` first, or name another with --store s3://bucket or --store PATH",
  });
  const store = await openStore(path);
  expect(store.url).toBe(path);
  await store.put("a", "x");
  expect((await (await openStore(path, { mustExist: true })).get("a"))?.size).toBe(1);
});

test("a file in place of the folder is a usage error", async () => {
  await writeFile(join(folder, "file"), "");
  await expect(openStore(join(folder, "file"))).rejects.toMatchObject({ code: "USAGE" });
});

test("s3:// gives an S3 store with its url, and asks nothing yet", async () => {
  const store = await openStore("s3://kimtest-bucket/some/prefix/");
  expect(store.url).toBe("s3://kimtest-bucket/some/prefix");
  store.close();
});

test("a folder store does not load the AWS SDK", () => {
  const program = `
    const { registerHooks } = await import("node:module");
    const loaded = [];
    registerHooks({ load(url, context, next) { loaded.push(url); return next(url, context); } });
    const { openStore } = await import(${JSON.stringify(new URL("open-store.ts", import.meta.url).href)});
    await openStore(${JSON.stringify(folder)});
    console.log(loaded.filter((url) => url.includes("@aws-sdk") || url.includes("@smithy")).length, loaded.length > 5);
  `;
  expect(execFileSync(process.execPath, ["--input-type=module", "--eval", program], { encoding: "utf8" })).toBe(
    "0 true\n",
  );
});
