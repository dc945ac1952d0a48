/** The set-up of the machine, run for real in a scratch root; what would change this machine is stubbed (machine.ts). */
import { readFile, readdir, readlink, rm, stat } from "node:fs/promises";
import { join } from "node:path";

import { CloudWatchClient, GetMetricStatisticsCommand } from "@aws-sdk/client-cloudwatch";
import { CloudWatchLogsClient, CreateLogGroupCommand, GetLogEventsCommand } from "@aws-sdk/client-cloudwatch-logs";
import { afterAll, afterEach, beforeAll, beforeEach, expect, jest, test } from "@jest/globals";

import { METRIC_NAMESPACE, STACK_DIMENSION } from "../../contracts/metrics.ts";
import { logGroupName } from "../../infra/names.ts";
import { FUZZ_TOOLCHAIN } from "../../runner/profiles/kimberlite/fuzz.ts";
import { kimberliteProfile } from "../../runner/profiles/kimberlite/kimberlite.ts";
import { gapsOf } from "../../runner/profiles/requirements.ts";
import { hasToolchain } from "../../runner/tools/rustup.ts";
import { whyNotRunnable } from "../../runner/tools/tool-run.ts";
import { startMoto, type Moto } from "../aws/moto.ts";
import { BUCKET, HOST_FOLDER, INSTANCE, Machine, sha256Of } from "./machine.ts";
import { NODE_VERSION, serveDownloads, type Downloads } from "./stand-ins.ts";
import { findHostTools } from "./tools.ts";

jest.setTimeout(330_000);

let moto: Moto;
let programs: string;
let downloads: Downloads;
let pins: Downloads["pins"];
let machine: Machine;
let made = 0;

beforeAll(async () => {
  ({ programs } = await findHostTools());
  moto = await startMoto();
  await moto.createBucket(BUCKET);
  downloads = await serveDownloads();
  ({ pins } = downloads);
}, 600_000);
afterAll(async () => {
  await downloads.close();
  await moto.stop();
});
beforeEach(async () => {
  made += 1;
  machine = await Machine.make(`setup-${String(made)}`, moto, programs);
  const client = new CloudWatchLogsClient({});
  await client.send(new CreateLogGroupCommand({ logGroupName: logGroupName(machine.stack) }));
  client.destroy();
});
afterEach(async () => {
  await machine.remove();
});

/** How often BootstrapFailed was published for this stack. */
async function failures(): Promise<number> {
  const client = new CloudWatchClient({});
  const nowMs = Date.now();
  const { Datapoints } = await client.send(
    new GetMetricStatisticsCommand({
      Namespace: METRIC_NAMESPACE,
      MetricName: "BootstrapFailed",
      Dimensions: [{ Name: STACK_DIMENSION, Value: machine.stack }],
      StartTime: new Date(nowMs - 3_600_000),
      EndTime: new Date(nowMs + 3_600_000),
      Period: 7200,
      Statistics: ["Sum"],
    }),
  );
  client.destroy();
  return (Datapoints ?? []).reduce((sum, point) => sum + (point.Sum ?? 0), 0);
}

async function reported(): Promise<string[]> {
  const client = new CloudWatchLogsClient({});
  const { events } = await client.send(
    new GetLogEventsCommand({
      logGroupName: logGroupName(machine.stack),
      logStreamName: `bootstrap/${INSTANCE}`,
      startFromHead: true,
    }),
  );
  client.destroy();
  return (events ?? []).map(({ message }) => message ?? "");
}

/** Every file below the root, with its content and mode, but for logs and the stubs' notes. */
async function snapshot(): Promise<Record<string, string>> {
  const files: Record<string, string> = {};
  for (const entry of await readdir(machine.root, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name);
    const name = path.slice(machine.root.length + 1);
    if (/^(stubs|var\/log|calls\.txt)/.test(name) || entry.isDirectory()) continue;
    const { mode, ino } = await stat(path);
    files[name] = entry.isSymbolicLink()
      ? await readlink(path)
      : `${String(ino)} ${mode.toString(8)} ${sha256Of(await readFile(path))}`;
  }
  return files;
}

