/**
 * Names of all metrics, in one place: whoever publishes one, whoever alarms on it and whoever may write it agree.
 *
 * Every metric has the one dimension `Stack`: each combination of dimensions is billed as a metric of its own
 * (https://aws.amazon.com/cloudwatch/pricing/), so there is never one per seed, batch or scenario.
 */
export const METRIC_NAMESPACE = "Kimberlite/Testing";
/** What the CloudWatch agent measures of the machine. */
export const SYSTEM_METRIC_NAMESPACE = "Kimberlite/Testing/System";
export const STACK_DIMENSION = "Stack";

/** Unit as in CloudWatch's StandardUnit. */
export const METRICS = {
  /** Pieces of work really done: a batch judged, a suite run, a target fuzzed. Silence means that nothing moves. */
  Progress: "Count",
  IterationsCompleted: "Count",
  /** Failing seeds. Shown, and alarmed on by nobody: the digest tells. */
  FailuresDetected: "Count",
  /** Seeds per second since the last report. */
  Throughput: "Count/Second",
  /** A digest, interim or final, is durable in the store (not only on its way). */
  DigestUploaded: "Count",
  /** A digest was handed over to SNS. */
  DigestSent: "Count",
  CriticalSent: "Count",
  CycleCompleted: "Count",
  /** Batches without a verdict. */
  InconclusiveBatches: "Count",
  /** What waits for the store. */
  OutboxEntries: "Count",
  /** The service began: many in a short time are a restart loop. */
  RunnerStarted: "Count",
  /** The machine's set-up failed, or a new bundle did not come up. */
  BootstrapFailed: "Count",
  BundleRejected: "Count",
  SpotInterruption: "Count",
} as const;

export type MetricName = keyof typeof METRICS;

/** What the agent publishes of the machine (measurement names of its Linux plug-ins, AWS's own). */
export const SYSTEM_METRICS = {
  diskUsedPercent: "disk_used_percent",
  memoryUsedPercent: "mem_used_percent",
  cpuIdlePercent: "cpu_usage_idle",
  cpuStealPercent: "cpu_usage_steal",
} as const;
