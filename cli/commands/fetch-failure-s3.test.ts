/**
 * list-failures and fetch-failure on a bucket: the real SDK against a real moto server, Glacier's classes and restores
 * included (moto holds a restore back for as long as it is told to), and real processes where one is killed.
 */
import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { PutObjectCommand, S3Client, type StorageClass } from "@aws-sdk/client-s3";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { execa } from "execa";
import { S3Store } from "../../runner/store/s3-store.ts";
import { motoOfFile } from "../../test/aws/moto-hooks.ts";
import { startProxy, type Proxy } from "../../test/aws/proxy.ts";
import { until } from "../../test/until.ts";
import { archiveObjects } from "../failures/archive.fixture.ts";
import { fakeDeps, kimtest } from "../fake-deps.fixture.ts";
import { Folder } from "../folder.fixture.ts";
import { fetchFailure } from "./fetch-failure.ts";

const MAIN = fileURLToPath(new URL("../main.ts", import.meta.url));
const MEBIBYTE = 1024 * 1024;
const STORE = "s3://kimtest-fetch/of/tests";
/** Under a part of an upload, so that S3 keeps a checksum of the whole. */
const LARGE = Buffer.from(Array.from({ length: 7 * MEBIBYTE }, (_, index) => (index * 31 + (index >> 12)) % 256));

const moto = motoOfFile({ buckets: ["kimtest-fetch"] });
let proxy: Proxy;
let store: S3Store;
beforeAll(async () => {
  proxy = await startProxy(moto().port);
  store = new S3Store({ bucket: "kimtest-fetch", prefix: "of/tests" });
}, 330_000);
afterAll(async () => {
  store.close();
  await proxy.stop();
});

let count = 0;
/** A new object; returns its key. */
async function put(body: Buffer | string, storageClass?: StorageClass): Promise<string> {
  count += 1;
  const key = `failures/fuzz/json-${String(1_700_000_000_000 + count)}.tar.gz`;
  if (storageClass === undefined) await store.put(key, body);
  else {
    const client = new S3Client({ forcePathStyle: true });
    const object = { Bucket: "kimtest-fetch", Key: `of/tests/${key}`, Body: body, StorageClass: storageClass };
    await client.send(new PutObjectCommand(object));
    client.destroy();
  }
  return key;
}
const pathOf = (folder: Folder, key: string): string => join(folder.path, key.replace("failures/fuzz/", ""));
const argvOf = (folder: Folder, ...more: string[]): string[] => [
  ...["fetch-failure", ...more],
  ...["--store", STORE, "--to", folder.path],
];
const start = (argv: readonly string[], endpoint: string) =>
  execa(process.execPath, [MAIN, ...argv], { env: { ...moto().env, AWS_ENDPOINT_URL: endpoint }, reject: false });

test("listed from the index, fetched, and checked with the checksum that S3 keeps", async () => {
  const key = "failures/vopr/seed-17-1700000000000.json";
  for (const [one, body] of archiveObjects([{ key, signature: "agreement:gray", body: "{}" }], 1))
    await store.put(one, body);
  const listed = await kimtest(["list-failures", "--store", STORE, "--kind", "vopr"]);
  expect(listed.stdout).toMatch(/^2023-11-14 22:13:20 {2}vopr\/seed-17-1700000000000\.json .* agreement:gray\n$/);
  const folder = new Folder();
  const ran = await kimtest([...argvOf(folder, "seed-17-"), "--json"]);
  expect(JSON.parse(ran.stdout)).toMatchObject({
    fetched: [{ key, size: 2, verified: "crc32", new: true }],
    failed: [],
  });
  const again = await kimtest([...argvOf(folder, key), "--json"]);
  expect(JSON.parse(again.stdout)).toMatchObject({ fetched: [{ verified: "crc32", new: false }] });
});

test("an object in parts has no checksum of the whole: only its size is checked, and that is said", async () => {
  const key = await put(Buffer.alloc(9 * MEBIBYTE, "parts"));
  const folder = new Folder();
  const ran = await kimtest(argvOf(folder, key));
  expect(ran).toMatchObject({ exitCode: 0, stdout: `${pathOf(folder, key)}\n` });
  expect(ran.stderr).toMatch(/^only its size was checked: the store has no checksum of it\n/);
});

