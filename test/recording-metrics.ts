/** Metrics that only remember, for tests of who counts what. */
import type { MetricName } from "../contracts/metrics.ts";
import type { Metrics } from "../runner/platform/metrics.ts";

export class RecordingMetrics implements Metrics {
  readonly sums: Partial<Record<MetricName, number>> = {};
  readonly last: Partial<Record<MetricName, number>> = {};
  readonly highest: Partial<Record<MetricName, number>> = {};

  count(name: MetricName, value: number): void {
    this.sums[name] = (this.sums[name] ?? 0) + value;
  }

  gauge(name: MetricName, value: number): void {
    this.last[name] = value;
    this.highest[name] = Math.max(this.highest[name] ?? value, value);
  }
}
