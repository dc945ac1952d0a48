/**
 * What the runner counts and measures for those who watch it (contracts/metrics.ts).
 *
 * On the instance it goes to CloudWatch (cloudwatch-metrics.ts); on a laptop nobody listens.
 */
import type { MetricName } from "../../contracts/metrics.ts";

export interface Metrics {
  /** Adds to what happened. Cheap, never throws. */
  count(name: MetricName, value: number): void;
  /** How much there is now; of one interval the last value counts. Cheap, never throws. */
  gauge(name: MetricName, value: number): void;
}

export const noMetrics: Metrics = { count: () => undefined, gauge: () => undefined };

/** One value of one metric, as it is published. */
export interface Datum {
  readonly name: MetricName;
  readonly value: number;
  /** Unix milliseconds. */
  readonly atMs: number;
}

/** Adds up an interval in memory, and keeps what could not be published yet: at most `maxWaiting` values. */
export class MetricBuffer implements Metrics {
  readonly #maxWaiting: number;
  readonly #counts = new Map<MetricName, number>();
  readonly #gauges = new Map<MetricName, number>();
  #waiting: Datum[] = [];
  #dropped = 0;

  constructor(maxWaiting: number) {
    this.#maxWaiting = maxWaiting;
  }

  count(name: MetricName, value: number): void {
    if (Number.isFinite(value) && value > 0) this.#counts.set(name, (this.#counts.get(name) ?? 0) + value);
  }

  gauge(name: MetricName, value: number): void {
    if (Number.isFinite(value)) this.#gauges.set(name, value);
  }

  /** Ends the interval: what was counted waits with this instant from now on. */
  seal(atMs: number): void {
    for (const [name, value] of [...this.#counts, ...this.#gauges]) this.#waiting.push({ name, value, atMs });
    this.#counts.clear();
    this.#gauges.clear();
    const over = this.#waiting.length - this.#maxWaiting;
    if (over <= 0) return;
    this.#waiting = this.#waiting.slice(over); // the oldest go: what happens now matters more
    this.#dropped += over;
  }

  /** The oldest values that wait. */
  oldest(limit: number): readonly Datum[] {
    return this.#waiting.slice(0, limit);
  }

  /** They need not wait any longer. */
  remove(data: readonly Datum[]): void {
    const gone = new Set(data);
    this.#waiting = this.#waiting.filter((datum) => !gone.has(datum));
  }

  get waiting(): number {
    return this.#waiting.length;
  }

  /** How many values were dropped since this was last asked. */
  takeDropped(): number {
    const dropped = this.#dropped;
    this.#dropped = 0;
    return dropped;
  }
}
