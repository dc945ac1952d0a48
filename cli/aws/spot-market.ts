/** What a spot machine costs now, and how often EC2 has taken it away. */
import { CloudWatchClient, GetMetricStatisticsCommand } from "@aws-sdk/client-cloudwatch";
import { DescribeSpotPriceHistoryCommand, EC2Client, type _InstanceType } from "@aws-sdk/client-ec2";
import type { InfraStatus } from "../../contracts/infra-status.ts";
import { METRIC_NAMESPACE, METRICS, STACK_DIMENSION, type MetricName } from "../../contracts/metrics.ts";
import { asking, clientConfig, type AwsTarget } from "./client.ts";

const DAY_MS = 86_400_000;
/** CloudWatch forgets after so many days: https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/cloudwatch_concepts.html */
const KEPT_DAYS = 455;
const INTERRUPTION: MetricName = "SpotInterruption";

/** null: EC2 has no price of it there. */
export async function readSpotPrice(
  type: string,
  zone: string,
  nowMs: number,
  target: AwsTarget,
  stop: AbortSignal,
): Promise<InfraStatus["spot_price"]> {
  const client = new EC2Client(clientConfig(target));
  // From now on: the price that holds now.
  const command = new DescribeSpotPriceHistoryCommand({
    InstanceTypes: [type as _InstanceType],
    ProductDescriptions: ["Linux/UNIX"],
    AvailabilityZone: zone,
    StartTime: new Date(nowMs),
  });
  try {
    const sent = client.send(command, { abortSignal: stop });
    const { SpotPriceHistory: prices = [] } = await asking("cannot look up the spot price", sent, target.profile);
    const price = prices.find((one) => one.AvailabilityZone === zone && one.InstanceType === type)?.SpotPrice;
    return price === undefined ? null : { usd_per_hour: Number(price), availability_zone: zone };
  } finally {
    client.destroy();
  }
}

/** Counted by the runner, which hears EC2's notice; since the spot request was made, as far back as CloudWatch knows. */
export async function readInterruptions(
  stack: string,
  requestedAt: string | null,
  nowMs: number,
  target: AwsTarget,
  stop: AbortSignal,
): Promise<NonNullable<InfraStatus["interruptions"]>> {
  const keptMs = nowMs - KEPT_DAYS * DAY_MS;
  const sinceMs = requestedAt === null ? keptMs : Math.max(keptMs, Date.parse(requestedAt));
  const client = new CloudWatchClient(clientConfig(target));
  const command = new GetMetricStatisticsCommand({
    Namespace: METRIC_NAMESPACE,
    MetricName: INTERRUPTION,
    Dimensions: [{ Name: STACK_DIMENSION, Value: stack }],
    Statistics: ["Sum"],
    Unit: METRICS[INTERRUPTION],
    Period: DAY_MS / 1_000,
    StartTime: new Date(sinceMs),
    EndTime: new Date(nowMs),
  });
  try {
    const sent = client.send(command, { abortSignal: stop });
    const { Datapoints: days = [] } = await asking("cannot count the spot interruptions", sent, target.profile);
    const count = days.reduce((sum, { Sum: ofDay = 0 }) => sum + ofDay, 0);
    return { count: Math.round(count), since: new Date(sinceMs).toISOString() };
  } finally {
    client.destroy();
  }
}
