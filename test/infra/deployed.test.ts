/**
 * The whole way on one emulator: the Pulumi program is deployed, the machine's own user data is carried out, the
 * set-up fetches the delivered bundle, the launcher starts the runner in it, and the runner does a whole cycle, of a
 * simulator with a planted bug. Then the commands of a person read, fetch and reproduce what it found.
 *
 * Set-up and runner have the credentials of the instance's role, and moto enforces its policy for S3. Every call they
 * make is recorded and evaluated against the policies that were deployed.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { mkdir, readdir, readFile, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { DescribeAlarmsCommand, CloudWatchClient, ListMetricsCommand } from "@aws-sdk/client-cloudwatch";
import { CloudWatchLogsClient, CreateLogStreamCommand, PutLogEventsCommand } from "@aws-sdk/client-cloudwatch-logs";
import { DescribeInstanceAttributeCommand, DescribeInstancesCommand, EC2Client } from "@aws-sdk/client-ec2";
import {
  DeleteBucketPolicyCommand,
  DeleteBucketCommand,
  GetBucketLifecycleConfigurationCommand,
  GetObjectCommand,
  PutObjectCommand,
  S3Client,
} from "@aws-sdk/client-s3";
import { IAMClient, PutRolePolicyCommand } from "@aws-sdk/client-iam";
import { GetParameterCommand, PutParameterCommand, SSMClient } from "@aws-sdk/client-ssm";
import { AssumeRoleCommand, STSClient } from "@aws-sdk/client-sts";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { execa } from "execa";
import { DIGEST_KEY, voprBundleKey } from "../../contracts/bucket.ts";
import { digestSchema } from "../../contracts/digest.ts";
import { stringifyJson } from "../../contracts/json.ts";
import { METRIC_NAMESPACE } from "../../contracts/metrics.ts";
import { failureListSchema, fetchedFailuresSchema } from "../../contracts/reports.ts";
import { serviceSettingsSchema, stackParameterSchema } from "../../contracts/stack.ts";
import { decodeJson } from "../../runner/store/read-json.ts";
import { startMoto, type Moto } from "../aws/moto.ts";
import { startRecorder, type Recorder } from "../aws/recorder.ts";
import { startFakeImds, type FakeImds } from "../fake-imds.ts";
import { Machine, type Result } from "../host/machine.ts";
import { findHostTools } from "../host/tools.ts";
import { deploy } from "./deploy.ts";
import { captureStack, type Captured } from "./pulumi-host.ts";
import { instanceOf, isAllowed, type Principal } from "./simulate.ts";

const INSTALL_TIMEOUT_MS = 600_000;
const KIMTEST = fileURLToPath(new URL("../../cli/main.ts", import.meta.url));
const CYCLE_SECONDS = 60;
const NOWHERE = "http://127.0.0.1:9";
const SERVICE_PARAMETER = "/kimtest/dev/service";

let moto: Moto;
let recorder: Recorder;
let imds: FakeImds;
let machine: Machine;
let captured: Captured;
let principal: Principal;
/** The instance's credentials, as environment variables. */
let credentials: Record<string, string>;
let bucket: string;
let failedSetUp: Result;
let setUp: Result;
let setUpLog: string;
let run: Result;

beforeAll(async () => {
  moto = await startMoto();
  const { programs } = await findHostTools();
  captured = await deploy({ config: { alertEmail: "team@example.com", profile: "embedded" } });
  bucket = String(captured.outputs["s3_bucket"]);
  const [, , , , accountId = ""] = String(captured.outputs["sns_topic"]).split(":");
  principal = instanceOf(captured.resources, accountId);
  recorder = await startRecorder(moto.port, { region: "us-east-1", accountId });
  imds = await startFakeImds();
  credentials = await credentialsOf(principal.role);
  await openOtherServices();
  // moto looks at no conditions: to it, the statement against calls without TLS refuses all calls.
  await new S3Client({ forcePathStyle: true }).send(new DeleteBucketPolicyCommand({ Bucket: bucket }));
  await changeSettings();

  machine = await Machine.make("dev", moto, programs);
  await carryOutUserData();
  await pretendDownloads();
  await enforce(true);
  const bootstrap = join(machine.root, "usr/local/sbin/kimtest-bootstrap");
  // Nothing listens there: the bundle cannot be fetched, and that is to be told.
  failedSetUp = await machine.run(bootstrap, ["run"], { ...onTheInstance(), AWS_ENDPOINT_URL_S3: NOWHERE });
  setUp = await machine.run(bootstrap, ["run"], onTheInstance());
  setUpLog = await readFile(join(machine.root, "var/log/kimtest/bootstrap.log"), "utf8");
  run = await machine.launch(onTheInstance());
  await enforce(false);
}, INSTALL_TIMEOUT_MS);

