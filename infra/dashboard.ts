/** The dashboard: every metric of contracts/metrics.ts, and what EC2 knows of the machine. Pure. */
import {
  METRIC_NAMESPACE,
  METRICS,
  STACK_DIMENSION,
  SYSTEM_METRIC_NAMESPACE,
  SYSTEM_METRICS,
  type MetricName,
} from "../contracts/metrics.ts";

type Statistic = "Sum" | "Maximum" | "Average";

interface Widget {
  type: "metric" | "alarm";
  x: number;
  y: number;
  width: number;
  height: number;
  properties: Record<string, unknown>;
}

/** Rows of the dashboard; a metric of METRICS that is in none of them fails the test. */
const ROWS: readonly (readonly { title: string; metrics: readonly MetricName[]; statistic: Statistic }[])[] = [
  [
    { title: "Progress", metrics: ["Progress"], statistic: "Sum" },
    { title: "Seeds", metrics: ["IterationsCompleted"], statistic: "Sum" },
    { title: "Seeds per second", metrics: ["Throughput"], statistic: "Average" },
  ],
  [
    { title: "Failing seeds", metrics: ["FailuresDetected"], statistic: "Sum" },
    { title: "Batches without a verdict", metrics: ["InconclusiveBatches"], statistic: "Sum" },
    { title: "Waiting for the store", metrics: ["OutboxEntries"], statistic: "Maximum" },
  ],
  [
    { title: "Cycles and digests", metrics: ["CycleCompleted", "DigestUploaded", "DigestSent"], statistic: "Sum" },
    { title: "Critical messages", metrics: ["CriticalSent"], statistic: "Sum" },
    {
      title: "Service",
      metrics: ["RunnerStarted", "BootstrapFailed", "BundleRejected", "SpotInterruption"],
      statistic: "Sum",
    },
  ],
];
const WIDTH = 8;
const HEIGHT = 6;
const PERIOD_SECONDS = 300;

export interface DashboardArgs {
  readonly stack: string;
  readonly region: string;
  readonly instanceId: string;
  readonly alarmArns: readonly string[];
}

export function dashboardBody({ stack, region, instanceId, alarmArns }: DashboardArgs): { widgets: Widget[] } {
  const graph = (x: number, y: number, title: string, stat: Statistic, metrics: string[][]): Widget => ({
    type: "metric",
    x,
    y,
    width: WIDTH,
    height: HEIGHT,
    properties: { title, region, stat, period: PERIOD_SECONDS, view: "timeSeries", stacked: false, metrics },
  });
  const own = (name: string) => [METRIC_NAMESPACE, name, STACK_DIMENSION, stack];
  const system = (name: string) => [SYSTEM_METRIC_NAMESPACE, name, STACK_DIMENSION, stack];
  const rows = ROWS.flatMap((row, index) =>
    row.map(({ title, metrics, statistic }, column) =>
      graph(column * WIDTH, (index + 1) * HEIGHT, title, statistic, metrics.map(own)),
    ),
  );
  const last = (ROWS.length + 1) * HEIGHT;
  return {
    widgets: [
      {
        type: "alarm",
        x: 0,
        y: 0,
        width: 3 * WIDTH,
        height: HEIGHT,
        properties: { title: `kimtest ${stack}`, alarms: [...alarmArns] },
      },
      ...rows,
      graph(0, last, "Disk and memory, percent used", "Maximum", [
        system(SYSTEM_METRICS.diskUsedPercent),
        system(SYSTEM_METRICS.memoryUsedPercent),
      ]),
      graph(WIDTH, last, "Processor, percent idle and stolen", "Average", [
        system(SYSTEM_METRICS.cpuIdlePercent),
        system(SYSTEM_METRICS.cpuStealPercent),
      ]),
      graph(2 * WIDTH, last, "EC2: processor, failed checks", "Maximum", [
        ["AWS/EC2", "CPUUtilization", "InstanceId", instanceId],
        ["AWS/EC2", "StatusCheckFailed", "InstanceId", instanceId],
      ]),
    ],
  };
}

/** Names of our own metrics that the dashboard shows. */
export const SHOWN_METRICS: readonly MetricName[] = ROWS.flatMap((row) => row.flatMap(({ metrics }) => metrics));
export const ALL_METRICS = Object.keys(METRICS) as MetricName[];

export const dashboardUrl = (region: string, name: string): string =>
  `https://${region}.console.aws.amazon.com/cloudwatch/home?region=${region}#dashboards/dashboard/${name}`;
