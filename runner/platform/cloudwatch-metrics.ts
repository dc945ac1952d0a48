/**
 * Metrics to CloudWatch: added up in memory, published once a minute.
 *
 * What cannot be published is kept with its time, in memory and up to a limit, and tried again every minute;
 * a process that ends loses it. Nothing here throws or keeps the cycle waiting: metrics tell of the work,
 * they are not the work.
 */
import { CloudWatchClient, PutMetricDataCommand } from "@aws-sdk/client-cloudwatch";
import { METRIC_NAMESPACE, METRICS, STACK_DIMENSION } from "../../contracts/metrics.ts";
import { reasonOf } from "../../contracts/errors.ts";
import { requestLimits } from "./aws-limits.ts";
import type { Clock } from "./clock.ts";
import { limited } from "./limited.ts";
import type { HostMetrics } from "./host.ts";
import type { Log } from "./log.ts";
import { MetricBuffer, type Datum } from "./metrics.ts";

const INTERVAL_MS = 60_000;
/** About half a day of all metrics. */
const MAX_WAITING = 10_000;
/** PutMetricData takes 1000 at most. */
const MAX_PER_REQUEST = 500;
const REQUEST_TIMEOUT_MS = 10_000;
/** Each time with the SDK's own pause in between. */
const MAX_ATTEMPTS = 3;
/** All requests of one round. */
const ROUND_LIMIT_MS = 45_000;
/** After the first of a row of failed rounds only every so many is logged. */
const LOG_EVERY = 30;

const NEVER = new AbortController().signal;

export interface CloudWatchMetricsOptions {
  readonly stack: string;
  readonly region: string;
  readonly clock: Clock;
  readonly log: Log;
  readonly intervalMs?: number;
  readonly maxWaiting?: number;
}

export class CloudWatchMetrics implements HostMetrics {
  readonly #options: CloudWatchMetricsOptions;
  readonly #client: CloudWatchClient;
  readonly #buffer: MetricBuffer;
  readonly #closing = new AbortController();
  readonly #loop: Promise<void>;
  /** One round at a time. */
  #round: Promise<void> = Promise.resolve();
  #failedRounds = 0;

  constructor(options: CloudWatchMetricsOptions) {
    this.#options = options;
    this.#buffer = new MetricBuffer(options.maxWaiting ?? MAX_WAITING);
    this.#client = new CloudWatchClient({
      region: options.region,
      maxAttempts: MAX_ATTEMPTS,
      requestHandler: requestLimits(REQUEST_TIMEOUT_MS),
    });
    this.#loop = this.#publishEveryMinute();
  }

  count(name: keyof typeof METRICS, value: number): void {
    this.#buffer.count(name, value);
  }

  gauge(name: keyof typeof METRICS, value: number): void {
    this.#buffer.gauge(name, value);
  }

  /** Values that are not published yet, the running minute left out. */
  get waiting(): number {
    return this.#buffer.waiting;
  }

  /** Rounds in a row that have failed. */
  get failedRounds(): number {
    return this.#failedRounds;
  }

  /** Publishes what there is, at most `withinMs` long; never rejects. */
  flush(withinMs: number): Promise<void> {
    this.#round = this.#round.then(() => this.#publish(withinMs));
    return this.#round;
  }

  /** Publishes the rest and ends; what is not taken by then is lost, and the log says so. */
  async close(withinMs: number): Promise<void> {
    this.#closing.abort();
    await this.#loop;
    await this.flush(withinMs);
    if (this.#buffer.waiting > 0)
      this.#options.log.warn({ values: this.#buffer.waiting }, "metrics were not published");
    this.#client.destroy();
  }

  async #publishEveryMinute(): Promise<void> {
    const { clock, intervalMs = INTERVAL_MS } = this.#options;
    for (;;) {
      await clock.sleep(intervalMs, this.#closing.signal);
      if (this.#closing.signal.aborted) return;
      await this.flush(ROUND_LIMIT_MS);
    }
  }

  async #publish(withinMs: number): Promise<void> {
    const { clock, log } = this.#options;
    this.#buffer.seal(clock.nowMs());
    const dropped = this.#buffer.takeDropped();
    if (dropped > 0) log.error({ values: dropped }, "too many metrics wait for CloudWatch, the oldest were dropped");
    // Real time: a request does not know the cycle's clock. A round under way ends with the service.
    const endsMs = performance.now() + withinMs;
    while (this.#buffer.waiting > 0) {
      const data = this.#buffer.oldest(MAX_PER_REQUEST);
      try {
        await this.#send(data, Math.max(1, Math.ceil(endsMs - performance.now())));
      } catch (error) {
        if (!isUnacceptable(error)) {
          this.#noteFailure(error);
          return;
        }
        log.error({ reason: reasonOf(error), values: data.length }, "CloudWatch does not take these metrics: dropped");
      }
      this.#buffer.remove(data);
    }
    if (this.#failedRounds > 0) log.info({ rounds: this.#failedRounds }, "metrics are published again");
    this.#failedRounds = 0;
  }

  async #send(data: readonly Datum[], withinMs: number): Promise<void> {
    const dimensions = [{ Name: STACK_DIMENSION, Value: this.#options.stack }];
    const MetricData = data.map(({ name, value, atMs }) => ({
      MetricName: name,
      Value: value,
      Unit: METRICS[name],
      Timestamp: new Date(atMs),
      Dimensions: dimensions,
    }));
    const command = new PutMetricDataCommand({ Namespace: METRIC_NAMESPACE, MetricData });
    const abortSignal = AbortSignal.timeout(Math.ceil(withinMs));
    // Limited as well: the SDK looks at no signal while it looks for credentials.
    await limited(this.#client.send(command, { abortSignal }), "asking CloudWatch", withinMs, NEVER);
  }

  #noteFailure(error: unknown): void {
    if (this.#failedRounds % LOG_EVERY === 0) {
      this.#options.log.warn(
        { reason: reasonOf(error), waiting: this.#buffer.waiting, rounds: this.#failedRounds + 1 },
        "metrics could not be published, they are kept and tried again",
      );
    }
    this.#failedRounds += 1;
  }
}

/** The same request would be refused for ever; a missing permission, on the other hand, somebody can give. */
function isUnacceptable(error: unknown): boolean {
  const name = String((error as { name?: unknown }).name); // not instanceof: it may be of another realm
  return /^(InvalidParameter|MissingRequiredParameter|MissingParameter|InvalidFormat)/.test(name);
}
