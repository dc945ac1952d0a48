/**
 * The service as a real process against a real emulator of S3, SNS and CloudWatch, with a stand-in for the
 * instance metadata service and real messages to a systemd that is a socket.
 */
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { CloudWatchClient, GetMetricStatisticsCommand } from "@aws-sdk/client-cloudwatch";
import { CreateTopicCommand, SNSClient } from "@aws-sdk/client-sns";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "@jest/globals";
import { execa } from "execa";
import { cycleStateSchema, type CycleState } from "../contracts/cycle.ts";
import { digestSchema, type Digest } from "../contracts/digest.ts";
import { stringifyJson } from "../contracts/json.ts";
import { METRIC_NAMESPACE, type MetricName } from "../contracts/metrics.ts";
import type { ServiceSettings } from "../contracts/stack.ts";
import { openStore } from "../runner/store/open-store.ts";
import { decodeJson, readJson } from "../runner/store/read-json.ts";
import { readHistory } from "../runner/triage/benchmark-store.ts";
import { startMoto, type Moto } from "./aws/moto.ts";
import { startProxy, type Proxy } from "./aws/proxy.ts";
import { INSTANCE_ACTION, noticeIn, startFakeImds, type FakeImds } from "./fake-imds.ts";
import { fakeProfile, type FakeVopr } from "./fake-profile.ts";
import { startSystemdSocket, type SystemdSocket } from "./systemd-socket.ts";

/** The first run installs moto. */
const INSTALL_TIMEOUT_MS = 330_000;
const LONG_MS = 120_000;
const MAIN = fileURLToPath(new URL("../runner/main.ts", import.meta.url));
const STACK = "dev";

let moto: Moto;
let snsProxy: Proxy;
let imds: FakeImds;
let topic: string;
let folder: string;
let bucket: string;
let tests = 0;

beforeAll(async () => {
  moto = await startMoto();
  snsProxy = await startProxy(moto.port);
}, INSTALL_TIMEOUT_MS);
afterAll(async () => {
  await snsProxy.stop();
  await moto.stop();
});
beforeEach(async () => {
  tests += 1;
  // A topic and a bucket of its own, so that tests do not count each other's messages; metrics by stack.
  bucket = `results-${String(tests)}`;
  await moto.createBucket(bucket);
  const sns = new SNSClient({});
  topic = (await sns.send(new CreateTopicCommand({ Name: `alerts-${String(tests)}` }))).TopicArn ?? "";
  sns.destroy();
  imds = await startFakeImds();
  snsProxy.set("pass");
  folder = mkdtempSync(join(tmpdir(), "kt-"));
});
const started: { kill: (signal: "SIGKILL") => boolean; then: PromiseLike<unknown>["then"] }[] = [];
let systemd: SystemdSocket | undefined;
afterEach(async () => {
  for (const process of started.splice(0)) {
    process.kill("SIGKILL");
    await process;
  }
  await systemd?.stop();
  systemd = undefined;
  await imds.stop();
  rmSync(folder, { recursive: true, force: true });
});

const state = (): string => join(folder, "state");
const stackOfTest = (): string => `${STACK}-${String(tests)}`;

function writeSettings(vopr: FakeVopr, change: Partial<ServiceSettings> = {}): void {
  const profile = join(folder, "profile.json");
  writeFileSync(profile, stringifyJson(fakeProfile(vopr)));
  const settings: ServiceSettings = {
    version: 1,
    stack: stackOfTest(),
    region: "us-east-1",
    s3_bucket: bucket,
    sns_topic: topic,
    log_group: "/kimtest/dev",
    bundle: { key: "runner/x.tar.gz", sha256: "a".repeat(64) },
    profile,
    github_repo: "https://github.com/example/kimberlite",
    github_branch: "main",
    run_duration_hours: 6 / 3600,
    enable_fuzzing: true,
    enable_formal_verification: true,
    enable_benchmarks: true,
    seed_offset: 0n,
    vopr_flags: [],
    ...change,
  };
  writeFileSync(join(folder, "settings.json"), stringifyJson(settings));
}

function start(env: Readonly<Record<string, string>> = {}) {
  const running = execa(
    process.execPath,
    ["--disable-warning=ExperimentalWarning", MAIN, "--settings", join(folder, "settings.json"), "--state", state()],
    {
      env: {
        ...moto.env,
        AWS_ENDPOINT_URL_SNS: snsProxy.endpoint,
        AWS_EC2_METADATA_DISABLED: "false",
        AWS_EC2_METADATA_SERVICE_ENDPOINT: imds.endpoint,
        KIMTEST_READY_FILE: join(folder, "ready"),
        ...env,
      },
      reject: false,
      timeout: LONG_MS,
    },
  );
  started.push(running);
  return running;
}