afterAll(async () => {
  await machine.remove();
  await imds.stop();
  await recorder.stop();
  await moto.stop();
});

/** From its next request on, or never again; see https://docs.getmoto.org/en/latest/docs/iam.html. */
async function enforce(on: boolean): Promise<void> {
  const response = await fetch(`${moto.endpoint}/moto-api/reset-auth`, { method: "POST", body: on ? "0" : "1000000" });
  if (!response.ok) throw new Error(`moto would not ${on ? "enforce" : "forget"} policies: ${String(response.status)}`);
}

async function credentialsOf(role: string): Promise<Record<string, string>> {
  const { Credentials } = await new STSClient({}).send(
    new AssumeRoleCommand({ RoleArn: role, RoleSessionName: "machine" }),
  );
  if (Credentials === undefined) throw new Error("moto gave no credentials");
  const { AccessKeyId = "", SecretAccessKey = "", SessionToken = "" } = Credentials;
  return { AWS_ACCESS_KEY_ID: AccessKeyId, AWS_SECRET_ACCESS_KEY: SecretAccessKey, AWS_SESSION_TOKEN: SessionToken };
}

function onTheInstance(): Record<string, string> {
  const metadata = { AWS_EC2_METADATA_DISABLED: "false", AWS_EC2_METADATA_SERVICE_ENDPOINT: imds.endpoint };
  return { ...credentials, ...metadata, AWS_ENDPOINT_URL: recorder.endpoint };
}

async function settings() {
  const { Parameter } = await new SSMClient({}).send(new GetParameterCommand({ Name: SERVICE_PARAMETER }));
  return decodeJson(Parameter?.Value ?? "", SERVICE_PARAMETER, serviceSettingsSchema);
}

/**
 * moto decides about S3 as AWS does, about other services only by name (`monitoring` for CloudWatch) and for the
 * resource `*`: they are opened here, and their calls evaluated in a test below.
 */
async function openOtherServices(): Promise<void> {
  const Action = ["ssm:*", "monitoring:*", "logs:*", "sns:*"];
  const PolicyDocument = JSON.stringify({
    Version: "2012-10-17",
    Statement: [{ Effect: "Allow", Action, Resource: "*" }],
  });
  const RoleName = principal.role.split("/").at(-1);
  await new IAMClient({}).send(new PutRolePolicyCommand({ RoleName, PolicyName: "emulator", PolicyDocument }));
}

/** A bug to be found, in a short cycle: the configuration knows whole hours, a test has seconds. */
async function changeSettings(): Promise<void> {
  const change = { run_duration_hours: CYCLE_SECONDS / 3600, vopr_flags: ["--canary", "stale-suffix"] };
  const Value = stringifyJson({ ...(await settings()), ...change }, 0);
  await new SSMClient({}).send(new PutParameterCommand({ Name: SERVICE_PARAMETER, Value, Overwrite: true }));
}

