/** Names of the metrics the runner publishes, and their namespace in CloudWatch. */
export const METRIC_NAMESPACE = "Kimberlite/Testing";

/** `Progress` counts units of real work of any phase; the no-progress alarm watches it. */
export const METRICS = ["Progress", "IterationsCompleted", "FailuresDetected", "DigestUploaded"] as const;
export type MetricName = (typeof METRICS)[number];
