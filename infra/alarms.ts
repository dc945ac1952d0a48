/**
 * The alarms, as data. All of them tell of the testing itself; failures that tests find are in the digest, and no
 * alarm counts them.
 *
 * no-progress fires when nothing has moved for 15 minutes, whatever the reason: a dead service, a stopped machine, a
 * workload that hangs. Silence is what it listens for, so missing data counts. A new stack is silent until its set-up
 * is done: the alarm is on for those minutes (nobody has confirmed the e-mail subscription yet), and its first OK says
 * that the machine works.
 *
 * no-digest fires when no digest was stored in 26 hours in which the machine ran the whole time. The runner stores one
 * every 24 hours of working time. Without the second condition it would be on for the first day of every stack, and
 * after every interruption; a machine that does not run is what no-progress tells. It is made of two alarms that
 * notify nobody.
 */
import {
  METRIC_NAMESPACE,
  STACK_DIMENSION,
  SYSTEM_METRIC_NAMESPACE,
  SYSTEM_METRICS,
  type MetricName,
} from "../contracts/metrics.ts";

export interface MetricAlarmPlan {
  /** The alarm is named `kimtest-STACK-PART`. */
  readonly part: string;
  readonly description: string;
  /** False for a part of a composite alarm. */
  readonly notifies: boolean;
  readonly namespace: string;
  readonly metricName: string;
  /** The one dimension of our own metrics is the stack; EC2 knows instances only. */
  readonly dimension: typeof STACK_DIMENSION | "InstanceId";
  readonly statistic: "Sum" | "Maximum" | "SampleCount";
  readonly periodSeconds: number;
  readonly evaluationPeriods: number;
  readonly comparisonOperator: "LessThanThreshold" | "GreaterThanThreshold" | "GreaterThanOrEqualToThreshold";
  readonly threshold: number;
  /** `breaching`: silence is the alarm. `notBreaching`: silence is fine. `missing`: silence is shown as such. */
  readonly treatMissingData: "breaching" | "notBreaching" | "missing";
}

const FIVE_MINUTES = 300;
const HOUR = 3600;
/** A day of working time until the digest, and two hours to build and store it. */
const DIGEST_HOURS = 26;
/** EC2 reports a running instance's status every minute; some minutes of an hour may be missing. */
const SAMPLES_OF_A_RUNNING_HOUR = 50;

function ownMetric(metricName: MetricName) {
  return { namespace: METRIC_NAMESPACE, metricName, dimension: STACK_DIMENSION, statistic: "Sum" } as const;
}

/** One event is an alarm; none is not. */
function event(part: string, metricName: MetricName, description: string): MetricAlarmPlan {
  return {
    part,
    description,
    notifies: true,
    ...ownMetric(metricName),
    periodSeconds: FIVE_MINUTES,
    evaluationPeriods: 1,
    comparisonOperator: "GreaterThanOrEqualToThreshold",
    threshold: 1,
    treatMissingData: "notBreaching",
  };
}

export const NO_DIGEST_STORED = "no-digest-stored";
export const RAN_ALL_THE_TIME = `ran-${DIGEST_HOURS}-hours`;

export const METRIC_ALARMS: readonly MetricAlarmPlan[] = [
  {
    part: "no-progress",
    description: "Nothing has moved for 15 minutes: see kimtest infra-status, then kimtest infra-logs.",
    notifies: true,
    ...ownMetric("Progress"),
    periodSeconds: FIVE_MINUTES,
    evaluationPeriods: 3,
    comparisonOperator: "LessThanThreshold",
    threshold: 1,
    treatMissingData: "breaching",
  },
  {
    part: NO_DIGEST_STORED,
    description: `No digest was stored in ${DIGEST_HOURS} hours. A part of no-digest; notifies nobody.`,
    notifies: false,
    ...ownMetric("DigestUploaded"),
    periodSeconds: HOUR,
    evaluationPeriods: DIGEST_HOURS,
    comparisonOperator: "LessThanThreshold",
    threshold: 1,
    treatMissingData: "breaching",
  },
  {
    part: RAN_ALL_THE_TIME,
    description: `The machine has run for ${DIGEST_HOURS} hours. A part of no-digest; notifies nobody.`,
    notifies: false,
    namespace: "AWS/EC2",
    metricName: "StatusCheckFailed",
    dimension: "InstanceId",
    statistic: "SampleCount",
    periodSeconds: HOUR,
    evaluationPeriods: DIGEST_HOURS,
    comparisonOperator: "GreaterThanOrEqualToThreshold",
    threshold: SAMPLES_OF_A_RUNNING_HOUR,
    treatMissingData: "notBreaching",
  },
  {
    part: "disk-nearly-full",
    description: "More than 85 % of the root volume is used: raise kimtest:volumeSize, or clean up on the machine.",
    notifies: true,
    namespace: SYSTEM_METRIC_NAMESPACE,
    metricName: SYSTEM_METRICS.diskUsedPercent,
    dimension: STACK_DIMENSION,
    statistic: "Maximum",
    periodSeconds: FIVE_MINUTES,
    evaluationPeriods: 2,
    comparisonOperator: "GreaterThanThreshold",
    threshold: 85,
    treatMissingData: "missing",
  },
  {
    part: "restart-loop",
    description: "The service began more than four times in an hour: see kimtest infra-logs.",
    notifies: true,
    ...ownMetric("RunnerStarted"),
    periodSeconds: HOUR,
    evaluationPeriods: 1,
    comparisonOperator: "GreaterThanThreshold",
    threshold: 4,
    treatMissingData: "notBreaching",
  },
  event("bootstrap-failed", "BootstrapFailed", "The machine's set-up failed: see kimtest infra-logs."),
  event(
    "bundle-rejected",
    "BundleRejected",
    "A new runner did not come up, and the one before it runs: see kimtest infra-logs.",
  ),
  {
    part: "instance-unhealthy",
    description: "EC2's own checks of the machine or of the hardware below it fail.",
    notifies: true,
    namespace: "AWS/EC2",
    metricName: "StatusCheckFailed",
    dimension: "InstanceId",
    statistic: "Maximum",
    periodSeconds: FIVE_MINUTES,
    evaluationPeriods: 2,
    comparisonOperator: "GreaterThanOrEqualToThreshold",
    threshold: 1,
    treatMissingData: "missing",
  },
];

export const NO_DIGEST = {
  part: "no-digest",
  description: `No digest was stored in ${DIGEST_HOURS} hours in which the machine ran: see kimtest infra-logs.`,
} as const;

/** `names`: of the two alarms it is made of. */
export const bothOf = (...names: readonly string[]): string => names.map((name) => `ALARM("${name}")`).join(" AND ");
