/** A place of its own for one test of the service: bucket, topic, metadata service, folder, and the runner started. */
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { CloudWatchClient, GetMetricStatisticsCommand } from "@aws-sdk/client-cloudwatch";
import { CreateTopicCommand, SNSClient } from "@aws-sdk/client-sns";
import { execa } from "execa";
import { cycleStateSchema, type CycleState } from "../contracts/cycle.ts";
import { digestSchema, type Digest } from "../contracts/digest.ts";
import { stringifyJson } from "../contracts/json.ts";
import { METRIC_NAMESPACE, type MetricName } from "../contracts/metrics.ts";
import type { ServiceSettings } from "../contracts/stack.ts";
import { WORK } from "../contracts/work-settings.fixture.ts";
import { decodeJson, readJson } from "../runner/store/read-json.ts";
import { S3Store } from "../runner/store/s3-store.ts";
import type { Moto } from "./aws/moto.ts";
import { startProxy, type Proxy } from "./aws/proxy.ts";
import { startFakeImds, type FakeImds } from "./fake-imds.ts";
import { fakeProfile, type FakeVopr } from "./fake-profile.ts";
import { startSystemdSocket, type SystemdSocket } from "./systemd-socket.ts";

const RUN_LIMIT_MS = 240_000;
const UNTIL_LIMIT_MS = 60_000;
const MAIN = fileURLToPath(new URL("../runner/main.ts", import.meta.url));

export interface Sent {
  readonly subject: string;
  readonly message: string;
}

interface Parts {
  readonly moto: Moto;
  readonly stack: string;
  readonly bucket: string;
  readonly topic: string;
  readonly imds: FakeImds;
  readonly sns: Proxy;
}

export class ServiceBench {
  readonly folder = mkdtempSync(join(tmpdir(), "kt-"));
  readonly imds: FakeImds;
  /** Between the runner and SNS. */
  readonly sns: Proxy;
  readonly bucket: string;
  readonly #parts: Parts;
  readonly #started: { kill: (signal: "SIGKILL") => boolean; then: PromiseLike<unknown>["then"] }[] = [];
  #systemd: SystemdSocket | undefined;

  private constructor(parts: Parts) {
    this.#parts = parts;
    this.imds = parts.imds;
    this.sns = parts.sns;
    this.bucket = parts.bucket;
  }

  /** `name`: no other test's of this emulator; tests then do not count each other's messages and metrics. */
  static async open(moto: Moto, name: string): Promise<ServiceBench> {
    const bucket = `results-${name}`;
    await moto.createBucket(bucket);
    const client = new SNSClient({});
    const { TopicArn: topic = "" } = await client.send(new CreateTopicCommand({ Name: `alerts-${name}` }));
    client.destroy();
    const [imds, sns] = await Promise.all([startFakeImds(), startProxy(moto.port)]);
    return new ServiceBench({ moto, stack: name, bucket, topic, imds, sns });
  }

