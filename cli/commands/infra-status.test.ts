/**
 * infra-status on a deployed stack, against a real AWS emulator. Parts that fail: the emulator forbids nobody, so
 * refusals of single services are put into the SDK's clients (aws-sdk-client-mock) and slow ones behind a proxy. What is
 * stored in damaged or hostile form: reading.test.ts, too.
 */
import { PassThrough } from "node:stream";
import { CloudWatchClient, DescribeAlarmsCommand } from "@aws-sdk/client-cloudwatch";
import {
  DescribeInstancesCommand,
  DescribeSpotInstanceRequestsCommand,
  EC2Client,
  StopInstancesCommand,
} from "@aws-sdk/client-ec2";
import { ListSubscriptionsByTopicCommand, SNSClient } from "@aws-sdk/client-sns";
import { afterEach, describe, expect, test } from "@jest/globals";
import { mockClient } from "aws-sdk-client-mock";
import { Chalk } from "chalk";
import { infraStatusSchema } from "../../contracts/infra-status.ts";
import {
  cycleState,
  digestOf,
  knownFinding,
  richDigest,
  sighting,
} from "../../runner/phases/digest/samples.fixture.ts";
import { motoOfFile } from "../../test/aws/moto-hooks.ts";
import { startProxy } from "../../test/aws/proxy.ts";
import { until } from "../../test/until.ts";
import type { CliDeps } from "../deps.ts";
import { fakeDeps, kimtest, NOW_MS } from "../fake-deps.fixture.ts";
import { Folder } from "../folder.fixture.ts";
import { deployStack, EMAIL, stored } from "../status/deployed.fixture.ts";
import { look } from "../status/look.ts";
import { findPlace } from "../store.ts";
import { run } from "../run.ts";

const moto = motoOfFile({ forgets: true });

let mocks: { restore: () => void }[] = [];
afterEach(() => {
  for (const mock of mocks) mock.restore();
  mocks = [];
});

/** Refuses one call of a service; the others find nothing. */
function refuse(client: Parameters<typeof mockClient>[0], command: never, name = "AccessDenied"): void {
  const error = Object.assign(new Error("User: u is not authorized"), { name, $metadata: { httpStatusCode: 403 } });
  const mock = mockClient(client);
  mock.onAnyCommand().resolves({});
  mock.on(command).rejects(error);
  mocks.push(mock);
}

const ARGV = ["infra-status", "--stack", "dev"];
const running = cycleState({ phase: "vopr", progress_at: "2026-11-21T10:59:50.000Z" });
const WORK = stored(running, richDigest());
/** The emulator's own clock is the real one. */
const json = async (argv: string[] = [], change: Partial<CliDeps> = {}) => {
  const ran = await kimtest([...ARGV, "--json", ...argv], change);
  return { ...ran, status: infraStatusSchema.parse(JSON.parse(ran.stdout)) };
};

test("everything of a deployed stack, in one answer", async () => {
  const { instance_id, s3_bucket } = await deployStack(WORK);
  const { status, exitCode, stderr } = await json();
  expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: "" });
  expect(status).toMatchObject({
    version: 1,
    at: new Date(NOW_MS).toISOString(),
    store: { url: `s3://${s3_bucket}`, by: "stack dev, --stack" },
    stack: { name: "dev", region: "us-east-1", account_id: "123456789012", by: "--stack" },
    instance: { id: instance_id, type: "c7g.xlarge", state: "running", stopped_by: null },
    spot_request: { state: "active", code: "fulfilled", created_at: "2015-01-01T00:00:00.000Z" },
    spot_price: { usd_per_hour: 0.00001 },
    cycle: { number: 7, phase: "vopr", heartbeat_age_seconds: 10 },
    alarms: [
      { name: "disk-nearly-full", state: "alarm", notifies: true },
      { name: "no-progress", state: "ok", notifies: false },
    ],
    subscriptions: [{ email: EMAIL, state: "confirmed" }],
    digest: { cycle: 7, verdict: "failed" },
    findings: [{ state: "new" }, { state: "ongoing" }],
    problems: [],
  });
  expect(status.instance?.since).toMatch(/^\d{4}-/);
});

test("interruptions are counted with the emulator's own clock", async () => {
  await deployStack(WORK);
  const { status } = await json([], { now: () => Date.now() + 1_000 });
  expect(status.interruptions?.count).toBe(2);
});