/** Resolves when it holds; at most 40 seconds. */
async function until(what: string, holds: () => boolean): Promise<void> {
  const deadlineMs = Date.now() + 40_000;
  while (!holds()) {
    if (Date.now() > deadlineMs) throw new Error(`${what}: not within 40 s; the log:\n${log()}`);
    await delay(50);
  }
}

const log = (): string =>
  existsSync(join(state(), "runner.log")) ? readFileSync(join(state(), "runner.log"), "utf8") : "";
function cycleState(): CycleState | undefined {
  const path = join(state(), "cycle.json");
  return existsSync(path) ? decodeJson(readFileSync(path, "utf8"), path, cycleStateSchema) : undefined;
}
const inVopr = (): boolean => (cycleState()?.vopr?.batches ?? 0) > 0;

async function digest(): Promise<Digest | undefined> {
  const store = await openStore(`s3://${bucket}`);
  const found = await readJson(store, "digests/latest.json", digestSchema);
  store.close();
  return found?.value;
}

interface Sent {
  readonly subject: string;
  readonly message: string;
}

/** What the topic of this test took, from moto's own books. */
async function sent(): Promise<Sent[]> {
  const response = await fetch(`${moto.endpoint}/moto-api/data.json`);
  const data = (await response.json()) as { sns: { Topic: { arn: string; sent_notifications: unknown[][] }[] } };
  const found = data.sns.Topic.find(({ arn }) => arn === topic);
  if (found === undefined) throw new Error("moto does not know the topic");
  return found.sent_notifications.map(([, message, subject]) => ({
    subject: String(subject),
    message: String(message),
  }));
}

/** Sum of a metric of this test's stack over the last hour; null when nothing was ever published. */
async function metric(name: MetricName): Promise<number | null> {
  const client = new CloudWatchClient({});
  const { Datapoints: points = [] } = await client.send(
    new GetMetricStatisticsCommand({
      Namespace: METRIC_NAMESPACE,
      MetricName: name,
      Dimensions: [{ Name: "Stack", Value: stackOfTest() }],
      StartTime: new Date(Date.now() - 3_600_000),
      EndTime: new Date(Date.now() + 60_000),
      Period: 60,
      Statistics: ["Sum"],
    }),
  );
  client.destroy();
  return points.length === 0 ? null : points.reduce((sum, { Sum = 0 }) => sum + Sum, 0);
}

test(
  "one cycle, then it ends: digest stored and sent once, metrics published, systemd told",
  async () => {
    systemd = await startSystemdSocket(folder);
    writeSettings({ seed_ms: 2, fail_every: 40 }, { seed_offset: 2n ** 53n + 1n, enable_fuzzing: false });
    imds.answers.set("/latest/meta-data/instance-type", "c7g.xlarge");
    const running = start({ ...systemd.env, WATCHDOG_USEC: "3000000" });
    await until("ready", () => existsSync(join(folder, "ready")));
    const ran = await running;
    expect(ran).toMatchObject({ exitCode: 0, stderr: "" });

    const stored = await digest();
    expect(stored).toMatchObject({ cycle: 1, kind: "final", verdict: "failed" });
    expect(stored?.fuzzing).toMatchObject({
      verdict: "inconclusive",
      reason: "switched off in the settings (enable_fuzzing)",
      targets: {},
    });
    expect(stored?.vopr.scenarios["baseline"]?.from_seed).toBe(2n ** 53n + 1n);
    const store = await openStore(`s3://${bucket}`);
    const { runs } = await readHistory(store);
    store.close();
    expect(runs.map(({ machine }) => machine.machine_type)).toEqual(["c7g.xlarge"]);
    const messages = await sent();
    expect(messages).toHaveLength(1);
    expect(messages[0]?.subject).toBe("kimtest cycle 1: failed");
    expect(messages[0]?.message).toContain("switched off in the settings (enable_fuzzing)");

    expect(await metric("RunnerStarted")).toBe(1);
    expect(await metric("CycleCompleted")).toBe(1);
    expect(await metric("DigestUploaded")).toBe(1);
    expect(await metric("DigestSent")).toBe(1);
    expect(await metric("IterationsCompleted")).toBe(stored?.vopr.iterations);
    expect(await metric("FailuresDetected")).toBe(stored?.vopr.failures_total);
    expect(await metric("Progress")).toBeGreaterThan(4);
    expect(await metric("SpotInterruption")).toBeNull();
    expect(await metric("CriticalSent")).toBeNull();

    const { received } = systemd;
    // A machine that is slow to begin says so before, and nothing else.
    const before = received.slice(0, received.indexOf("READY=1"));
    expect(before.filter((message) => message !== "STATUS=starting" && message !== "WATCHDOG=1")).toEqual([]);
    expect(received.filter((message) => message === "READY=1")).toHaveLength(1);
    expect(received.filter((message) => message === "WATCHDOG=1").length).toBeGreaterThan(2);
    expect(received.some((message) => /^STATUS=cycle 1, vopr: \d+ seeds, [\d.]+ sims\/s/.test(message))).toBe(true);
    expect(received).toContain("STOPPING=1");
    expect(log()).toContain("not used, for the profile fake tests");
    expect(readFileSync(join(folder, "ready"), "utf8")).toMatch(/^\d+\n$/);
    expect(imds.asked.get(INSTANCE_ACTION)).toBeGreaterThan(0);

    // The same again is the next cycle, and sends its own digest only.
    expect((await start()).exitCode).toBe(0);
    expect((await sent()).map(({ subject }) => subject)).toEqual([
      "kimtest cycle 1: failed",
      "kimtest cycle 2: failed",
    ]);
  },
  LONG_MS,
);

