/**
 * Corpora in whole cycles: restored, saved and minimised, on a folder and on S3 (the real SDK against moto, behind a
 * proxy), and with a store that is away. cargo is a stand-in (fake-cargo-fuzz.js).
 */
import { createHash } from "node:crypto";
import { mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { openStore } from "../runner/store/open-store.ts";
import { startMoto, type Moto } from "./aws/moto.ts";
import { startProxy, type Proxy } from "./aws/proxy.ts";
import { cargoProfile, corpusOf, fuzzCycle, unpacked } from "./fuzz-cycle.ts";
import { workbenches, type Workbench } from "./workbench.ts";

/** The first run installs moto. */
const INSTALL_TIMEOUT_MS = 330_000;
const sha1 = (text: string): string => createHash("sha1").update(text).digest("hex");

let moto: Moto;
let proxy: Proxy;
let endpointBefore: string | undefined;
beforeAll(async () => {
  moto = await startMoto();
  await moto.createBucket("results");
  proxy = await startProxy(moto.port);
  endpointBefore = process.env["AWS_ENDPOINT_URL"];
  process.env["AWS_ENDPOINT_URL"] = proxy.endpoint;
}, INSTALL_TIMEOUT_MS);
afterAll(async () => {
  process.env["AWS_ENDPOINT_URL"] = endpointBefore;
  await proxy.stop();
  await moto.stop();
});

const workbench = workbenches();
const local = (bench: Workbench): string[] => readdirSync(corpusOf(bench, "target")).sort();

async function stored(url: string): Promise<string[]> {
  const store = await openStore(url);
  const names: string[] = [];
  for await (const { key } of store.list("fuzz-corpus/")) names.push(key.slice("fuzz-corpus/".length));
  store.close();
  return names;
}

async function put(url: string, objects: Readonly<Record<string, string>>): Promise<void> {
  const store = await openStore(url);
  for (const [name, text] of Object.entries(objects)) await store.put(`fuzz-corpus/${name}`, text);
  store.close();
}

/** 120 inputs that reach 20 things: what the merge of the stand-in keeps of them. */
const SAVED = Array.from(
  { length: 120 },
  (_, index) => `${String.fromCharCode(97 + (index % 20))}${"x".repeat(index)}`,
);
const NEEDED = SAVED.slice(0, 20).map(sha1).sort();

const RESTORED = "what an earlier machine saved is brought here and minimised, with a backup; what is found is added";

async function restoredAndMinimised(bench: Workbench, url: string): Promise<void> {
  const hostile = { [`target/${sha1("a lie")}`]: "something else", "target/README": "hello" };
  await put(url, { ...Object.fromEntries(SAVED.map((text) => [`target/${sha1(text)}`, text])), ...hostile });
  const profile = cargoProfile({ targets: { target: { inputs: 2 } } });
  const { result, warnings } = await fuzzCycle(bench, profile, { store: url, seconds: 12 });
  expect(result?.targets["target"]).toMatchObject({
    verdict: "passed",
    corpus_inputs: local(bench).length,
    corpus_minimized: { inputs_before: 120, inputs_after: 20, features_before: 20, features_after: 20, reason: null },
  });
  expect(warnings).toEqual(["target: 1 inputs in the store are not what their names say and are not used"]);
  const found = [sha1("A1-0"), sha1("B1-1")];
  expect(local(bench)).toEqual(expect.arrayContaining([...NEEDED, ...found]));
  const after = await stored(url);
  const backup = after.filter((name) => name.startsWith("target/backups/"));
  expect(after).toEqual([...local(bench).map((name) => `target/${name}`), ...Object.keys(hostile), ...backup].sort());
  expect(backup).toHaveLength(1);
  const store = await openStore(url);
  const archive = await unpacked((await store.get(`fuzz-corpus/${backup[0]!}`))!.body);
  store.close();
  expect(Object.keys(archive).sort()).toEqual(SAVED.slice(20).map(sha1).sort());
  expect(Object.values(archive).map(String).sort()).toEqual(SAVED.slice(20).sort());

  // It has not doubled since.
  const second = await fuzzCycle(bench, profile, { store: url, seconds: 8 });
  expect(second.result?.targets["target"]).toMatchObject({ verdict: "passed", corpus_minimized: null });
  // A machine that lost its disk has all of it again.
  const other = workbench();
  await fuzzCycle(other, profile, { store: url, seconds: 8 });
  expect(local(other)).toEqual(expect.arrayContaining(local(bench)));
}

test.concurrent(
  `a folder: ${RESTORED}`,
  async () => {
    const bench = workbench();
    await restoredAndMinimised(bench, bench.store);
  },
  90_000,
);

test.concurrent(
  "a merge that would lose something changes nothing, and that is said",
  async () => {
    const bench = workbench();
    await put(bench.store, Object.fromEntries(SAVED.map((text) => [`target/${sha1(text)}`, text])));
    const { result, warnings } = await fuzzCycle(bench, cargoProfile({ targets: { target: { merge: "loses" } } }));
    const reason = "the smaller corpus reaches 19 features, not 20";
    expect(result?.targets["target"]).toMatchObject({
      verdict: "passed",
      corpus_minimized: { inputs_after: 120, reason },
    });
    expect(warnings).toEqual([`target: its corpus was not minimised: ${reason}`]);
    expect(await stored(bench.store)).toHaveLength(120);
  },
  60_000,
);

test.concurrent(
  "folders with seeds are read beside the corpus; one that is missing is said",
  async () => {
    const bench = workbench();
    mkdirSync(join(bench.folder, "seeds"));
    writeFileSync(join(bench.folder, "seeds", "one.sql"), "SELECT 1");
    const profile = cargoProfile({ targets: { target: {} } }, { seed_folders: { target: ["seeds", "gone"] } });
    const { result, warnings } = await fuzzCycle(bench, { ...profile, work_tree: bench.folder });
    expect(result?.targets["target"]?.verdict).toBe("passed");
    expect(warnings.filter((one) => one.startsWith("target"))).toEqual([
      `target: there is no folder of seeds ${join(bench.folder, "gone")}`,
    ]);
    expect(local(bench)).toEqual([]); // not the corpus's own
  },
  60_000,
);

// One after the other: they share the proxy, and Jest refuses a dynamic import (the S3 store's) beside other tests.
test(`S3: ${RESTORED}`, () => restoredAndMinimised(workbench(), "s3://results/minimised"), 90_000);

test("a store that is away: fuzzed with what is here, said once, and offered again by the next cycle", async () => {
  const bench = workbench();
  const store = "s3://results/away";
  const profile = cargoProfile({ targets: { target: { inputs: 3, build: 500 }, other: { inputs: 1 } } });
  const running = fuzzCycle(bench, profile, { store, seconds: 25 });
  await bench.untilRunning("fuzz");
  proxy.set("refuse");
  while (bench.cycleState().phase === "fuzz") await delay(100);
  proxy.set("pass");
  const { result, warnings } = await running;
  expect(result).toMatchObject({ verdict: "passed" });
  const said = (what: string) => warnings.filter((one) => one.startsWith(`corpora could not be ${what}, `));
  expect([said("restored").length, said("saved").length]).toEqual([1, 1]);
  expect(said("saved")[0]).toContain("they stay on the disk and are offered again: s3://results/away: cannot ");
  const kept = local(bench);
  expect(kept).toContain(sha1("A1-0"));
  expect(await stored(store)).toEqual([]);

  await fuzzCycle(bench, profile, { store, seconds: 10 });
  expect(await stored(store)).toEqual(expect.arrayContaining(kept.map((name) => `target/${name}`)));
}, 120_000);