describe("on one screen", () => {
  const fixed = (text: string): string =>
    text
      .replace(/i-[0-9a-f]{17}/, "i-0123456789abcdef0")
      .replace(/sir-[0-9a-f]+/, "sir-0123456789abcdef0")
      .replace(/since 20\d\d-\d\d-\d\d \d\d:\d\d:\d\d \(.*?\)/, "since 2026-11-21 10:00:00 (60 min)")
      .replace(/us-east-1[a-f]/, "us-east-1a")
      .replaceAll(/ for \d+ \w+/g, " for 3 h");

  test.each([80, 140])("of %i columns: nothing is wider", async (columns) => {
    await deployStack(WORK);
    const { stdout } = await kimtest(ARGV, { columns });
    expect(fixed(stdout)).toMatchSnapshot();
    expect(stdout.split("\n").filter((line) => line.length > columns)).toEqual([]);
    const colours = () => Promise.resolve(new Chalk({ level: 1 }));
    const coloured = await kimtest(ARGV, { columns, colours });
    expect(fixed(coloured.stdout.replaceAll(/\u001b\[\d+m/g, ""))).toBe(fixed(stdout));
    expect(coloured.stdout).toMatch(/\u001b\[31mdisk-nearly-full ALARM for \d+ \w+\u001b\[39m/);
  });

  test("a machine that is stopped, alarms that are gone, an address that is not confirmed", async () => {
    const { instance_id } = await deployStack(WORK, {
      alarms: ["arn:aws:cloudwatch:us-east-1:123456789012:alarm:kimtest-dev-no-progress", "kimtest-dev-restart-loop"],
    });
    const ec2 = new EC2Client({});
    await ec2.send(new StopInstancesCommand({ InstanceIds: [instance_id] }));
    ec2.destroy();
    const mock = mockClient(SNSClient); // the emulator confirms at once
    mocks.push(mock);
    mock.on(ListSubscriptionsByTopicCommand).resolves({
      Subscriptions: [{ Protocol: "email", Endpoint: EMAIL, SubscriptionArn: "PendingConfirmation" }],
    });
    const { stdout, exitCode } = await kimtest(ARGV, { columns: 140 });
    expect(exitCode).toBe(0);
    expect(stdout).toMatch(/^ {10}stopped since .*, stopped by a person: kimtest infra-start$/m);
    expect(stdout).toMatch(/^alarms {4}no-progress .* {3}restart-loop MISSING$/m);
    expect(stdout).toContain(
      `\ne-mail    ${EMAIL} is NOT CONFIRMED: click the link in AWS's mail, or nothing is delivered\n`,
    );
  });

  test("a new stack that has nothing yet", async () => {
    await deployStack({});
    const { stdout, exitCode } = await kimtest(ARGV);
    expect(exitCode).toBe(0);
    expect(stdout).toContain("\ncycle     none on record\n");
    expect(stdout).toContain("\ndigest    none yet\n");
  });

  test("nobody is subscribed; on-demand has no spot line", async () => {
    await deployStack(WORK, { purchase: "on-demand", sns_topic: "arn:aws:sns:us-east-1:123456789012:other" });
    const mock = mockClient(SNSClient);
    mocks.push(mock);
    mock.on(ListSubscriptionsByTopicCommand).resolves({ Subscriptions: [] });
    const { stdout } = await kimtest(ARGV);
    expect(stdout).toContain("\ne-mail    no e-mail address is subscribed: nobody is told\n");
    expect(stdout).not.toMatch(/^spot/m);
  });
});

describe("a part that fails says so, and the rest is shown", () => {
  const REFUSED = "AccessDenied: User: u is not authorized";
  const HINT = "this identity may not do that; docs/deploy.md lists the permissions";

  test("alarms that may not be looked at: exit code 5", async () => {
    await deployStack(WORK);
    refuse(CloudWatchClient, DescribeAlarmsCommand as never);
    const { status, exitCode } = await json();
    expect(exitCode).toBe(5);
    expect(status.alarms).toBeNull();
    expect(status.problems).toMatchObject([
      { part: "alarms", message: `cannot look at the alarms of dev: ${REFUSED}`, hint: HINT, exit_code: 5 },
    ]);
    const text = await kimtest(ARGV, { columns: 140 });
    expect(text.exitCode).toBe(5);
    expect(text.stdout).toContain(
      `\nalarms    cannot be shown: cannot look at the alarms of dev: ${REFUSED}\n            ${HINT}\ne-mail    ${EMAIL}`,
    );
  });

  test("the machine: what follows from it is not said twice", async () => {
    await deployStack(WORK);
    refuse(EC2Client, DescribeInstancesCommand as never, "UnauthorizedOperation");
    const { status } = await json();
    expect(status.problems.map(({ part }) => part)).toEqual(["instance", "spot_price"]);
    const { stdout } = await kimtest(ARGV, { columns: 140 });
    expect(stdout.match(/cannot look at i-/g)).toHaveLength(1);
    expect(stdout).toContain("\ncycle     7, ");
  });

  test("of the spot request alone, when nothing else is asked for", async () => {
    await deployStack(WORK);
    refuse(EC2Client, DescribeSpotInstanceRequestsCommand as never);
    const ran = await kimtest([...ARGV, "--fields", "spot_request,problems"]);
    expect(ran.exitCode).toBe(5);
    expect(JSON.parse(ran.stdout)).toMatchObject({ spot_request: null, problems: [{ part: "spot_request" }] });
  });

  test("a machine that is no more: exit code 4; a damaged digest beside it", async () => {
    await deployStack({ ...WORK, "digests/latest.json": "{ no" }, { instance_id: "i-0123456789abcdef0" });
    const { status, exitCode } = await json();
    expect(exitCode).toBe(4);
    expect(status.problems.map(({ part, exit_code }) => [part, exit_code])).toEqual([
      ["instance", 4],
      ["spot_price", 4],
      ["digest", 6],
    ]);
  });

  test("a bucket that is gone", async () => {
    await deployStack(WORK, { s3_bucket: "kimtest-dev-gone" });
    const client = await import("@aws-sdk/client-s3");
    const s3 = new client.S3Client({ forcePathStyle: true });
    for (const Key of Object.keys(WORK))
      await s3.send(new client.DeleteObjectCommand({ Bucket: "kimtest-dev-gone", Key }));
    await s3.send(new client.DeleteBucketCommand({ Bucket: "kimtest-dev-gone" }));
    s3.destroy();
    const { status, exitCode } = await json();
    expect(exitCode).toBe(4);
    expect(status.instance).not.toBeNull();
    expect(status.problems.map(({ part }) => part)).toEqual(["cycle", "digest"]);
  });

  test("services that never answer: each part ends at its deadline, all of them at once", async () => {
    await deployStack(WORK);
    const { deps } = fakeDeps();
    const place = await findPlace({ stack: "dev" }, deps);
    const proxy = await startProxy(moto().port);
    const { AWS_ENDPOINT_URL: before } = process.env;
    process.env["AWS_ENDPOINT_URL"] = proxy.endpoint;
    proxy.set("hang");
    try {
      const beganMs = performance.now();
      const status = await look({ place, has: () => true, deadlineMs: 2_000 }, deps);
      // One after the other they would need 16 s.
      expect(performance.now() - beganMs).toBeLessThan(12_000);
      expect(status.problems.map(({ part }) => part)).toEqual([
        "instance",
        "spot_request",
        "spot_price",
        "interruptions",
        "cycle",
        "alarms",
        "subscriptions",
        "digest",
      ]);
      expect(status.problems[5]).toEqual({
        part: "alarms",
        message: "looking at the alarms took longer than 2 s",
        hint: "check the network, then look again",
        exit_code: 5,
      });
    } finally {
      process.env["AWS_ENDPOINT_URL"] = before;
      await proxy.stop();
    }
  });
});

describe("hostile content", () => {
  const HOSTILE = "boom\u001b[2J\u009b31m\u202e\ncycle     99, faked";

  test("is shown, not obeyed, wherever it comes from", async () => {
    const state = cycleState({
      profile: HOSTILE,
      git_commit: "\u001b[31m",
      sightings: { a: sighting("a:gray", { signature: HOSTILE, message: HOSTILE }) },
    });
    await deployStack(stored(state, digestOf(state, [knownFinding("a:gray")])));
    const mock = mockClient(SNSClient);
    mocks.push(mock);
    mock.on(ListSubscriptionsByTopicCommand).resolves({
      Subscriptions: [{ Protocol: "email", Endpoint: HOSTILE, SubscriptionArn: "arn:x" }],
    });
    for (const more of [[], ["--json"]]) {
      const { stdout, stderr } = await kimtest([...ARGV, ...more]);
      expect(stdout + stderr).not.toMatch(/[^\P{C}\n]/u);
      expect(stdout.split("\n").filter((line) => line.startsWith("cycle     99"))).toEqual([]);
      expect(stdout).toContain("boom");
    }
  });

  test("a digest of 10 MB: a screenful", async () => {
    const signatures = Array.from({ length: 500 }, (_, index) => `s${String(index)}:gray`);
    const message = "x".repeat(20_000);
    const state = cycleState({
      sightings: Object.fromEntries(signatures.map((one) => [one, sighting(one, { message })])),
    });
    await deployStack(stored(running, digestOf(state)));
    const { stdout, exitCode } = await kimtest(ARGV, { columns: 80 });
    expect(exitCode).toBe(0);
    expect(stdout.split("\n").length).toBeLessThan(45);
    expect(stdout).toContain("\n          and 490 more: kimtest infra-digest\n");
    const { status } = await json();
    expect(status.findings).toHaveLength(500);
  });
});

describe("--watch", () => {
  /** Ended after so many looks: by Ctrl-C. */
  function watched(change: Partial<CliDeps> = {}) {
    const stop = new AbortController();
    return { stop, ...fakeDeps({ stop: stop.signal, ...change }) };
  }

  const blocksOf = (stdout: string): string[] => stdout.split("\n\n");

  test("no terminal: blocks of text, until Ctrl-C, which ends it well", async () => {
    const folder = new Folder();
    folder.put("cycles/current.json", running);
    const { stop, deps, ran } = watched();
    const ends = run(["infra-status", "--store", folder.store, "--watch", "2"], deps);
    await until("it has looked twice", () => blocksOf(ran.stdout).length === 2);
    stop.abort("SIGINT");
    await ends;
    expect({ exitCode: ran.exitCode, stderr: ran.stderr }).toEqual({ exitCode: 0, stderr: "" });
    const blocks = blocksOf(ran.stdout);
    expect(blocks).toHaveLength(2);
    expect(blocks[0]).toMatch(/^store {5}/);
    expect(`${blocks[0] ?? ""}\n`).toBe(blocks[1]);
  });

  test("--json: one line each time", async () => {
    const folder = new Folder();
    folder.put("cycles/current.json", running);
    const { stop, deps, ran } = watched();
    const ends = run(["infra-status", "--store", folder.store, "--watch", "2", "--fields", "cycle"], deps);
    const linesOf = (): string[] => ran.stdout.trimEnd().split("\n");
    await until("it has looked twice", () => linesOf().length === 2);
    stop.abort("SIGINT");
    await ends;
    const lines = linesOf();
    expect(lines).toHaveLength(2);
    expect(lines.map((line) => (JSON.parse(line) as { cycle: { number: number } }).cycle.number)).toEqual([7, 7]);
  });

  test("on a terminal: in its place, as high as fits, and a look that fails is said below", async () => {
    const folder = new Folder();
    folder.put("cycles/current.json", running);
    folder.put("digests/latest.json", richDigest());
    const terminal = Object.assign(new PassThrough(), { isTTY: true, columns: 80, rows: 8 });
    let drawn = "";
    terminal.on("data", (chunk: Buffer) => (drawn += chunk.toString()));
    const { stop, deps, ran } = watched({ board: terminal as unknown as NodeJS.WriteStream, columns: 80 });
    const ends = run(["infra-status", "--store", folder.store, "--watch", "2"], deps);
    await until("it is drawn", () => drawn.includes("Ctrl-C ends it"));
    expect(drawn).toMatch(
      /store {5}.*\n(?:.*\n){4}… 6 more lines: make the window higher\n.*every 2 s; Ctrl-C ends it/,
    );
    folder.remove();
    await until("a look fails", () => drawn.includes("as it was; now there is no store at "));
    stop.abort("SIGINT");
    await ends;
    expect(ran).toEqual({ exitCode: 0, stdout: "", stderr: "" });
  });

  test("the first look must succeed", async () => {
    const { deps, ran } = watched();
    await run(["infra-status", "--store", "/nowhere/store", "--watch"], deps);
    expect(ran).toMatchObject({ exitCode: 4, stdout: "" });
  });
});
