/** A store that is away for the middle third of a cycle: nothing lost, and the digest says for how long. Real S3 client, moto behind a proxy. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { CHECKPOINT_KEY, DIGEST_KEY, REGISTRY_KEY } from "../contracts/bucket.ts";
import { checkpointSchema } from "../contracts/checkpoint.ts";
import { digestSchema } from "../contracts/digest.ts";
import { registrySchema } from "../contracts/registry.ts";
import { openStore } from "../runner/store/open-store.ts";
import { readJson } from "../runner/store/read-json.ts";
import { startMoto, type Moto } from "./aws/moto.ts";
import { startProxy, type Proxy } from "./aws/proxy.ts";
import { fakeProfile } from "./fake-profile.ts";
import { Workbench } from "./workbench.ts";

/** The first run installs moto. */
const INSTALL_TIMEOUT_MS = 330_000;

let moto: Moto;
let proxy: Proxy;
let bench: Workbench;
beforeAll(async () => {
  moto = await startMoto();
  await moto.createBucket("results");
  proxy = await startProxy(moto.port);
  bench = new Workbench(fakeProfile({ seed_ms: 20, fail_every: 10 }));
}, INSTALL_TIMEOUT_MS);
afterAll(async () => {
  await proxy.stop();
  await moto.stop();
  bench.remove();
});

const STORE = "s3://results/cycle-tests";
const cycle = (duration: string, env: Record<string, string> = {}) =>
  bench.start(
    [
      "cycle",
      "--store",
      STORE,
      "--state",
      bench.state,
      "--profile",
      bench.profilePath,
      "--duration",
      duration,
      "--workers",
      "2",
    ],
    { ...moto.env, AWS_ENDPOINT_URL: proxy.endpoint, ...env },
  );

test("away from the start: a runner without a state does not begin at seed 0 on a guess", async () => {
  proxy.set("refuse");
  const { exitCode, stderr } = await cycle("4s");
  expect(exitCode).toBe(5);
  expect(stderr).toMatch(/^kimtest: /m);
  expect(existsSync(join(bench.state, "cycle.json"))).toBe(false);
  proxy.set("pass");
}, 120_000);

test("away for the middle third", async () => {
  const running = cycle("20s");
  await bench.untilRunning("vopr");
  await delay(4_000);
  proxy.set("refuse");
  await delay(6_000);
  proxy.set("pass");
  const { exitCode, stdout } = await running;
  expect(exitCode).toBe(1); // every tenth seed fails

  const store = await openStore(STORE);
  const digest = (await readJson(store, DIGEST_KEY, digestSchema))!.value;
  expect(digest).toMatchObject({
    kind: "final",
    cycle: 1,
    vopr: { verdict: "failed", inconclusive_seeds: 0 },
    store: { waiting: 0 },
  });
  // Time away is counted from the first put that failed to the first that worked again.
  expect(digest.store.unreachable_seconds).toBeGreaterThan(4);
  expect(digest.store.unreachable_seconds).toBeLessThan(15);
  expect(stdout).toMatch(/could not be reached for \d+\.\d s; what was put meanwhile waited on this machine/);

  const keys: string[] = [];
  for await (const { key } of store.list("failures/vopr/")) keys.push(key);
  expect(keys).toHaveLength(digest.vopr.failures_total);
  const checkpoint = (await readJson(store, CHECKPOINT_KEY, checkpointSchema))!.value;
  expect(checkpoint).toMatchObject({
    total_iterations: digest.vopr.iterations,
    total_failures: digest.vopr.failures_total,
  });
  const registry = (await readJson(store, REGISTRY_KEY, registrySchema))!.value;
  const counts = Object.values(registry.findings).reduce((sum, finding) => sum + finding.count, 0);
  expect(counts).toBe(digest.vopr.failures_total);
  store.close();
}, 180_000);

test("a store that accepts and never answers: SIGTERM still ends the runner within ten seconds", async () => {
  // The programs before the marathon take a second each, so that the store is away when it begins.
  const running = cycle("60s", { FAKE_PROGRAM_MS: "1000" });
  await bench.untilRunning("fuzz");
  proxy.set("hang");
  await bench.untilRunning("vopr");
  await delay(1_000); // it looks for its canary, and asks for known findings
  const stoppedAtMs = Date.now();
  running.kill("SIGTERM");
  const { exitCode, signal, stderr } = await running;
  expect(Date.now() - stoppedAtMs).toBeLessThan(10_000);
  expect({ exitCode, signal, stderr: exitCode === 130 ? "" : stderr }).toEqual({
    exitCode: 130,
    signal: undefined,
    stderr: "",
  });
  proxy.set("pass");
}, 180_000);