test("a new machine is set up; a second run changes nothing and installs nothing", async () => {
  const bundle = await machine.deliver("first", { pins: pins() });
  await machine.pointAt(bundle);
  const first = await machine.bootstrap();
  expect(first).toEqual({ exitCode: 0, output: "" });
  expect((await machine.lines("var/log/kimtest/bootstrap.log")).at(-2)).toMatch(/bootstrap: the machine is set up$/);

  const calls = await machine.lines("calls.txt");
  expect(calls.filter((call) => call.startsWith("dnf "))).toEqual([
    expect.stringMatching(
      /^dnf install --assumeyes --releasever=2023\.9\.20251105 --setopt=install_weak_deps=False amazon-cloudwatch-agent .*docker gcc/,
    ),
  ]);
  expect(calls).toEqual(
    expect.arrayContaining([
      "useradd --system --user-group --home-dir /var/lib/kimtest --no-create-home --shell /sbin/nologin kimtest",
      "usermod --append --groups docker kimtest",
      "systemctl restart docker.service",
      "rustup-init -y --no-modify-path --profile minimal --default-toolchain none",
      "rustup toolchain install --no-self-update --profile minimal --component rustfmt,clippy,rust-analyzer 1.88",
      "rustup default 1.88",
      `rustup toolchain install --no-self-update --profile minimal ${FUZZ_TOOLCHAIN}`,
      expect.stringMatching(
        `^cargo \\+${FUZZ_TOOLCHAIN} install --locked --force --path ${machine.root}/usr/local/lib/`,
      ),
      `amazon-cloudwatch-agent-ctl -a fetch-config -m ec2 -s -c file:${machine.root}/etc/kimtest/amazon-cloudwatch-agent.json`,
      "systemctl daemon-reload",
      "systemctl enable kimtest.service",
      "systemctl start --no-block kimtest.service",
    ]),
  );
  expect(await readlink(join(machine.root, "usr/local/bin/node"))).toBe(
    join(machine.root, `usr/local/lib/kimtest/node-v${NODE_VERSION}/bin/node`),
  );
  const agent = JSON.parse(await readFile(join(machine.root, "etc/kimtest/amazon-cloudwatch-agent.json"), "utf8")) as {
    agent: unknown;
    metrics: { metrics_collected: { disk: { append_dimensions: unknown } } };
    logs: { logs_collected: { files: { collect_list: { log_group_name: string; log_stream_name: string }[] } } };
  };
  expect(agent.agent).toMatchObject({ region: "us-east-1" });
  expect(agent.metrics.metrics_collected.disk.append_dimensions).toEqual({ Stack: machine.stack });
  expect(agent.logs.logs_collected.files.collect_list[0]).toMatchObject({
    log_group_name: logGroupName(machine.stack),
    log_stream_name: "runner/{instance_id}",
  });
  expect(await failures()).toBe(0);

  const before = await snapshot();
  await rm(join(machine.root, "calls.txt"));
  const second = await machine.bootstrap();
  expect(second.exitCode).toBe(0);
  expect(await snapshot()).toEqual(before);
  // What is asked, and what is started that runs already; nothing is installed, reloaded or restarted.
  const again = await machine.lines("calls.txt");
  expect(
    again.filter((call) => !/^(rpm -q|getent|id|stat|runuser|rustup (run|default)|swapon --show)/.test(call)),
  ).toEqual([
    "systemctl enable docker.service",
    "systemctl start docker.service",
    "systemctl is-active --quiet amazon-cloudwatch-agent.service",
    "systemctl enable amazon-cloudwatch-agent.service",
    "systemctl enable kimtest.service",
    "systemctl start --no-block kimtest.service",
  ]);
});

