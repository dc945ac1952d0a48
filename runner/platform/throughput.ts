/** Seeds per second of the last minute, as the metric `Throughput`. */
import type { Metrics } from "./metrics.ts";

const INTERVAL_MS = 60_000;

export class ThroughputMeter {
  readonly #metrics: Metrics;
  #since: { readonly atMs: number; readonly seeds: number } | undefined;

  constructor(metrics: Metrics) {
    this.#metrics = metrics;
  }

  /** `seeds`: parsed so far, running batches included; undefined while no seeds are run. */
  report(nowMs: number, seeds: number | undefined): void {
    if (seeds === undefined) {
      this.#since = undefined;
      return;
    }
    this.#since ??= { atMs: nowMs, seeds };
    const elapsedMs = nowMs - this.#since.atMs;
    if (elapsedMs < INTERVAL_MS) return;
    // Fewer than before: a batch lost its seeds, having no verdict.
    this.#metrics.gauge("Throughput", (Math.max(0, seeds - this.#since.seeds) / elapsedMs) * 1000);
    this.#since = { atMs: nowMs, seeds };
  }
}
