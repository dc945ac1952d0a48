/**
 * The service as a real process against a real emulator of S3, SNS and CloudWatch, with a stand-in for the
 * instance metadata service and real messages to a systemd that is a socket.
 */
import { existsSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { CURRENT_CYCLE_KEY } from "../contracts/bucket.ts";
import { readHistory } from "../runner/triage/benchmark-store.ts";
import { startMoto, type Moto } from "./aws/moto.ts";
import { INSTANCE_ACTION, noticeIn } from "./fake-imds.ts";
import { TestRepository } from "./repository.ts";
import { ServiceBench } from "./service-bench.ts";

/** The first run installs moto. */
const INSTALL_TIMEOUT_MS = 330_000;
const LONG_MS = 300_000;

let moto: Moto;
const benches: ServiceBench[] = [];
beforeAll(async () => {
  moto = await startMoto();
}, INSTALL_TIMEOUT_MS);
afterAll(async () => {
  for (const bench of benches) await bench.close();
  await moto.stop();
});

let names = 0;
async function opened(): Promise<ServiceBench> {
  names += 1;
  const bench = await ServiceBench.open(moto, `dev-${String(names)}`);
  benches.push(bench);
  return bench;
}

test.concurrent(
  "one cycle, then it ends: digest stored and sent once, metrics published, systemd told",
  async () => {
    const bench = await opened();
    const systemd = await bench.systemd();
    bench.writeSettings({ seed_ms: 2, fail_every: 40 }, { seed_offset: 2n ** 53n + 1n, enable_fuzzing: false });
    bench.imds.answers.set("/latest/meta-data/instance-type", "c7g.xlarge");
    const running = bench.start({ ...systemd.env, WATCHDOG_USEC: "3000000" });
    await bench.until("ready", () => existsSync(bench.ready));
    const ran = await running;
    expect(ran).toMatchObject({ exitCode: 0, stderr: "" });

    const stored = await bench.digest();
    expect(stored).toMatchObject({ cycle: 1, kind: "final", verdict: "failed" });
    expect(stored?.fuzzing).toMatchObject({
      verdict: "inconclusive",
      reason: "switched off in the settings (enable_fuzzing)",
      targets: {},
    });
    expect(stored?.vopr.scenarios["baseline"]?.from_seed).toBe(2n ** 53n + 1n);
    const store = bench.store();
    const { runs } = await readHistory(store);
    store.close();
    expect(runs.map(({ machine }) => machine.machine_type)).toEqual(["c7g.xlarge"]);
    const messages = await bench.sent();
    expect(messages).toHaveLength(1);
    expect(messages[0]?.subject).toBe("kimtest cycle 1: failed");
    expect(messages[0]?.message).toContain("switched off in the settings (enable_fuzzing)");

    expect(await bench.metric("RunnerStarted")).toBe(1);
    expect(await bench.metric("CycleCompleted")).toBe(1);
    expect(await bench.metric("DigestUploaded")).toBe(1);
    expect(await bench.metric("DigestSent")).toBe(1);
    expect(await bench.metric("IterationsCompleted")).toBe(stored?.vopr.iterations);
    expect(await bench.metric("FailuresDetected")).toBe(stored?.vopr.failures_total);
    expect(await bench.metric("Progress")).toBeGreaterThan(4);
    expect(await bench.metric("SpotInterruption")).toBeNull();
    expect(await bench.metric("CriticalSent")).toBeNull();

    const { received } = systemd;
    // A machine that is slow to begin says so before, and nothing else.
    const before = received.slice(0, received.indexOf("READY=1"));
    expect(before.filter((message) => message !== "STATUS=starting" && message !== "WATCHDOG=1")).toEqual([]);
    expect(received.filter((message) => message === "READY=1")).toHaveLength(1);
    expect(received.filter((message) => message === "WATCHDOG=1").length).toBeGreaterThan(2);
    expect(received.some((message) => /^STATUS=cycle 1, vopr: \d+ seeds, [\d.]+ sims\/s/.test(message))).toBe(true);
    expect(received).toContain("STOPPING=1");
    expect(bench.log()).toContain("not used, for the profile fake tests");
    expect(readFileSync(bench.ready, "utf8")).toMatch(/^\d+\n$/);
    expect(bench.imds.asked.get(INSTANCE_ACTION)).toBeGreaterThan(0);

    // The same again is the next cycle, and sends its own digest only.
    expect((await bench.start()).exitCode).toBe(0);
    expect((await bench.sent()).map(({ subject }) => subject)).toEqual([
      "kimtest cycle 1: failed",
      "kimtest cycle 2: failed",
    ]);
  },
  LONG_MS,
);

test.concurrent(
  "spot notice: durable within ten seconds, nothing new is begun, and the next life goes on with the same cycle",
  async () => {
    const bench = await opened();
    bench.writeSettings({ seed_ms: 10 }, { run_duration_hours: 25 / 3600 });
    const running = bench.start();
    await bench.until("in the marathon", () => bench.batches() > 0);
    const noticedMs = Date.now();
    bench.imds.answers.set(INSTANCE_ACTION, noticeIn(120_000));
    await bench.until("durable", () => bench.log().includes("everything is durable"));
    // Five seconds are the pace of asking.
    expect(Date.now() - noticedMs).toBeLessThan(5_000 + 10_000);
    expect(bench.cycleState()).toMatchObject({ cycle: 1, status: "running", phase: "vopr" });
    expect(bench.cycleState()?.vopr?.open).toEqual([]);

    // It stays, so that systemd starts no other; the machine going is a SIGTERM.
    await bench.until("waits", () => bench.log().includes("waiting for the machine to go"));
    await delay(2_000);
    expect(running.nodeChildProcess.exitCode).toBeNull();
    const stoppedMs = Date.now();
    running.kill("SIGTERM");
    expect((await running).exitCode).toBe(0);
    expect(Date.now() - stoppedMs).toBeLessThan(10_000);
    expect(await bench.metric("SpotInterruption")).toBe(1);
    expect(await bench.sent()).toEqual([]);

    // Started on the doomed machine all the same, it begins nothing.
    const doomed = bench.start();
    await bench.until("waits", () => bench.log().split("waiting for the machine to go").length === 3);
    doomed.kill("SIGTERM");
    expect((await doomed).exitCode).toBe(0);
    expect(bench.cycleState()).toMatchObject({ interruptions: 0 });

    bench.imds.answers.delete(INSTANCE_ACTION);
    expect((await bench.start()).exitCode).toBe(0);
    expect(await bench.digest()).toMatchObject({ cycle: 1, interruptions: 1, vopr: { inconclusive_seeds: 0 } });
    expect(await bench.sent()).toHaveLength(1);
  },
  LONG_MS,
);

test.concurrent(
  "another profile in the settings: the cycle that was begun goes on under its own",
  async () => {
    const bench = await opened();
    bench.writeSettings({}, { profile: "embedded", run_duration_hours: 1 });
    const first = bench.start();
    const store = bench.store();
    await bench.until("begun, and known to the store", async () => (await store.head(CURRENT_CYCLE_KEY)) !== undefined);
    store.close();
    first.kill("SIGTERM");
    expect((await first).exitCode).toBe(0);

    // Also on a machine that has lost its disk: the store knows the cycle.
    rmSync(join(bench.state, "cycle.json"));
    bench.writeSettings({});
    const second = bench.start();
    await bench.until("gone on with", () => bench.cycleState()?.interruptions === 1);
    // Stopped at once: the programs of this profile need the cores that other tests have.
    second.kill("SIGTERM");
    expect((await second).exitCode).toBe(0);
    expect(bench.cycleState()).toMatchObject({ cycle: 1, profile: "embedded", status: "running" });
    expect(bench.log()).toContain(
      "the cycle that was begun under the profile embedded is finished first; fake comes with the next one",
    );
  },
  LONG_MS,
);

test.concurrent(
  "the profile kimberlite on a machine without its tools: the settings' repository, and a digest of what is missing",
  async () => {
    const bench = await opened();
    const upstream = new TestRepository(bench.folder);
    const commit = upstream.commit({ "Cargo.toml": "[workspace]\n" });
    upstream.tag("release");
    upstream.commit({ "later.txt": "" });
    bench.writeSettings(
      {},
      {
        profile: "kimberlite",
        github_repo: upstream.url,
        github_branch: "release",
        enable_formal_verification: false, // would fetch its jars
        run_duration_hours: 30 / 3600,
      },
    );
    // git and what it starts, but neither cargo nor anything else.
    const programs = join(bench.folder, "bin");
    mkdirSync(programs);
    for (const name of ["git", "env", "sh"]) symlinkSync(join("/usr/bin", name), join(programs, name));
    expect((await bench.start({ PATH: programs })).exitCode).toBe(0);

    const digest = await bench.digest();
    expect(digest).toMatchObject({
      cycle: 1,
      profile: "kimberlite",
      git_commit: commit,
      verdict: "inconclusive",
      vopr: { iterations: 0 },
      trust: { vopr: { trusted: false } },
    });
    const [mail] = await bench.sent();
    expect(mail?.subject).toBe("kimtest cycle 1: inconclusive");
    expect(mail?.message).toContain("switched off in the settings (enable_formal_verification)");
    expect(mail?.message).toContain("cannot be started: cargo does not exist or may not be executed");
    expect(bench.log()).not.toContain("not used");
  },
  LONG_MS,
);

test.concurrent(
  "SIGTERM ends it within ten seconds and kill -9 at once; both are gone on with, each seed counted once",
  async () => {
    const bench = await opened();
    bench.writeSettings({ seed_ms: 5, fail_every: 50 }, { run_duration_hours: 18 / 3600 });
    const first = bench.start();
    await bench.until("in the marathon", () => bench.batches() > 0);
    const stoppedMs = Date.now();
    first.kill("SIGTERM");
    expect((await first).exitCode).toBe(0);
    expect(Date.now() - stoppedMs).toBeLessThan(10_000);
    expect(bench.log()).toContain("interrupted; the next start goes on there");
    const batches = bench.batches();

    const second = bench.start();
    await bench.until("further in the marathon", () => bench.batches() > batches);
    await bench.until("its start is counted", async () => (await bench.metric("RunnerStarted")) === 2);
    second.kill("SIGKILL");
    expect((await second).signal).toBe("SIGKILL");

    expect((await bench.start()).exitCode).toBe(0);
    const stored = await bench.digest();
    expect(stored).toMatchObject({ cycle: 1, interruptions: 2 });
    expect(await bench.sent()).toHaveLength(1);
    expect(await bench.metric("RunnerStarted")).toBe(3);
    const store = bench.store();
    const archived = [];
    for await (const { key } of store.list("failures/vopr/")) archived.push(key);
    store.close();
    expect(archived).toHaveLength(stored?.vopr.failures_total ?? -1);
    expect(archived.length).toBeGreaterThan(0);
  },
  LONG_MS,
);

test.concurrent(
  "SNS away: the cycle ends well, and the digest is sent once by a later process",
  async () => {
    const bench = await opened();
    bench.sns.set("refuse");
    bench.writeSettings({ seed_ms: 2 });
    expect((await bench.start()).exitCode).toBe(0);
    expect(await bench.digest()).toMatchObject({ cycle: 1 });
    expect(await bench.sent()).toEqual([]);
    expect(await bench.metric("DigestSent")).toBeNull();
    expect(await bench.metric("DigestUploaded")).toBe(1);
    expect(bench.log()).toContain("the digest could not be sent, it is kept and tried again");
    expect(bench.cycleState()?.status).toBe("done");

    bench.sns.set("pass");
    expect((await bench.start()).exitCode).toBe(0);
    expect((await bench.sent()).map(({ subject }) => subject)).toEqual([
      "kimtest cycle 1: passed",
      "kimtest cycle 2: passed",
    ]);
    expect(await bench.metric("DigestSent")).toBe(2);
  },
  LONG_MS,
);

test.concurrent(
  "a simulator that is unusable makes no hot loop: the next cycle waits, silently, unless somebody changed something",
  async () => {
    const bench = await opened();
    const systemd = await bench.systemd();
    const hour = { run_duration_hours: 1 };
    // Each seed crashes; the programs of the other phases end at once.
    bench.writeSettings({ mode: "panic" }, hour);
    expect((await bench.start()).exitCode).toBe(0);
    expect((await bench.digest())?.vopr).toMatchObject({ verdict: "inconclusive" });
    expect(await bench.sent()).toHaveLength(1);
    const progress = await bench.metric("Progress");
    expect(progress).toBeGreaterThan(0);

    const waiting = bench.start({ ...systemd.env, WATCHDOG_USEC: "3000000" });
    const waits = /^STATUS=the last cycle ended early, the next one begins in \d+ min/;
    await bench.until("waits, and systemd is told so", () => systemd.received.some((message) => waits.test(message)));
    const saidBefore = systemd.received.length;
    await bench.until("fed", () => systemd.received.slice(saidBefore).includes("WATCHDOG=1"));
    expect(bench.log()).toContain("the last cycle ended early: the next one waits");
    const stoppedMs = Date.now();
    waiting.kill("SIGTERM");
    expect((await waiting).exitCode).toBe(0);
    expect(Date.now() - stoppedMs).toBeLessThan(10_000);
    expect(bench.cycleState()?.cycle).toBe(1);
    expect(await bench.sent()).toHaveLength(1);
    expect(await bench.metric("Progress")).toBe(progress);

    // Another bundle is somebody's answer to it.
    bench.writeSettings({ mode: "panic" }, { ...hour, bundle: { key: "runner/y.tar.gz", sha256: "b".repeat(64) } });
    expect((await bench.start()).exitCode).toBe(0);
    expect(bench.cycleState()).toMatchObject({ cycle: 2, status: "done" });
  },
  LONG_MS,
);

test.concurrent(
  "broken settings, a missing argument, a store that is not there: in words, and never ready",
  async () => {
    const bench = await opened();
    bench.writeSettings({}, { s3_bucket: "", run_duration_hours: 0 });
    const invalid = await bench.start();
    expect(invalid.exitCode).toBe(2);
    expect(invalid.stderr).toMatch(
      /^runner: the settings .* are not valid:\n {2}s3_bucket: .*\n {2}run_duration_hours: /,
    );
    writeFileSync(bench.settings, '{"version": 1,');
    const cut = await bench.start();
    expect(cut).toMatchObject({ exitCode: 2 });
    expect(cut.stderr).toMatch(/^runner: the settings .* cannot be read: .* is not valid JSON/);
    const bare = await bench.start({}, []);
    expect(bare).toMatchObject({ exitCode: 2, stderr: expect.stringMatching(/^runner: --settings is missing/) });

    bench.writeSettings({}, { s3_bucket: "no-such-bucket" });
    const noStore = await bench.start();
    expect(noStore.exitCode).not.toBe(0);
    expect(noStore.stderr).toMatch(/^runner: .*no-such-bucket/);
    expect(existsSync(bench.ready)).toBe(false);
    // A start that fails shows in the metric by which a restart loop is seen.
    expect(await bench.metric("RunnerStarted")).toBe(1);
  },
  LONG_MS,
);