/** What a build of Kimberlite starts without its profile saying so: DuckDB is compiled, reports of sanitizers get names. */
const OF_BUILDS = ["cc", "c++", "ar", "make", "cmake", "perl", "pkg-config", "llvm-symbolizer"];

test.each([
  ["x86_64", "x64"],
  ["aarch64", "arm64"],
])(
  "%s: what the profile kimberlite starts is found by the service on the machine",
  async (machineName, architecture) => {
    await machine.stub("uname", `if [ "$1" = -m ]; then echo ${machineName}; else exec /usr/bin/uname "$@"; fi`);
    await machine.pointAt(await machine.deliver("first", { pins: pins() }));
    expect((await machine.bootstrap()).exitCode).toBe(0);
    const unit = await readFile(join(HOST_FOLDER, "kimtest.service"), "utf8");
    const environment = new Map(
      [...unit.matchAll(/^Environment=(.+)$/gm)]
        .flatMap(([, line = ""]) => line.split(" "))
        .map((one) => [one.slice(0, one.indexOf("=")), one.slice(one.indexOf("=") + 1)]),
    );
    const path = (environment.get("PATH") ?? "").split(":").map((folder) => machine.root + folder);
    const has = async (program: string): Promise<boolean> =>
      (await whyNotRunnable(program, path.join(":"), machine.root)) === undefined;

    const profile = kimberliteProfile();
    const versions = Object.values(profile.build?.versions ?? {});
    for (const program of [...OF_BUILDS, ...versions.map(([first = ""]) => first)]) {
      expect([program, await has(program)]).toEqual([program, true]);
    }
    const rustup = machine.root + (environment.get("RUSTUP_HOME") ?? "");
    const gaps = await gapsOf(profile, architecture, { has, hasToolchain: (name) => hasToolchain(rustup, name) });
    // Kani is for machines where somebody installed it; Coq and TLAPS exist for Intel and AMD only.
    const onIntelAlone = ["coq-crypto", "tlaps-vsr", "tlaps-view-change", "tlaps-recovery", "tlaps-compliance"];
    expect(gaps.map(({ part, reason }) => `${part}: ${reason}`)).toEqual([
      "kani: cargo-kani is not there",
      ...(architecture === "x64" ? [] : onIntelAlone.map((check) => `${check}: needs x64, this machine is arm64`)),
    ]);
    // What the versions are asked of, and what Kimberlite's rust-toolchain.toml names: nothing is fetched later.
    const toolchains = versions.flatMap(([, word = ""]) => (word.startsWith("+") ? [word.slice(1)] : []));
    for (const name of ["1.88", ...toolchains]) expect([name, await hasToolchain(rustup, name)]).toEqual([name, true]);
  },
);

test("what follows a change is done also when the attempt that made it was ended in between", async () => {
  await machine.pointAt(await machine.deliver("first", { pins: pins() }));
  // The first restart of docker fails, after its configuration was written.
  await machine.stub(
    "systemctl",
    `if [ "$1 $2" = "restart docker.service" ] && [ ! -f "$KIMTEST_ROOT/tried" ]; then touch "$KIMTEST_ROOT/tried"; exit 1; fi; [ "$1" != is-active ] || [ -f "$KIMTEST_ROOT/agent-runs" ]`,
  );
  expect((await machine.bootstrap()).exitCode).toBe(0);
  const restarts = (await machine.lines("calls.txt")).filter((call) => call === "systemctl restart docker.service");
  expect(restarts).toHaveLength(2);
});

test("a step that fails ends the set-up, and is named in log, CloudWatch Logs and metric", async () => {
  await machine.pointAt(await machine.deliver("first", { pins: pins() }));
  await machine.stub("dnf", `echo "Error: Failed to download metadata" >&2; exit 1`);
  const { exitCode } = await machine.bootstrap();
  expect(exitCode).toBe(1);
  expect(await failures()).toBe(1);
  const messages = await reported();
  expect(messages).toEqual(
    await machine.lines("var/log/kimtest/bootstrap.log").then((lines) => lines.slice(0, messages.length)),
  );
  expect(messages.filter((line) => line.includes("Failed to download metadata"))).toHaveLength(3);
  expect(messages).toContainEqual(
    expect.stringMatching(/bootstrap: the set-up ended at step packages, after 3 attempts of at most 1200 s each$/),
  );
  // The steps after it were not begun.
  expect((await machine.lines("calls.txt")).filter((call) => call.startsWith("useradd"))).toEqual([]);
});

