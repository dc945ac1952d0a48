/** Adding up and keeping: pure. Publishing: the real SDK against moto behind a proxy that can fail. */
import { CloudWatchClient, GetMetricStatisticsCommand } from "@aws-sdk/client-cloudwatch";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { METRIC_NAMESPACE, type MetricName } from "../../contracts/metrics.ts";
import { startMoto, type Moto } from "../../test/aws/moto.ts";
import { startProxy, type Proxy } from "../../test/aws/proxy.ts";
import { memoryLog } from "../../test/memory-log.ts";
import { RecordingMetrics } from "../../test/recording-metrics.ts";
import { systemClock } from "./clock.ts";
import { CloudWatchMetrics } from "./cloudwatch-metrics.ts";
import { MetricBuffer } from "./metrics.ts";
import { ThroughputMeter } from "./throughput.ts";

describe("the buffer", () => {
  test("counts add up, of a gauge the last value counts, and an interval begins at nothing", () => {
    const buffer = new MetricBuffer(100);
    buffer.count("Progress", 2);
    buffer.count("Progress", 3);
    buffer.gauge("OutboxEntries", 9);
    buffer.gauge("OutboxEntries", 0);
    buffer.count("FailuresDetected", 0);
    buffer.count("IterationsCompleted", NaN);
    buffer.seal(1_000);
    buffer.seal(2_000);
    expect(buffer.oldest(10)).toEqual([
      { name: "Progress", value: 5, atMs: 1_000 },
      { name: "OutboxEntries", value: 0, atMs: 1_000 },
    ]);
  });

  test("what cannot be published is kept up to the limit; the oldest go, and are counted", () => {
    const buffer = new MetricBuffer(3);
    for (let minute = 1; minute <= 5; minute += 1) {
      buffer.count("Progress", minute);
      buffer.seal(minute);
    }
    expect(buffer.oldest(10).map(({ value }) => value)).toEqual([3, 4, 5]);
    expect([buffer.takeDropped(), buffer.takeDropped()]).toEqual([2, 0]);
    buffer.remove(buffer.oldest(2));
    expect(buffer.oldest(10).map(({ atMs }) => atMs)).toEqual([5]);
  });
});

test("throughput is of the last minute, and of no time in which no seeds were run", () => {
  const metrics = new RecordingMetrics();
  const meter = new ThroughputMeter(metrics);
  meter.report(0, 100);
  meter.report(59_000, 5_000);
  expect(metrics.last).toEqual({});
  meter.report(60_000, 6_100);
  expect(metrics.last.Throughput).toBe(100);
  meter.report(120_000, 6_000); // a batch lost its seeds
  expect(metrics.last.Throughput).toBe(0);
  meter.report(130_000, undefined);
  meter.report(190_000, 6_000);
  meter.report(250_000, 6_060);
  expect(metrics.last.Throughput).toBe(1);
});

describe("CloudWatch", () => {
  let moto: Moto;
  let proxy: Proxy;
  beforeAll(async () => {
    moto = await startMoto();
    proxy = await startProxy(moto.port);
    process.env["AWS_ENDPOINT_URL_CLOUDWATCH"] = proxy.endpoint;
  }, 330_000);
  afterAll(async () => {
    Reflect.deleteProperty(process.env, "AWS_ENDPOINT_URL_CLOUDWATCH");
    await proxy.stop();
    await moto.stop();
  });

  /** What moto has of a metric: how many values and their sum; its dimensions are those that find it. */
  async function published(stack: string, name: MetricName): Promise<{ values: number; sum: number }> {
    const client = new CloudWatchClient({ endpoint: moto.endpoint });
    const { Datapoints: points = [] } = await client.send(
      new GetMetricStatisticsCommand({
        Namespace: METRIC_NAMESPACE,
        MetricName: name,
        Dimensions: [{ Name: "Stack", Value: stack }],
        StartTime: new Date(Date.now() - 600_000),
        EndTime: new Date(Date.now() + 60_000),
        Period: 60,
        Statistics: ["Sum", "SampleCount"],
      }),
    );
    client.destroy();
    return points.reduce(
      (all, { Sum = 0, SampleCount = 0 }) => ({ values: all.values + SampleCount, sum: all.sum + Sum }),
      { values: 0, sum: 0 },
    );
  }
  const open = (stack: string, memory = memoryLog()) =>
    new CloudWatchMetrics({ stack, region: "us-east-1", clock: systemClock, log: memory.log, intervalMs: 60_000 });

  test("one value per metric and interval, with the one dimension; the rest goes at the end", async () => {
    const metrics = open("one");
    metrics.count("Progress", 1);
    metrics.count("Progress", 1);
    await metrics.flush(10_000);
    metrics.count("DigestSent", 1);
    await metrics.close(10_000);
    expect(await published("one", "Progress")).toEqual({ values: 1, sum: 2 });
    expect(await published("one", "DigestSent")).toEqual({ values: 1, sum: 1 });
    expect(await published("two", "Progress")).toEqual({ values: 0, sum: 0 });
  });

  test("CloudWatch away: kept, said once, published with the next round that gets through", async () => {
    const memory = memoryLog();
    const metrics = open("away", memory);
    proxy.set("refuse");
    for (let round = 1; round <= 3; round += 1) {
      metrics.count("Progress", round);
      await metrics.flush(10_000);
    }
    expect([metrics.waiting, metrics.failedRounds]).toEqual([3, 3]);
    expect(memory.lines).toEqual(["warn metrics could not be published, they are kept and tried again"]);
    proxy.set("pass");
    await metrics.flush(10_000);
    expect(await published("away", "Progress")).toEqual({ values: 3, sum: 6 });
    expect([metrics.waiting, metrics.failedRounds]).toEqual([0, 0]);
    await metrics.close(1_000);
  }, 60_000);

  test("CloudWatch that hangs keeps nobody longer than allowed, and the loss is said", async () => {
    const memory = memoryLog();
    const metrics = open("hangs", memory);
    proxy.set("hang");
    metrics.count("Progress", 1);
    const startedMs = performance.now();
    await metrics.close(500);
    // One request alone may take ten seconds.
    expect(performance.now() - startedMs).toBeLessThan(8_000);
    expect(memory.lines).toContain("warn metrics were not published");
    proxy.set("pass");
  });
});