test(
  "spot notice: durable within ten seconds, nothing new is begun, and the next life goes on with the same cycle",
  async () => {
    writeSettings({ seed_ms: 10 }, { run_duration_hours: 15 / 3600 });
    const running = start();
    await until("in the marathon", inVopr);
    const noticedMs = Date.now();
    imds.answers.set(INSTANCE_ACTION, noticeIn(120_000));
    await until("durable", () => log().includes("everything is durable"));
    // Five seconds are the pace of asking.
    expect(Date.now() - noticedMs).toBeLessThan(5_000 + 10_000);
    expect(cycleState()).toMatchObject({ cycle: 1, status: "running", phase: "vopr" });
    expect(cycleState()?.vopr?.open).toEqual([]);

    // It stays, so that systemd starts no other; the machine going is a SIGTERM.
    await delay(2_000);
    expect(running.nodeChildProcess.exitCode).toBeNull();
    expect(log()).toContain("waiting for the machine to go");
    const stoppedMs = Date.now();
    running.kill("SIGTERM");
    expect((await running).exitCode).toBe(0);
    expect(Date.now() - stoppedMs).toBeLessThan(5_000);
    expect(await metric("SpotInterruption")).toBe(1);
    expect(await sent()).toEqual([]);

    // Started on the doomed machine all the same, it begins nothing.
    const doomed = start();
    await until("waits", () => log().split("waiting for the machine to go").length === 3);
    doomed.kill("SIGTERM");
    expect((await doomed).exitCode).toBe(0);
    expect(cycleState()).toMatchObject({ interruptions: 0 });

    imds.answers.delete(INSTANCE_ACTION);
    expect((await start()).exitCode).toBe(0);
    expect(await digest()).toMatchObject({ cycle: 1, interruptions: 1, vopr: { inconclusive_seeds: 0 } });
    expect(await sent()).toHaveLength(1);
  },
  LONG_MS,
);

test(
  "SIGTERM ends it within ten seconds and kill -9 at once; both are gone on with, each seed counted once",
  async () => {
    writeSettings({ seed_ms: 5, fail_every: 50 }, { run_duration_hours: 12 / 3600 });
    const first = start();
    await until("in the marathon", inVopr);
    const stoppedMs = Date.now();
    first.kill("SIGTERM");
    expect((await first).exitCode).toBe(0);
    expect(Date.now() - stoppedMs).toBeLessThan(10_000);
    expect(log()).toContain("interrupted; the next start goes on there");
    const batches = cycleState()?.vopr?.batches ?? 0;

    const second = start();
    await until("further in the marathon", () => (cycleState()?.vopr?.batches ?? 0) > batches);
    second.kill("SIGKILL");
    expect((await second).signal).toBe("SIGKILL");

    expect((await start()).exitCode).toBe(0);
    const stored = await digest();
    expect(stored).toMatchObject({ cycle: 1, interruptions: 2 });
    expect(await sent()).toHaveLength(1);
    expect(await metric("RunnerStarted")).toBe(3);
    const store = await openStore(`s3://${bucket}`);
    const archived = [];
    for await (const { key } of store.list("failures/vopr/")) archived.push(key);
    store.close();
    expect(archived).toHaveLength(stored?.vopr.failures_total ?? -1);
    expect(archived.length).toBeGreaterThan(0);
  },
  LONG_MS,
);