test("a bucket that is not there: exit code 4", async () => {
  const ran = await kimtest(["list-failures", "--store", "s3://kimtest-nowhere"]);
  expect(ran).toMatchObject({ exitCode: 4, stdout: "" });
});

/** Bytes of the object that is being fetched into the folder. */
function arrivedIn(folder: Folder): number {
  const scratch = join(folder.path, ".fetching");
  const name = existsSync(scratch) ? readdirSync(scratch).find((one) => /\.[0-9a-f]{16}$/.test(one)) : undefined;
  return name === undefined ? 0 : statSync(join(scratch, name)).size;
}

describe("a line that breaks", () => {
  test("kill -9 in the middle: nothing under its name; the same command goes on where it ended", async () => {
    const key = await put(LARGE);
    const folder = new Folder();
    proxy.set("slow");
    const first = start(argvOf(folder, key), proxy.endpoint);
    await until("two megabytes have arrived", () => arrivedIn(folder) >= 2 * MEBIBYTE);
    first.kill("SIGKILL");
    expect((await first).signal).toBe("SIGKILL");
    const kept = arrivedIn(folder);
    expect(kept).toBeLessThan(LARGE.length);
    expect(existsSync(pathOf(folder, key))).toBe(false);

    proxy.set("pass");
    const before = proxy.bytes;
    const second = await start(argvOf(folder, key), proxy.endpoint);
    expect(second.exitCode).toBe(0);
    expect(readFileSync(pathOf(folder, key)).equals(LARGE)).toBe(true);
    expect(proxy.bytes - before).toBeLessThan(LARGE.length - kept + 100_000);
    expect(readdirSync(folder.path).sort()).toEqual([key.replace("failures/fuzz/", ""), "store"]);
  }, 180_000);

  test("Ctrl-C in the middle ends it at once; what has come is kept", async () => {
    const key = await put(LARGE);
    const folder = new Folder();
    proxy.set("slow");
    const first = start(argvOf(folder, key), proxy.endpoint);
    await until("a megabyte has arrived", () => arrivedIn(folder) >= MEBIBYTE);
    first.kill("SIGINT");
    expect(await first).toMatchObject({ exitCode: 130, stdout: "", stderr: "kimtest: interrupted" });
    expect(arrivedIn(folder)).toBeLessThan(LARGE.length);
    proxy.set("pass");
    expect((await start(argvOf(folder, key), proxy.endpoint)).exitCode).toBe(0);
    expect(readFileSync(pathOf(folder, key)).equals(LARGE)).toBe(true);
  }, 180_000);

  test("kill -9, and the object is replaced before the next try: the new one, whole", async () => {
    const key = await put(LARGE);
    const folder = new Folder();
    proxy.set("slow");
    const first = start(argvOf(folder, key), proxy.endpoint);
    await until("it is being fetched", () => existsSync(join(folder.path, ".fetching")));
    await delay(500);
    first.kill("SIGKILL");
    await first;
    const other = Buffer.alloc(LARGE.length, "other");
    await store.put(key, other);
    expect((await start(argvOf(folder, key), moto().endpoint)).exitCode).toBe(0);
    expect(readFileSync(pathOf(folder, key)).equals(other)).toBe(true);
  }, 180_000);

  test("each answer is cut after a megabyte: one command brings it all the same", async () => {
    const key = await put(LARGE);
    const folder = new Folder();
    proxy.set("cut-bodies");
    const ran = await start(argvOf(folder, key), proxy.endpoint);
    expect(ran).toMatchObject({ exitCode: 0, stdout: pathOf(folder, key) });
    expect(readFileSync(pathOf(folder, key)).equals(LARGE)).toBe(true);
  }, 180_000);
});

