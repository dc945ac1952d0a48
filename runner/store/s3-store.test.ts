/**
 * The S3 store against a real moto server: the contract, and what only a network can get wrong.
 *
 * That a condition and its write are one is S3's promise; moto keeps it where it is asked one thing at a time.
 */
import { Readable } from "node:stream";

import { ListMultipartUploadsCommand, PutObjectCommand, S3Client } from "@aws-sdk/client-s3";
import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";

import { KimtestError } from "../../contracts/errors.ts";
import { motoOfFile } from "../../test/aws/moto-hooks.ts";
import { startProxy, type Proxy } from "../../test/aws/proxy.ts";
import { startOneAtATime } from "./one-at-a-time.fixture.ts";
import { s3Error } from "./s3-errors.ts";
import { S3Store } from "./s3-store.ts";
import { describeStoreContract, infosOf, keysOf } from "./store-contract.ts";

const MEBIBYTE = 1024 * 1024;
const moto = motoOfFile({ buckets: ["kimtest-contract"] });

describeStoreContract("S3Store", {
  setUp: () =>
    Promise.resolve({
      open: (name) => Promise.resolve(new S3Store({ bucket: "kimtest-contract", prefix: `of/${name}` })),
    }),
  tearDown: () => Promise.resolve(),
  propertyRuns: 12,
  async aroundRace(race) {
    const oneAtATime = await startOneAtATime(moto().port);
    process.env["AWS_ENDPOINT_URL"] = oneAtATime.endpoint;
    try {
      await race();
    } finally {
      process.env["AWS_ENDPOINT_URL"] = moto().endpoint;
      await oneAtATime.stop();
    }
  },
});

async function errorOf(action: Promise<unknown>): Promise<KimtestError> {
  try {
    await action;
  } catch (error) {
    if (error instanceof KimtestError) return error;
    throw error;
  }
  throw new Error("it did not fail");
}

describe("S3Store", () => {
  test("lists more than 1000 keys in order over several pages, fetched as they are consumed", async () => {
    await moto().createBucket("kimtest-pages");
    const store = new S3Store({ bucket: "kimtest-pages", prefix: "" });
    const keys = Array.from(
      { length: 1005 },
      (_, index) => `failures/vopr/seed-${String(index * 7919)}-1700000000000.json`,
    );
    for (let start = 0; start < keys.length; start += 50) {
      await Promise.all(keys.slice(start, start + 50).map((key) => store.put(key, "{}")));
    }
    const listed = await keysOf(store.list("failures/"));
    expect(listed).toEqual(keys.toSorted());
    const proxy = await startProxy(moto().port);
    const paged = new S3Store({
      bucket: "kimtest-pages",
      prefix: "",
      pageSize: 100,
      env: { AWS_ENDPOINT_URL: proxy.endpoint },
    });
    process.env["AWS_ENDPOINT_URL"] = proxy.endpoint;
    const first: string[] = [];
    for await (const { key } of paged.list("failures/")) {
      first.push(key);
      if (first.length === 150) break;
    }
    process.env["AWS_ENDPOINT_URL"] = moto().endpoint;
    expect(first).toEqual(listed.slice(0, 150));
    expect(proxy.connections).toBeLessThanOrEqual(2);
    await proxy.stop();
  }, 300_000);

  test("objects whose keys no store would take (a console's folder marker) are left out of listings", async () => {
    await moto().createBucket("kimtest-foreign");
    const client = new S3Client({ forcePathStyle: true });
    for (const Key of ["digests/", "digests/a.json", "digests//b"]) {
      await client.send(new PutObjectCommand({ Bucket: "kimtest-foreign", Key, Body: "x" }));
    }
    client.destroy();
    expect(await keysOf(new S3Store({ bucket: "kimtest-foreign", prefix: "" }).list(""))).toEqual(["digests/a.json"]);
  });

  test("a source that breaks leaves no parts of an upload either", async () => {
    const store = new S3Store({ bucket: "kimtest-contract", prefix: "parts" });
    const source = new Readable({ read: () => undefined });
    source.push(Buffer.alloc(20 * MEBIBYTE));
    setTimeout(() => source.destroy(new Error("the disk of the source broke")), 300);
    await expect(store.writeFrom("big", source)).rejects.toThrow("the disk of the source broke");
    const client = new S3Client({ forcePathStyle: true });
    const { Uploads } = await client.send(new ListMultipartUploadsCommand({ Bucket: "kimtest-contract" }));
    client.destroy();
    expect(Uploads ?? []).toEqual([]);
  });

  test("a put of more than one part is one object with one etag", async () => {
    const store = new S3Store({ bucket: "kimtest-contract", prefix: "large" });
    const body = Buffer.alloc(17 * MEBIBYTE, "0123456789abcdef!");
    const { etag } = await store.put("a.bin", body);
    const found = await store.get("a.bin");
    expect(found?.etag).toBe(etag);
    expect(found?.body.equals(body)).toBe(true);
    expect(await infosOf(store.list(""))).toMatchObject([{ key: "a.bin", size: body.length }]);
  });

  test("a missing bucket is NOT_FOUND with a hint", async () => {
    const store = new S3Store({ bucket: "kimtest-nowhere", prefix: "" });
    for (const action of [() => store.get("a"), () => store.put("a", "x"), () => keysOf(store.list(""))]) {
      const error = await errorOf(action());
      expect([error.code, error.hint]).toEqual(["NOT_FOUND", expect.stringContaining("--store s3://bucket")]);
    }
  });

  test("missing credentials are STORE_REFUSED with a hint", async () => {
    const keyId = process.env["AWS_ACCESS_KEY_ID"];
    delete process.env["AWS_ACCESS_KEY_ID"];
    try {
      const error = await errorOf(new S3Store({ bucket: "kimtest-contract", prefix: "" }).get("a"));
      expect([error.code, error.hint]).toEqual(["STORE_REFUSED", expect.stringContaining("aws sso login")]);
    } finally {
      process.env["AWS_ACCESS_KEY_ID"] = keyId;
    }
  });
});

