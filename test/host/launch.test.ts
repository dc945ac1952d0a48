/** The launcher, run for real against moto: which bundle it starts, and that a bad one never costs more than two tries. */
import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdir, readFile, readdir, readlink, rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";

import { CloudWatchClient, ListMetricsCommand } from "@aws-sdk/client-cloudwatch";
import { afterAll, afterEach, beforeAll, beforeEach, expect, jest, test } from "@jest/globals";

import { METRIC_NAMESPACE } from "../../contracts/metrics.ts";
import { serviceParameterName } from "../../contracts/stack.ts";
import { startMoto, type Moto } from "../aws/moto.ts";
import { until } from "../until.ts";
import { BUCKET, Machine } from "./machine.ts";
import { findHostTools } from "./tools.ts";

jest.setTimeout(330_000);

/** Nothing listens there. */
const NOWHERE = { AWS_ENDPOINT_URL: "http://127.0.0.1:9", AWS_MAX_ATTEMPTS: "1" };

let moto: Moto;
let programs: string;
let machine: Machine;
let made = 0;
beforeAll(async () => {
  ({ programs } = await findHostTools());
  moto = await startMoto();
  await moto.createBucket(BUCKET);
}, 600_000);
afterAll(async () => {
  await moto.stop();
});
beforeEach(async () => {
  made += 1;
  machine = await Machine.make(`launch-${String(made)}`, moto, programs);
  await machine.installLauncher();
});
afterEach(async () => {
  await machine.remove();
});

const bundlesOf = async (): Promise<string[]> => (await readdir(join(machine.root, "opt/kimtest/bundles"))).sort();
const settingsOf = async (): Promise<string> => readFile(join(machine.root, "var/lib/kimtest/service.json"), "utf8");

async function rejections(): Promise<number> {
  const client = new CloudWatchClient({});
  const Dimensions = [{ Name: "Stack", Value: machine.stack }];
  const { Metrics } = await client.send(
    new ListMetricsCommand({ Namespace: METRIC_NAMESPACE, MetricName: "BundleRejected", Dimensions }),
  );
  client.destroy();
  return Metrics?.length ?? 0;
}

const haveGood = (): Promise<string> => machine.haveStarted("old", "old-settings");

test("a new bundle is fetched, verified, unpacked and becomes the process that systemd started", async () => {
  const bundle = await machine.deliver("first");
  await machine.pointAt(bundle);
  const child = spawn("bash", [machine.launcher], { env: machine.environment(machine.serviceEnvironment()) });
  const code = await new Promise((resolve) => child.once("exit", resolve));
  expect(code).toBe(0);
  const [run] = (await machine.lines("runs.txt")).map((line) => JSON.parse(line) as unknown);
  expect(run).toEqual({
    name: "first",
    argv: [
      "--settings",
      join(machine.root, "var/lib/kimtest/service.json"),
      "--state",
      join(machine.root, "var/lib/kimtest/state"),
    ],
    bundle: bundle.sha256,
    profile: "embedded",
    pid: child.pid,
  });
  expect(await bundlesOf()).toEqual([bundle.sha256]);
  expect(await readlink(join(machine.root, "opt/kimtest/current"))).toBe(
    join(machine.root, "opt/kimtest/bundles", bundle.sha256),
  );
  expect(await rejections()).toBe(0);
});

test("a second start of the same bundle downloads nothing", async () => {
  const sha256 = await haveGood();
  // Not in the bucket: a download would fail.
  await machine.pointAt({ sha256, key: "runner/not-there" });
  const before = (await stat(join(machine.root, "opt/kimtest/bundles", sha256))).mtimeMs;
  const { output } = await machine.launch();
  expect(await machine.started()).toEqual(["old"]);
  expect((await stat(join(machine.root, "opt/kimtest/bundles", sha256))).mtimeMs).toBe(before);
  expect(output.trim().split("\n")).toEqual([expect.stringMatching(/launch: starting bundle [0-9a-f]{64}$/)]);
});