test.each([
  ["a download that is not there", { node_version: "24.0.1" }, "The requested URL returned error: 404"],
  [
    "a download with another hash",
    { node_sha256_x86_64: "0".repeat(64), node_sha256_aarch64: "0".repeat(64) },
    "has another hash than downloads.sh says",
  ],
])("%s ends the set-up at its step, and nothing of it is installed", async (_what, change, message) => {
  await machine.pointAt(await machine.deliver("first", { pins: pins(change) }));
  expect((await machine.bootstrap()).exitCode).toBe(1);
  expect(await failures()).toBe(1);
  const messages = (await reported()).join("\n");
  expect(messages).toContain(message);
  expect(messages).toContain("the set-up ended at step node");
  expect(await readdir(join(machine.root, "usr/local/bin"))).toEqual([]);
});

test("without the tool of one workload the set-up has failed, and the service does the others", async () => {
  await machine.pointAt(await machine.deliver("first", { pins: pins({ cargo_fuzz_sha256: "0".repeat(64) }) }));
  expect((await machine.bootstrap()).exitCode).toBe(1);
  expect(await failures()).toBe(1);
  expect((await reported()).join("\n")).toContain("the set-up ended at step cargo_fuzz, after 3 attempts");
  const calls = await machine.lines("calls.txt");
  expect(calls).toContain("systemctl start --no-block kimtest.service");
  expect(calls.filter((call) => call.startsWith("cargo "))).toEqual([]);
});

test("the bundle has another hash: nothing of it is run", async () => {
  const bundle = await machine.deliver("first", { pins: pins() });
  await machine.upload(bundle.key, Buffer.from("something else"));
  await machine.pointAt(bundle);
  expect((await machine.bootstrap()).exitCode).toBe(1);
  expect(await failures()).toBe(1);
  expect((await reported()).join("\n")).toContain(
    `has another hash than the parameter says (${bundle.sha256}): not used`,
  );
  expect(await machine.lines("calls.txt")).toEqual([]);
});

test("the bundle is not in the bucket: three attempts, then it is reported", async () => {
  await machine.pointAt(await machine.deliver("first", { pins: pins(), upload: false }));
  expect((await machine.bootstrap()).exitCode).toBe(1);
  expect(await failures()).toBe(1);
  expect((await reported()).join("\n").match(/downloading .* attempt \d of 3 failed/g)).toHaveLength(3);
});

test("what hangs is ended at the limit, and reported", async () => {
  await machine.pointAt(await machine.deliver("first", { pins: pins() }));
  await machine.stub("dnf", "sleep 30");
  const { exitCode } = await machine.bootstrap({ KIMTEST_LIMIT_SECONDS: "4" });
  expect(exitCode).toBe(1);
  expect(await failures()).toBe(1);
  expect((await reported()).at(-1)).toMatch(/failed with exit code 124 \(124: the limit of 4 s passed\)$/);
});

test("no network at all: it is in the log file, which says that nobody else could be told", async () => {
  await machine.stub("aws", `echo "Could not connect to the endpoint URL" >&2; exit 255`);
  expect((await machine.bootstrap()).exitCode).toBe(1);
  const log = (await machine.lines("var/log/kimtest/bootstrap.log")).join("\n");
  expect(log).toContain("Could not connect to the endpoint URL");
  expect(log).toContain("the metric BootstrapFailed could not be published");
  expect(log).toContain(`the log could not be sent to bootstrap/${INSTANCE}`);
  expect(await failures()).toBe(0);
});