describe("S3Store behind a bad network", () => {
  let proxy: Proxy;
  let stores: S3Store[];
  beforeEach(async () => {
    proxy = await startProxy(moto().port);
    process.env["AWS_ENDPOINT_URL"] = proxy.endpoint;
    stores = [];
  });
  /** By default patient: what is expected to succeed must, on a busy machine too. */
  function opened(requestTimeoutMs = 20_000): S3Store {
    const limits = { requestTimeoutMs, connectionTimeoutMs: requestTimeoutMs, maxAttempts: 3 };
    const store = new S3Store({ bucket: "kimtest-contract", prefix: "net", ...limits });
    stores.push(store);
    return store;
  }
  afterEach(async () => {
    for (const store of stores) store.close();
    await proxy.stop();
    process.env["AWS_ENDPOINT_URL"] = moto().endpoint;
  });

  test.each(["refuse", "hang"] as const)(
    "a store that is gone (%s) is STORE_UNREACHABLE after 3 attempts",
    async (mode) => {
      proxy.set(mode);
      const error = await errorOf(opened(400).put("a", "x"));
      expect([error.code, error.hint]).toEqual(["STORE_UNREACHABLE", expect.stringContaining("AWS_ENDPOINT_URL")]);
      expect(error.message).toContain("s3://kimtest-contract/net: cannot write a");
      expect(proxy.connections).toBe(3);
    },
  );

  test("a server that is frozen is STORE_UNREACHABLE, and fine again afterwards", async () => {
    moto().freeze();
    try {
      expect((await errorOf(opened(400).get("a"))).code).toBe("STORE_UNREACHABLE");
    } finally {
      moto().thaw();
    }
    const store = opened();
    await store.put("thawed", "x");
    expect((await store.get("thawed"))?.size).toBe(1);
  });

  test("one bad connection is retried without anybody noticing", async () => {
    const store = opened();
    proxy.setOnce("refuse", 2);
    await store.put("retried", "x");
    expect((await store.get("retried"))?.body.toString()).toBe("x");
  });

  test("a conditional put whose answer is lost is known to be ours", async () => {
    const store = opened();
    proxy.setOnce("cut-answers", 1);
    const result = await store.putIf("lost-answer", "mine", { ifAbsent: true });
    expect(result).toBeDefined();
    expect(proxy.connections).toBeGreaterThanOrEqual(2);
    expect((await store.get("lost-answer"))?.etag).toBe(result?.etag);
    proxy.setOnce("refuse", 1);
    expect(await store.putIf("lost-answer", "not mine", { ifAbsent: true })).toBeUndefined();
  });

  test("a body that breaks off is fetched again by get, and is an error in a stream", async () => {
    const store = opened();
    await store.put("large", Buffer.alloc(6 * MEBIBYTE, 7));
    proxy.setOnce("cut-bodies", 1);
    expect((await store.get("large"))?.size).toBe(6 * MEBIBYTE);
    proxy.set("cut-bodies");
    expect((await errorOf(store.get("large"))).code).toBe("STORE_UNREACHABLE");
    const read = await store.openRead("large");
    const error = await errorOf(read!.stream.forEach(() => undefined));
    expect([error.code, error.message]).toEqual(["STORE_UNREACHABLE", expect.stringContaining("broke off after")]);
  });
});