test("a bundle that does not come up is started twice, then the one before it, which stays", async () => {
  await haveGood();
  const bad = await machine.deliver("bad", { comesUp: false });
  await machine.pointAt(bad, "new-settings");
  for (let start = 0; start < 4; start += 1) await machine.launch();
  expect(await machine.started()).toEqual(["bad", "bad", "old", "old"]);
  expect(await rejections()).toBe(1);
  // Its settings are taken all the same: they are not what was rejected.
  expect(JSON.parse(await settingsOf())).toMatchObject({ profile: "new-settings" });

  const better = await machine.deliver("better");
  await machine.pointAt(better);
  await machine.launch();
  expect((await machine.started()).at(-1)).toBe("better");
});

test("without another bundle, one that does not come up is tried again and again", async () => {
  await machine.pointAt(await machine.deliver("bad", { comesUp: false }));
  for (let start = 0; start < 3; start += 1) await machine.launch();
  expect(await machine.started()).toEqual(["bad", "bad", "bad"]);
  expect(await rejections()).toBe(0);
});

test("a wrong hash is not started", async () => {
  await haveGood();
  const bundle = await machine.deliver("tampered");
  await machine.upload(bundle.key, Buffer.from("something else"));
  await machine.pointAt(bundle);
  const { output } = await machine.launch();
  expect(output).toContain(`has another hash than the settings say (${bundle.sha256}): not used`);
  expect(output).toContain(`bundle ${bundle.sha256} rejected: it could not be fetched`);
  expect(await machine.started()).toEqual(["old"]);
  expect(await rejections()).toBe(1);
  expect(await bundlesOf()).not.toContain(bundle.sha256);
});

test("a bundle that is not in the bucket: the one before it is started, after three attempts", async () => {
  await haveGood();
  await machine.pointAt(await machine.deliver("missing", { upload: false }));
  const { output } = await machine.launch();
  expect(output.match(/downloading .*: attempt \d of 3 failed/g)).toHaveLength(3);
  expect(await machine.started()).toEqual(["old"]);
  expect(await rejections()).toBe(1);
});

test("nothing to fall back to: it ends with an error and starts nothing", async () => {
  const bundle = await machine.deliver("tampered");
  await machine.upload(bundle.key, Buffer.from("something else"));
  await machine.pointAt(bundle);
  const { exitCode, output } = await machine.launch();
  expect(exitCode).toBe(1);
  expect(output).toContain("no bundle that came up before: nothing to start");
  expect(await machine.started()).toEqual([]);
});

test("no network: the last good bundle with the last settings, and it says so", async () => {
  await haveGood();
  const { output } = await machine.launch(NOWHERE);
  expect(output).toMatch(/no new settings: starting the last good bundle with the settings of \d{4}-/);
  const runs = (await machine.lines("runs.txt")).map((line) => JSON.parse(line) as { profile: string });
  expect(runs.map(({ profile }) => profile)).toEqual(["old-settings"]);
});

test("no network on the first start: an error", async () => {
  await machine.stub("aws", "exit 255"); // which the one above does with a real CLI
  const { exitCode, output } = await machine.launch();
  expect(exitCode).toBe(1);
  expect(output).toContain("no settings, and no bundle that came up before: nothing to start");
});

test.each([
  ["of another stack", { stack: "other" }],
  ["with a key that leads elsewhere", { bundle: { key: "../x", sha256: "0".repeat(64) } }],
  ["with a hash that is none", { bundle: { key: "runner/x", sha256: "../../etc" } }],
])("settings %s are refused", async (_what, change) => {
  await haveGood();
  const settings = JSON.parse(await settingsOf()) as object;
  await machine.putParameter(JSON.stringify({ ...settings, ...change }));
  const { output } = await machine.launch();
  expect(output).toContain(
    `the parameter ${serviceParameterName(machine.stack)} does not describe a bundle of stack ${machine.stack}`,
  );
  expect(await machine.started()).toEqual(["old"]);
});