test(
  "SNS away: the cycle ends well, and the digest is sent once by a later process",
  async () => {
    snsProxy.set("refuse");
    writeSettings({ seed_ms: 2 });
    expect((await start()).exitCode).toBe(0);
    expect(await digest()).toMatchObject({ cycle: 1 });
    expect(await sent()).toEqual([]);
    expect(await metric("DigestSent")).toBeNull();
    expect(await metric("DigestUploaded")).toBe(1);
    expect(log()).toContain("the digest could not be sent, it is kept and tried again");
    expect(cycleState()?.status).toBe("done");

    snsProxy.set("pass");
    expect((await start()).exitCode).toBe(0);
    expect((await sent()).map(({ subject }) => subject)).toEqual([
      "kimtest cycle 1: passed",
      "kimtest cycle 2: passed",
    ]);
    expect(await metric("DigestSent")).toBe(2);
  },
  LONG_MS,
);

test(
  "a simulator that is unusable makes no hot loop: the next cycle waits, silently, unless somebody changed something",
  async () => {
    systemd = await startSystemdSocket(folder);
    const hour = { run_duration_hours: 1 };
    // Each seed crashes; the programs of the other phases end at once.
    writeSettings({ mode: "panic" }, hour);
    expect((await start()).exitCode).toBe(0);
    expect((await digest())?.vopr).toMatchObject({ verdict: "inconclusive" });
    expect(await sent()).toHaveLength(1);
    const progress = await metric("Progress");
    expect(progress).toBeGreaterThan(0);

    const waiting = start({ ...systemd.env, WATCHDOG_USEC: "3000000" });
    await until("fed", () => systemd?.received.includes("WATCHDOG=1") ?? false);
    await delay(2_000);
    expect(log()).toContain("the last cycle ended early: the next one waits");
    const status = systemd.received.filter((message) => message.startsWith("STATUS=")).at(-1);
    expect(status).toMatch(/^STATUS=the last cycle ended early, the next one begins in \d+ min/);
    const stoppedMs = Date.now();
    waiting.kill("SIGTERM");
    expect((await waiting).exitCode).toBe(0);
    expect(Date.now() - stoppedMs).toBeLessThan(5_000);
    expect(cycleState()?.cycle).toBe(1);
    expect(await sent()).toHaveLength(1);
    expect(await metric("Progress")).toBe(progress);

    // Another bundle is somebody's answer to it.
    writeSettings({ mode: "panic" }, { ...hour, bundle: { key: "runner/y.tar.gz", sha256: "b".repeat(64) } });
    expect((await start()).exitCode).toBe(0);
    expect(cycleState()).toMatchObject({ cycle: 2, status: "done" });
  },
  LONG_MS,
);

test("broken settings, a missing argument, a store that is not there: in words, and never ready", async () => {
  writeSettings({}, { s3_bucket: "", run_duration_hours: 0 });
  const invalid = await start();
  expect(invalid.exitCode).toBe(2);
  expect(invalid.stderr).toMatch(
    /^runner: the settings .* are not valid:\n {2}s3_bucket: .*\n {2}run_duration_hours: /,
  );
  writeFileSync(join(folder, "settings.json"), '{"version": 1,');
  const cut = await start();
  expect(cut).toMatchObject({ exitCode: 2 });
  expect(cut.stderr).toMatch(/^runner: the settings .* cannot be read: .* is not valid JSON/);
  const bare = await execa(process.execPath, ["--disable-warning=ExperimentalWarning", MAIN], { reject: false });
  expect(bare).toMatchObject({ exitCode: 2, stderr: expect.stringMatching(/^runner: --settings is missing/) });

  bucket = "no-such-bucket";
  writeSettings({});
  const noStore = await start();
  expect(noStore.exitCode).not.toBe(0);
  expect(noStore.stderr).toMatch(/^runner: .*no-such-bucket/);
  expect(existsSync(join(folder, "ready"))).toBe(false);
  // A start that fails shows in the metric by which a restart loop is seen.
  expect(await metric("RunnerStarted")).toBe(1);
}, 60_000);