describe("s3Error", () => {
  const service = (name: string, httpStatusCode: number): Error =>
    Object.assign(new Error(`${name} happened`), { name, $metadata: { httpStatusCode, attempts: 1 } });
  const network = (code: string): Error => Object.assign(new Error(`connect ${code}`), { code });

  test.each([
    [service("AccessDenied", 403), "STORE_REFUSED", "aws sts get-caller-identity"],
    [service("InvalidAccessKeyId", 403), "STORE_REFUSED", "aws sso login"],
    [service("ExpiredToken", 400), "STORE_REFUSED", "aws sso login; check this machine's clock, too"],
    [service("RequestTimeTooSkewed", 403), "STORE_REFUSED", "clock"],
    [service("NoSuchBucket", 404), "NOT_FOUND", "--store"],
    [service("PermanentRedirect", 301), "STORE_REFUSED", "AWS_REGION"],
    [service("InvalidArgument", 400), "STORE_REFUSED", undefined],
    [service("RequestTimeout", 400), "STORE_UNREACHABLE", "network"],
    [service("SlowDown", 503), "STORE_UNREACHABLE", "network"],
    [service("TooManyRequests", 429), "STORE_UNREACHABLE", "network"],
    [service("InternalError", 500), "STORE_UNREACHABLE", "network"],
    [network("ECONNREFUSED"), "STORE_UNREACHABLE", "network"],
    [network("ENOTFOUND"), "STORE_UNREACHABLE", "network"],
    [network("ECONNRESET"), "STORE_UNREACHABLE", "network"],
    [network("CERT_HAS_EXPIRED"), "STORE_UNREACHABLE", "network"],
    [Object.assign(new Error("late"), { name: "TimeoutError" }), "STORE_UNREACHABLE", "network"],
    [
      Object.assign(new Error("Could not load credentials from any providers"), { name: "CredentialsProviderError" }),
      "STORE_REFUSED",
      "aws sso login",
    ],
    [new Error("Region is missing"), "STORE_REFUSED", "AWS_REGION"],
  ])("case %# is read as it should be", (error, code, hint) => {
    const mapped = s3Error(error, "s3://bucket: cannot read a") as KimtestError;
    expect(mapped).toBeInstanceOf(KimtestError);
    expect(mapped.code).toBe(code);
    expect(mapped.message).toContain(`s3://bucket: cannot read a: `);
    if (hint === undefined) expect(mapped.hint).toBeUndefined();
    else expect(mapped.hint).toContain(hint);
  });

  test("a mistake of ours stays what it is", () => {
    const mistake = new TypeError("x is not a function");
    expect(s3Error(mistake, "doing")).toBe(mistake);
  });
});
