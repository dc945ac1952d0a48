import { describe, expect, test } from "@jest/globals";
import { METRIC_NAMESPACE, METRICS, SYSTEM_METRIC_NAMESPACE, SYSTEM_METRICS } from "../contracts/metrics.ts";
import { bothOf, METRIC_ALARMS, NO_DIGEST_STORED, RAN_ALL_THE_TIME } from "./alarms.ts";

const DAY = 86_400;
const HOUR = 3_600;

test("all alarms: what they watch, when they fire, what silence means", () => {
  expect(
    METRIC_ALARMS.map((plan) =>
      [
        plan.part,
        `${plan.statistic} of ${plan.namespace}/${plan.metricName} by ${plan.dimension}`,
        `${plan.comparisonOperator} ${String(plan.threshold)}, ${String(plan.evaluationPeriods)} x ${String(plan.periodSeconds)} s`,
        plan.treatMissingData,
        plan.notifies ? "notifies" : "silent",
      ].join(" | "),
    ),
  ).toEqual([
    "no-progress | Sum of Kimberlite/Testing/Progress by Stack | LessThanThreshold 1, 3 x 300 s | breaching | notifies",
    "no-digest-stored | Sum of Kimberlite/Testing/DigestUploaded by Stack | LessThanThreshold 1, 26 x 3600 s | breaching | silent",
    "ran-26-hours | SampleCount of AWS/EC2/StatusCheckFailed by InstanceId | GreaterThanOrEqualToThreshold 50, 26 x 3600 s | notBreaching | silent",
    "disk-nearly-full | Maximum of Kimberlite/Testing/System/disk_used_percent by Stack | GreaterThanThreshold 85, 2 x 300 s | missing | notifies",
    "restart-loop | Sum of Kimberlite/Testing/RunnerStarted by Stack | GreaterThanThreshold 4, 1 x 3600 s | notBreaching | notifies",
    "bootstrap-failed | Sum of Kimberlite/Testing/BootstrapFailed by Stack | GreaterThanOrEqualToThreshold 1, 1 x 300 s | notBreaching | notifies",
    "bundle-rejected | Sum of Kimberlite/Testing/BundleRejected by Stack | GreaterThanOrEqualToThreshold 1, 1 x 300 s | notBreaching | notifies",
    "instance-unhealthy | Maximum of AWS/EC2/StatusCheckFailed by InstanceId | GreaterThanOrEqualToThreshold 1, 2 x 300 s | missing | notifies",
  ]);
});

describe("every alarm", () => {
  // https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutMetricAlarm.html
  test.each(METRIC_ALARMS.map((plan) => [plan.part, plan] as const))(
    "%s is within CloudWatch's limits",
    (_part, plan) => {
      const windowSeconds = plan.periodSeconds * plan.evaluationPeriods;
      expect(plan.periodSeconds % 60).toBe(0);
      expect(windowSeconds).toBeLessThanOrEqual(plan.periodSeconds < HOUR ? DAY : 7 * DAY);
    },
  );

  test("watches a metric that somebody publishes", () => {
    const ours = new Set<string>([
      ...Object.keys(METRICS).map((name) => `${METRIC_NAMESPACE}/${name}`),
      ...Object.values(SYSTEM_METRICS).map((name) => `${SYSTEM_METRIC_NAMESPACE}/${name}`),
      "AWS/EC2/StatusCheckFailed",
    ]);
    const unknown = METRIC_ALARMS.map(({ namespace, metricName }) => `${namespace}/${metricName}`).filter(
      (metric) => !ours.has(metric),
    );
    expect(unknown).toEqual([]);
  });
});

test("no alarm counts failures that tests found", () => {
  expect(METRIC_ALARMS.filter(({ metricName }) => metricName === "FailuresDetected")).toEqual([]);
});

test("no-digest is made of two alarms that exist", () => {
  const parts = METRIC_ALARMS.map(({ part }) => part);
  expect(parts).toEqual(expect.arrayContaining([NO_DIGEST_STORED, RAN_ALL_THE_TIME]));
  expect(bothOf("a", "b")).toBe('ALARM("a") AND ALARM("b")');
});
