/** Where the reading commands read, with a real emulator: the bucket of a stack, a named store, the local one. */
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "@jest/globals";
import { richDigest } from "../runner/phases/digest/samples.fixture.ts";
import { S3Store } from "../runner/store/s3-store.ts";
import { motoOfFile } from "../test/aws/moto-hooks.ts";
import { startProxy } from "../test/aws/proxy.ts";
import { partsOf, putStack } from "./aws/stack.fixture.ts";
import { kimtest } from "./fake-deps.fixture.ts";
import { Folder } from "./folder.fixture.ts";
import { stringifyJson } from "../contracts/json.ts";

const moto = motoOfFile({ forgets: true });

const digestOfCycle = (cycle: number) => ({ ...richDigest(), cycle });

/** A deployed stack whose bucket holds one digest. */
async function deployed(stack: string, cycle: number): Promise<string> {
  const { s3_bucket: bucket } = partsOf(stack);
  await putStack(stack);
  await moto().createBucket(bucket);
  const store = new S3Store({ bucket, prefix: "" });
  await store.put("digests/latest.json", stringifyJson(digestOfCycle(cycle)));
  store.close();
  return `s3://${bucket}`;
}

/** A folder with a local store that holds one digest. */
function withLocalStore(cycle: number): Folder {
  const folder = new Folder();
  mkdirSync(join(folder.path, ".kimtest"));
  folder.put("../.kimtest/store/digests/latest.json", digestOfCycle(cycle));
  return folder;
}

/** The cycle of the digest that is read, and what is said of where. */
async function read(folder: string, argv: readonly string[] = [], env: Record<string, string> = {}) {
  const here = { env: { ...process.env, ...env }, folder };
  const ran = await kimtest(["infra-digest", "--json", ...argv], { here });
  if (ran.exitCode !== 0) return { exitCode: ran.exitCode, stderr: ran.stderr };
  return { cycle: (JSON.parse(ran.stdout) as { cycle: number }).cycle, stderr: ran.stderr };
}

test("whoever has only run a cycle gets the local store, and AWS is not called", async () => {
  await deployed("dev", 9);
  const { path } = withLocalStore(3);
  const proxy = await startProxy(moto().port);
  const { AWS_ENDPOINT_URL: before } = process.env;
  process.env["AWS_ENDPOINT_URL"] = proxy.endpoint;
  try {
    expect(await read(path)).toEqual({
      cycle: 3,
      stderr: `reading ${join(path, ".kimtest/store")} (the local store)\n`,
    });
    expect(proxy.connections).toBe(0);
    expect(await read(path, ["--stack", "dev"])).toMatchObject({ cycle: 9 });
    expect(proxy.connections).toBeGreaterThan(0);
  } finally {
    process.env["AWS_ENDPOINT_URL"] = before;
    await proxy.stop();
  }
});

test("no local store: the bucket of the only stack", async () => {
  const url = await deployed("dev", 9);
  expect(await read(new Folder().path)).toEqual({
    cycle: 9,
    stderr: `reading ${url} (stack dev, the only one in us-east-1)\n`,
  });
});

describe("what somebody has said", () => {
  test("a flag, a variable, a file, in this order", async () => {
    await deployed("dev", 9);
    const url = await deployed("night", 8);
    const folder = withLocalStore(3);
    folder.put("digests/latest.json", digestOfCycle(4));
    const { path, store } = folder;
    const file = folder.write("kimtest.json", { stack: "dev" });
    expect(await read(path)).toMatchObject({
      cycle: 9,
      stderr: expect.stringContaining(`(stack dev, ${file})`) as unknown,
    });
    expect(await read(path, [], { KIMTEST_STORE: store })).toEqual({
      cycle: 4,
      stderr: `reading ${store} (KIMTEST_STORE)\n`,
    });
    expect(await read(path, [], { KIMTEST_STACK: "night" })).toMatchObject({ cycle: 8 });
    expect(await read(path, ["--store", url], { KIMTEST_STORE: store })).toEqual({ cycle: 8, stderr: "" });
    expect(await read(path, ["--stack", "night"], { KIMTEST_STORE: store })).toMatchObject({ cycle: 8 });
    folder.write("kimtest.json", { store: ".kimtest/store" });
    expect(await read(path)).toMatchObject({ cycle: 3 });
  });

  test("several stacks and none named: they are listed", async () => {
    await deployed("dev", 9);
    await deployed("night", 8);
    expect(await read(new Folder().path)).toEqual({
      exitCode: 2,
      stderr:
        "kimtest: there is no local store (.kimtest/store) here, and several stacks are deployed in us-east-1: dev, night\n" +
        "  `npm run cycle` makes a local one; --store names another; of a deployed stack: " +
        "choose one with --stack, KIMTEST_STACK or kimtest.json\n",
    });
  });
});

test("nothing anywhere: both ways are said", async () => {
  expect(await read(new Folder().path)).toEqual({
    exitCode: 4,
    stderr:
      "kimtest: there is no local store (.kimtest/store) here, and no stack is deployed in us-east-1, as far as this account sees\n" +
      "  `npm run cycle` makes a local one; --store names another; of a deployed stack: " +
      "deploy one (kimtest deploy-infra --create), or look elsewhere with --region or --profile\n",
  });
});

test("a stack in another region: its bucket is asked there", async () => {
  const bucket = "kimtest-far-1";
  await putStack("far", { region: "eu-west-1", s3_bucket: bucket }, "eu-west-1");
  await moto().createBucket(bucket);
  const store = new S3Store({ bucket, prefix: "" });
  await store.put("digests/latest.json", stringifyJson(digestOfCycle(5)));
  store.close();
  expect(await read(new Folder().path, ["--region", "eu-west-1"])).toMatchObject({ cycle: 5 });
});