test("killed while unpacking: the half is never started, and is gone after the next start", async () => {
  await haveGood();
  const bundle = await machine.deliver("new", { extra: { "large.txt": "x".repeat(100_000) } });
  await machine.pointAt(bundle);
  // The real tar, and then a wait in which all are killed, as systemd does. `timeout` has its command in a group of its own.
  await machine.stub(
    "tar",
    `/usr/bin/env -i PATH=/usr/bin:/bin tar "$@"; ps -o pgid= -p $$ >"$KIMTEST_ROOT/group.new"; mv "$KIMTEST_ROOT/group.new" "$KIMTEST_ROOT/group"; sleep 300`,
  );
  const child = spawn("bash", [machine.launcher], {
    env: machine.environment(machine.serviceEnvironment()),
    detached: true,
    stdio: "ignore",
  });
  const exited = new Promise((resolve) => child.once("exit", resolve));
  await until("tar was run", () => existsSync(join(machine.root, "group")));
  const [group] = await machine.lines("group");
  for (const leader of [child.pid, Number(group)]) process.kill(-(leader ?? Number.NaN), "SIGKILL");
  await exited;
  const left = (await bundlesOf()).filter((name) => name.startsWith(".new-"));
  expect(left).toHaveLength(2); // the archive and the folder
  expect(await bundlesOf()).not.toContain(bundle.sha256);

  await rm(join(machine.root, "stubs/tar"));
  await machine.launch();
  expect(await machine.started()).toEqual(["new"]);
  expect((await bundlesOf()).filter((name) => name.startsWith(".new-"))).toEqual([]);
});

/** A limit on the size of a file stands in for the full disk: the write fails in the same place. */
test("no room to unpack: the bundle before it goes on", async () => {
  await haveGood();
  const bundle = await machine.deliver("large", { extra: { "large.txt": "x".repeat(3_000_000) } });
  await machine.pointAt(bundle);
  const limited = join(machine.root, "limited.sh");
  await writeFile(limited, `ulimit -f 1000\nexec bash "$1"\n`);
  const { output } = await machine.run(limited, [machine.launcher], machine.serviceEnvironment());
  expect(output).toContain(`bundle ${bundle.sha256} could not be unpacked, or has no runner.js`);
  expect(await machine.started()).toEqual(["old"]);
  expect(await rejections()).toBe(1);
  expect((await bundlesOf()).filter((name) => name.startsWith(".new-"))).toEqual([]);
});

test("three bundles are kept, the good one among them; the marks of the others go", async () => {
  const bundles = [];
  for (const name of ["a", "b", "c"]) bundles.push(await machine.haveStarted(name, "embedded"));
  const bundle = await machine.deliver("d");
  bundles.push(bundle.sha256);
  await machine.pointAt(bundle);
  await machine.launch();
  expect(await bundlesOf()).toEqual(bundles.slice(1).sort());
  const marks = await readdir(join(machine.root, "var/lib/kimtest/bundles"));
  expect(marks.filter((name) => name.endsWith(".good")).sort()).toEqual(
    bundles
      .slice(1)
      .map((sha) => `${sha}.good`)
      .sort(),
  );
});

test("a second launcher waits for the first and gives up, while a runner lives", async () => {
  await haveGood();
  await mkdir(join(machine.root, "opt/kimtest/bundles/.new-of-the-first"), { recursive: true });
  // As the runner does after exec: holds the lock.
  const lock = join(machine.root, "var/lib/kimtest/bundles/.lock");
  const holder = spawn("bash", ["-c", `exec 9>"$1"; flock 9; touch "$1.held"; exec sleep 300`, "bash", lock], {
    stdio: "ignore",
  });
  await until("the lock is held", () => existsSync(`${lock}.held`));
  await machine.stub("flock", `exec /usr/bin/flock --wait 1 9`);
  const { exitCode, output } = await machine.launch();
  holder.kill("SIGKILL");
  expect(exitCode).toBe(1);
  expect(output).toContain("another launcher or runner holds");
  expect(await bundlesOf()).toContain(".new-of-the-first");
});
