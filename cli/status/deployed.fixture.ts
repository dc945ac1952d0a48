/** A deployed stack in the AWS emulator that the environment names, with all that infra-status looks at: spot machine, alarms, topic, results. */
import {
  CloudWatchClient,
  PutMetricAlarmCommand,
  PutMetricDataCommand,
  SetAlarmStateCommand,
} from "@aws-sdk/client-cloudwatch";
import { CreateBucketCommand, S3Client } from "@aws-sdk/client-s3";
import { CreateTopicCommand, SNSClient, SubscribeCommand } from "@aws-sdk/client-sns";
import { CURRENT_CYCLE_KEY, DIGEST_KEY } from "../../contracts/bucket.ts";
import { stringifyJson } from "../../contracts/json.ts";
import { METRIC_NAMESPACE, STACK_DIMENSION } from "../../contracts/metrics.ts";
import type { StackParameter } from "../../contracts/stack.ts";
import { S3Store } from "../../runner/store/s3-store.ts";
import { partsOf, putStack, startMachine } from "../aws/stack.fixture.ts";

export const EMAIL = "team@kimberlite.dev";

/** `stored`: objects of the bucket, by key. */
export async function deployStack(
  stored: Readonly<Record<string, unknown>>,
  change: Partial<StackParameter> = {},
): Promise<StackParameter> {
  const instance_id = await startMachine("dev", "spot");
  const parts = partsOf("dev", { instance_id, ...change });
  await putStack("dev", parts);
  await Promise.all([putAlarms(partsOf("dev")), putInterruption(), subscribe(), createBucket(parts.s3_bucket)]);
  const store = new S3Store({ bucket: parts.s3_bucket, prefix: "" });
  for (const [key, value] of Object.entries(stored)) {
    await store.put(key, typeof value === "string" ? value : stringifyJson(value));
  }
  store.close();
  return parts;
}

export const stored = (state: unknown, digest: unknown) => ({ [CURRENT_CYCLE_KEY]: state, [DIGEST_KEY]: digest });

/** The first is on, the others are fine; of the last nobody is told. */
async function putAlarms({ alarms, sns_topic }: StackParameter): Promise<void> {
  const client = new CloudWatchClient({});
  for (const [index, AlarmName] of alarms.entries()) {
    const rest = { MetricName: "Progress", Namespace: METRIC_NAMESPACE, Statistic: "Sum" as const, Period: 300 };
    await client.send(
      new PutMetricAlarmCommand({
        AlarmName,
        ...rest,
        EvaluationPeriods: 1,
        Threshold: 1,
        ComparisonOperator: "LessThanThreshold",
        AlarmActions: [sns_topic],
        ActionsEnabled: index < alarms.length - 1,
      }),
    );
    const StateValue = index === 0 ? "ALARM" : "OK";
    await client.send(new SetAlarmStateCommand({ AlarmName, StateValue, StateReason: "test" }));
  }
  client.destroy();
}

async function putInterruption(): Promise<void> {
  const client = new CloudWatchClient({});
  const Dimensions = [{ Name: STACK_DIMENSION, Value: "dev" }];
  const datum = { MetricName: "SpotInterruption", Value: 1, Unit: "Count" as const, Dimensions };
  await client.send(new PutMetricDataCommand({ Namespace: METRIC_NAMESPACE, MetricData: [datum, datum] }));
  client.destroy();
}

async function createBucket(Bucket: string): Promise<void> {
  const client = new S3Client({ forcePathStyle: true });
  await client.send(new CreateBucketCommand({ Bucket }));
  client.destroy();
}

async function subscribe(): Promise<void> {
  const client = new SNSClient({});
  const { TopicArn } = await client.send(new CreateTopicCommand({ Name: "kimtest-dev-alerts" }));
  await client.send(new SubscribeCommand({ TopicArn, Protocol: "email", Endpoint: EMAIL }));
  client.destroy();
}