  async close(): Promise<void> {
    for (const process of this.#started.splice(0)) {
      process.kill("SIGKILL");
      await process;
    }
    await Promise.all([this.#systemd?.stop(), this.imds.stop(), this.sns.stop()]);
    rmSync(this.folder, { recursive: true, force: true });
  }

  async systemd(): Promise<SystemdSocket> {
    return (this.#systemd ??= await startSystemdSocket(this.folder));
  }

  get state(): string {
    return join(this.folder, "state");
  }

  get ready(): string {
    return join(this.folder, "ready");
  }

  get settings(): string {
    return join(this.folder, "settings.json");
  }

  writeSettings(vopr: FakeVopr, change: Partial<ServiceSettings> = {}): void {
    const profile = join(this.folder, "profile.json");
    writeFileSync(profile, stringifyJson(fakeProfile(vopr)));
    const settings: ServiceSettings = {
      ...WORK,
      version: 1,
      stack: this.#parts.stack,
      region: "us-east-1",
      s3_bucket: this.bucket,
      sns_topic: this.#parts.topic,
      log_group: "/kimtest/dev",
      bundle: { key: "runner/x.tar.gz", sha256: "a".repeat(64) },
      profile,
      github_repo: "https://github.com/example/kimberlite",
      github_branch: "main",
      run_duration_hours: 10 / 3600,
      ...change,
    };
    writeFileSync(this.settings, stringifyJson(settings));
  }

  /** The runner with these settings, or with other arguments; never rejects. */
  start(env: Readonly<Record<string, string>> = {}, args = ["--settings", this.settings, "--state", this.state]) {
    const { moto } = this.#parts;
    const running = execa(process.execPath, ["--disable-warning=ExperimentalWarning", MAIN, ...args], {
      env: {
        ...moto.env,
        AWS_ENDPOINT_URL_SNS: this.sns.endpoint,
        AWS_EC2_METADATA_DISABLED: "false",
        AWS_EC2_METADATA_SERVICE_ENDPOINT: this.imds.endpoint,
        KIMTEST_READY_FILE: this.ready,
        ...env,
      },
      reject: false,
      timeout: RUN_LIMIT_MS,
    });
    this.#started.push(running);
    return running;
  }

  /** Resolves when it holds; fails after a minute. */
  async until(what: string, holds: () => boolean | Promise<boolean>): Promise<void> {
    const deadlineMs = Date.now() + UNTIL_LIMIT_MS;
    while (!(await holds())) {
      if (Date.now() > deadlineMs) throw new Error(`${what}: not within a minute; the log:\n${this.log()}`);
      await delay(50);
    }
  }

  log(): string {
    const path = join(this.state, "runner.log");
    return existsSync(path) ? readFileSync(path, "utf8") : "";
  }

  cycleState(): CycleState | undefined {
    const path = join(this.state, "cycle.json");
    return existsSync(path) ? decodeJson(readFileSync(path, "utf8"), path, cycleStateSchema) : undefined;
  }

  /** Batches of the marathon that have ended. */
  batches(): number {
    return this.cycleState()?.vopr?.batches ?? 0;
  }

  /** To be closed. Not by `openStore`, whose dynamic import Jest refuses beside other tests. */
  store(): S3Store {
    return new S3Store({ bucket: this.bucket, prefix: "" });
  }

  async digest(): Promise<Digest | undefined> {
    const store = this.store();
    const found = await readJson(store, "digests/latest.json", digestSchema);
    store.close();
    return found?.value;
  }

  /** What the topic of this test took, from moto's own books. */
  async sent(): Promise<Sent[]> {
    const response = await fetch(`${this.#parts.moto.endpoint}/moto-api/data.json`);
    const data = (await response.json()) as { sns: { Topic: { arn: string; sent_notifications: unknown[][] }[] } };
    const found = data.sns.Topic.find(({ arn }) => arn === this.#parts.topic);
    if (found === undefined) throw new Error("moto does not know the topic");
    return found.sent_notifications.map(([, message, subject]) => ({
      subject: String(subject),
      message: String(message),
    }));
  }

  /** Sum of a metric of this test's stack over the last hour; null when nothing was ever published. */
  async metric(name: MetricName): Promise<number | null> {
    const client = new CloudWatchClient({});
    const { Datapoints: points = [] } = await client.send(
      new GetMetricStatisticsCommand({
        Namespace: METRIC_NAMESPACE,
        MetricName: name,
        Dimensions: [{ Name: "Stack", Value: this.#parts.stack }],
        StartTime: new Date(Date.now() - 3_600_000),
        EndTime: new Date(Date.now() + 60_000),
        Period: 60,
        Statistics: ["Sum"],
      }),
    );
    client.destroy();
    return points.length === 0 ? null : points.reduce((sum, { Sum = 0 }) => sum + Sum, 0);
  }
}