describe("Glacier", () => {
  /** A restore by moto takes so many looks at the object; one that was looked at less before it would call restored. */
  const RESTORE_LOOKS = 20;
  beforeAll(async () => {
    const transition = { progression: "manual", times: RESTORE_LOOKS };
    const body = JSON.stringify({ model_name: "s3::keyrestore", transition });
    const answer = await fetch(`${moto().endpoint}/moto-api/state-manager/set-transition`, { method: "POST", body });
    expect(answer.status).toBe(201);
  });
  async function putCold(storageClass: StorageClass): Promise<string> {
    const key = await put("cold", storageClass);
    for (let looks = 0; looks < RESTORE_LOOKS; looks += 1) await store.head(key);
    return key;
  }

  test.each([
    ["GLACIER", "3 to 5 hours"],
    ["DEEP_ARCHIVE", "up to 12 hours"],
  ] as const)("%s: said, with what a restore takes; nothing is asked for", async (storageClass, hours) => {
    const key = await put("cold", storageClass);
    const folder = new Folder();
    expect(await kimtest(argvOf(folder, key))).toEqual({
      exitCode: 6,
      stdout: "",
      stderr:
        `kimtest: ${key} is in ${storageClass} and cannot be read at once\n` +
        `  --restore asks for a copy for 7 days (billed; it takes ${hours}), --wait 12h waits for it\n`,
    });
    expect((await store.head(key))?.availability).toBe("archived");
    expect(readdirSync(folder.path)).toEqual(["store"]);
  });

  test("GLACIER_IR is read like any other", async () => {
    const key = await put("cold", "GLACIER_IR");
    expect((await kimtest(argvOf(new Folder(), key))).exitCode).toBe(0);
  });

  test("--restore asks and ends: exit code 6; the same command asks no second time", async () => {
    const key = await putCold("GLACIER");
    const folder = new Folder();
    const first = await kimtest(argvOf(folder, key, "--restore"));
    expect(first).toMatchObject({ exitCode: 6, stdout: "" });
    expect(first.stderr).toBe(
      `${key}: a restore from GLACIER was asked for; it takes 3 to 5 hours\n` +
        `kimtest: ${key} is being restored from GLACIER\n` +
        "  it takes 3 to 5 hours: run the same command later, or add --wait 12h\n",
    );
    const second = await kimtest(argvOf(folder, key, "--restore"));
    expect(second.stderr).toMatch(/^kimtest: .* is being restored from GLACIER\n/);
  });

  test("--restore --wait: waits, then fetches", async () => {
    const key = await putCold("DEEP_ARCHIVE");
    const folder = new Folder();
    const { deps, ran } = fakeDeps();
    await fetchFailure([key], { store: STORE, to: folder.path, restore: true, wait: 60_000 }, deps, 50);
    expect(readFileSync(pathOf(folder, key), "utf8")).toBe("cold");
    expect(ran.stderr).toMatch(/^.*: a restore from DEEP_ARCHIVE was asked for; .*\n.*: waiting for its restore\n/);
  });

  test("--wait that is not long enough: exit code 6; Ctrl-C: 130", async () => {
    const key = await putCold("GLACIER");
    const options = { store: STORE, to: new Folder().path, restore: true as const };
    await expect(fetchFailure([key], { ...options, wait: 200 }, fakeDeps().deps, 50)).rejects.toMatchObject({
      code: "NOT_READY",
      message: `${key} is still not restored from GLACIER`,
    });
    const stop = new AbortController();
    setTimeout(() => {
      stop.abort("SIGINT");
    }, 100);
    const waiting = fetchFailure([key], { ...options, wait: 60_000 }, fakeDeps({ stop: stop.signal }).deps, 50);
    await expect(waiting).rejects.toMatchObject({ code: "INTERRUPTED" });
  });

  test("vopr-repro on an archived key says what to do", async () => {
    const key = "failures/vopr/seed-9-1700000000000.json";
    const client = new S3Client({ forcePathStyle: true });
    await client.send(
      new PutObjectCommand({ Bucket: "kimtest-fetch", Key: `of/tests/${key}`, Body: "{}", StorageClass: "GLACIER" }),
    );
    client.destroy();
    const ran = await kimtest(["vopr-repro", key, "--store", STORE]);
    expect(ran.exitCode).toBe(5);
    expect(ran.stderr).toContain("kimtest fetch-failure KEY --restore");
  });
});