/** What cloud-init does with it: writes its files. The commands only start the unit that is run here by hand. */
async function carryOutUserData(): Promise<void> {
  const { UserData } = await new EC2Client({}).send(
    new DescribeInstanceAttributeCommand({
      InstanceId: String(captured.outputs["instance_id"]),
      Attribute: "userData",
    }),
  );
  const text = Buffer.from(UserData?.Value ?? "", "base64").toString();
  expect(text).toMatch(/^#cloud-config\n/);
  const { write_files: files } = JSON.parse(text.slice(text.indexOf("\n"))) as {
    write_files: { path: string; content: string }[];
  };
  for (const { path, content } of files) {
    await mkdir(dirname(join(machine.root, path)), { recursive: true });
    await writeFile(join(machine.root, path), content);
  }
}

/** The pinned Node and Rust come from the internet, which a test does not use: they are there already. */
async function pretendDownloads(): Promise<void> {
  const pins = await readFile(new URL("../../infra/host/downloads.sh", import.meta.url), "utf8");
  const pinned = (name: string): string => new RegExp(`^${name}=(\\S+)`, "m").exec(pins)?.[1] ?? "";
  const node = join(machine.root, "usr/local/bin/node");
  const answer = `if [ "$*" = --version ]; then echo v${pinned("node_version")}; else exec "${process.execPath}" "$@"; fi`;
  await writeFile(node, `#!/bin/bash\n${answer}\n`, { mode: 0o755 });
  const cargo = join(machine.root, "var/lib/kimtest/cargo/bin");
  await mkdir(cargo, { recursive: true });
  for (const program of ["rustup", "cargo"]) await symlink("/bin/true", join(cargo, program));
  const cargoFuzz = `#!/bin/bash\necho cargo-fuzz ${pinned("cargo_fuzz_version")}\n`;
  await writeFile(join(cargo, "cargo-fuzz"), cargoFuzz, { mode: 0o755 });
}

test("what was deployed is there", async () => {
  const ec2 = new EC2Client({});
  const { Reservations } = await ec2.send(new DescribeInstancesCommand({}));
  const instances = Reservations?.flatMap((reservation) => reservation.Instances ?? []) ?? [];
  expect(instances).toHaveLength(1);
  expect(instances[0]).toMatchObject({
    InstanceId: captured.outputs["instance_id"],
    InstanceType: "c7g.xlarge",
    Tags: expect.arrayContaining([
      { Key: "Project", Value: "kimtest" },
      { Key: "Stack", Value: "dev" },
    ]) as unknown,
  });
  const ssm = new SSMClient({});
  const { Parameter } = await ssm.send(new GetParameterCommand({ Name: "/kimtest/dev/stack" }));
  const stack = decodeJson(Parameter?.Value ?? "", "/kimtest/dev/stack", stackParameterSchema);
  expect(stack).toMatchObject({ instance_id: captured.outputs["instance_id"], s3_bucket: bucket, purchase: "spot" });
  const { MetricAlarms = [] } = await new CloudWatchClient({}).send(new DescribeAlarmsCommand({}));
  const names = MetricAlarms.map(({ AlarmName }) => AlarmName);
  expect(stack.alarms.filter((name) => !names.includes(name))).toEqual(["kimtest-dev-no-digest"]); // composite: not in moto
  const s3 = new S3Client({ forcePathStyle: true });
  const { Rules = [] } = await s3.send(new GetBucketLifecycleConfigurationCommand({ Bucket: bucket }));
  expect(Rules.map(({ ID }) => ID)).toEqual(expect.arrayContaining(["failures-to-glacier", "daily-digests"]));
});

test("a set-up that fails is told, with the role that the instance has", async () => {
  expect(failedSetUp.exitCode).toBe(1);
  const Namespace = METRIC_NAMESPACE;
  const { Metrics = [] } = await new CloudWatchClient({}).send(
    new ListMetricsCommand({ Namespace, MetricName: "BootstrapFailed" }),
  );
  expect(Metrics).toHaveLength(1);
  const streams = recorder.calls.filter(({ action }) => action === "logs:PutLogEvents");
  expect(streams.map(({ resource }) => resource.split(":log-stream:")[1])).toEqual(["bootstrap/i-0123456789abcdef0"]);
});

test("the machine sets itself up from its user data", () => {
  const log = setUp.exitCode === 0 ? "" : setUpLog;
  expect({ exitCode: setUp.exitCode, log }).toEqual({ exitCode: 0, log: "" });
  expect(setUpLog).toContain("the machine is set up");
});

test("the delivered runner does a whole cycle and its digest is in the bucket", async () => {
  const s3 = new S3Client({ forcePathStyle: true });
  const log = run.exitCode === 0 ? "" : run.output;
  expect({ exitCode: run.exitCode, log }).toEqual({ exitCode: 0, log: "" });
  const { Body } = await s3.send(new GetObjectCommand({ Bucket: bucket, Key: DIGEST_KEY }));
  const digest = decodeJson((await Body?.transformToString()) ?? "", DIGEST_KEY, digestSchema);
  expect(digest.kind).toBe("final");
  expect(digest.vopr.iterations).toBeGreaterThan(0);
  expect(digest.trust.vopr).toMatchObject({ trusted: true });
  const { Metrics = [] } = await new CloudWatchClient({}).send(new ListMetricsCommand({ Namespace: METRIC_NAMESPACE }));
  const published = new Set(Metrics.map(({ MetricName }) => MetricName));
  for (const name of ["Progress", "IterationsCompleted", "DigestUploaded", "DigestSent", "RunnerStarted"]) {
    expect([...published]).toContain(name);
  }
});

test("every call of set-up and runner is allowed by the deployed policies", async () => {
  expect(recorder.unknown).toEqual([]);
  const calls = new Map(recorder.calls.map((call) => [JSON.stringify(call), call]));
  const actions = new Set([...calls.values()].map(({ action }) => action));
  expect([...actions].sort()).toEqual([
    "cloudwatch:PutMetricData",
    "logs:CreateLogStream",
    "logs:PutLogEvents",
    "s3:GetObject",
    "s3:ListBucket",
    "s3:PutObject",
    "sns:Publish",
    "ssm:GetParameter",
  ]);
  const denied = [];
  for (const call of calls.values()) if (!(await isAllowed(principal, call))) denied.push(call);
  expect(denied).toEqual([]);
}, 60_000);

test("moto enforces the role's policy for S3: what is not allowed is refused", async () => {
  const { AWS_ACCESS_KEY_ID = "", AWS_SECRET_ACCESS_KEY = "", AWS_SESSION_TOKEN = "" } = credentials;
  const s3 = new S3Client({
    forcePathStyle: true,
    credentials: {
      accessKeyId: AWS_ACCESS_KEY_ID,
      secretAccessKey: AWS_SECRET_ACCESS_KEY,
      sessionToken: AWS_SESSION_TOKEN,
    },
  });
  await enforce(true);
  try {
    const put = (Key: string) => s3.send(new PutObjectCommand({ Bucket: bucket, Key, Body: "{}" }));
    await put("digests/2026-11-21.json"); // as the runner does
    await expect(put("runner/mine.tar.gz")).rejects.toMatchObject({ name: "AccessDenied" });
    // Not a single object: moto cannot read the ? in the pattern of what may be deleted. permissions.test.ts does.
    await expect(s3.send(new DeleteBucketCommand({ Bucket: bucket }))).rejects.toMatchObject({ name: "AccessDenied" });
  } finally {
    await enforce(false);
  }
});

test("a second stack in the same account shares no name with the first", async () => {
  const second = await captureStack({ stack: "other", config: { alertEmail: "team@example.com" } });
  const namesOf = ({ resources }: Captured): string[] =>
    resources.flatMap(({ custom, inputs }) =>
      custom
        ? ["name", "bucket", "alarmName", "dashboardName"]
            .map((key) => inputs[key])
            .filter((v) => typeof v === "string")
        : [],
    );
  const first = new Set(namesOf(captured));
  expect(first.size).toBeGreaterThan(15);
  expect(namesOf(second).filter((name) => first.has(name))).toEqual([]);
}, 60_000);

describe("the commands, on this stack and what its cycle found", () => {
  const folder = mkdtempSync(join(tmpdir(), "kimtest-person-"));
  afterAll(() => {
    rmSync(folder, { recursive: true, force: true });
  });
  const typed = async (...argv: string[]) => {
    const ran = await execa(process.execPath, ["--disable-warning=ExperimentalWarning", KIMTEST, ...argv], {
      cwd: folder,
      env: { ...moto.env, TZ: "UTC" },
      reject: false,
      timeout: 180_000,
    });
    return { exitCode: ran.exitCode, stdout: ran.stdout, stderr: ran.stderr };
  };
  const parsed = async (...argv: string[]): Promise<Record<string, unknown>> => {
    const ran = await typed(...argv, "--json");
    if (ran.exitCode !== 0) throw new Error(`kimtest ${argv.join(" ")}: ${ran.stderr}`);
    return JSON.parse(ran.stdout) as Record<string, unknown>;
  };

  test("infra-status and infra-digest tell of the machine, the cycle and its findings", async () => {
    const status = await parsed("infra-status", "--stack", "dev");
    expect(status).toMatchObject({
      instance: { id: captured.outputs["instance_id"], state: "running" },
      digest: { cycle: 1, verdict: "failed" },
    });
    expect((await typed("infra-digest", "--stack", "dev")).stdout).toContain("kimtest cycle 1: FAILED");
    const alone = await typed("infra-status");
    expect(alone.stdout).toContain("stack dev in us-east-1 (the only one in us-east-1)");
  });

  test("a failure is listed, fetched with its bundle by key and by finding, and reproduced", async () => {
    const { failures } = failureListSchema.parse(await parsed("list-failures", "--stack", "dev", "--limit", "50"));
    const keys = failures.map(({ key }) => key);
    const { fetched, failed } = fetchedFailuresSchema.parse(
      await parsed("fetch-failure", ...keys, "--stack", "dev", "--to", "fetched"),
    );
    expect([fetched.length, failed]).toEqual([keys.length, []]);
    // The first seeds of a signature in each batch have one.
    const { key, path, bundle } = fetched.find((one) => one.bundle !== null) ?? {};
    const { finding, signature } = failures.find((one) => one.key === key) ?? {};
    expect(await readdir(join(folder, "fetched"))).toEqual(
      expect.arrayContaining([basename(path ?? ""), basename(bundle?.path ?? "")]),
    );
    const byFile = await typed("vopr-repro", path ?? "", "--json");
    expect(byFile).toMatchObject({ exitCode: 1 });
    expect(JSON.parse(byFile.stdout)).toMatchObject({
      outcome: "reproduced",
      expected: signature,
      bundle: bundle?.path,
    });
    const byKey = await typed("vopr-repro", key ?? "", "--stack", "dev", "--json");
    expect(JSON.parse(byKey.stdout)).toMatchObject({ outcome: "reproduced", bundle: voprBundleKey(key ?? "") });
    const found = await typed("list-failures", "--stack", "dev", "--by-finding");
    expect(found.stdout).toContain(`${finding ?? "none"}  `);
    const newest = await typed("fetch-failure", finding ?? "", "--stack", "dev", "--to", "by-finding");
    expect(newest).toMatchObject({ exitCode: 0 });
  }, 60_000);

  test("infra-logs shows what the machine wrote, infra-bench its benchmarks", async () => {
    const client = new CloudWatchLogsClient({});
    const at = { logGroupName: String(captured.outputs["log_group"]), logStreamName: "runner/i-1" };
    const lines = (await machine.lines("var/lib/kimtest/state/runner.log")).slice(-20);
    expect(lines.length).toBeGreaterThan(5);
    await client.send(new CreateLogStreamCommand(at));
    const logEvents = lines.map((message) => ({ message, timestamp: Date.now() }));
    await client.send(new PutLogEventsCommand({ ...at, logEvents }));
    client.destroy();
    const logs = await typed("infra-logs", "--stack", "dev", "--no-follow", "--stream", "runner");
    expect(logs).toMatchObject({ exitCode: 0, stderr: "" });
    expect(logs.stdout.split("\n")).toHaveLength(lines.length);
    const bench = await parsed("infra-bench", "--stack", "dev");
    expect(bench["run"]).toMatchObject({ tool: "tinybench", cycle: 1 });
  });
});
