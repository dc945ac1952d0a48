/** Metrics to a file, one line a minute: `{"at":"…","values":{"Progress":3}}`. Minutes without any are left out. */
import { reasonOf } from "../../contracts/errors.ts";
import type { MetricName } from "../../contracts/metrics.ts";
import { isoAt, type Clock } from "./clock.ts";
import type { HostMetrics } from "./host.ts";
import type { Log } from "./log.ts";
import { MetricBuffer } from "./metrics.ts";
import { openRotatingFile, type RotatingFile } from "./rotating-file.ts";

const INTERVAL_MS = 60_000;
/** A line has some 200 bytes: about two months in each of two files. */
const MAX_BYTES = 16 * 1024 * 1024;
/** Of a disk that takes nothing. */
const MAX_WAITING = 10_000;

export interface FileMetricsOptions {
  readonly path: string;
  readonly clock: Clock;
  readonly log: Log;
}

export class FileMetrics implements HostMetrics {
  readonly #options: FileMetricsOptions;
  readonly #file: RotatingFile;
  readonly #buffer = new MetricBuffer(MAX_WAITING);
  readonly #closing = new AbortController();
  readonly #loop: Promise<void>;
  #isFailing = false;

  constructor(options: FileMetricsOptions) {
    this.#options = options;
    this.#file = openRotatingFile(options.path, MAX_BYTES);
    this.#loop = this.#writeEveryMinute();
  }

  count(name: MetricName, value: number): void {
    this.#buffer.count(name, value);
  }

  gauge(name: MetricName, value: number): void {
    this.#buffer.gauge(name, value);
  }

  flush(): Promise<void> {
    this.#write();
    return Promise.resolve();
  }

  async close(): Promise<void> {
    this.#closing.abort();
    await this.#loop;
    this.#write();
    this.#file.close();
  }

  async #writeEveryMinute(): Promise<void> {
    const { clock } = this.#options;
    for (;;) {
      await clock.sleep(INTERVAL_MS, this.#closing.signal);
      if (this.#closing.signal.aborted) return;
      this.#write();
    }
  }

  #write(): void {
    const { clock, log } = this.#options;
    this.#buffer.seal(clock.nowMs());
    const dropped = this.#buffer.takeDropped();
    if (dropped > 0) log.error({ values: dropped }, "too many metrics wait for the disk, the oldest were dropped");
    const waiting = this.#buffer.oldest(MAX_WAITING);
    if (waiting.length === 0) return;
    const minutes = Map.groupBy(waiting, ({ atMs }) => atMs);
    const lines = [...minutes].map(([atMs, data]) => {
      const values = Object.fromEntries(data.map(({ name, value }) => [name, value]));
      return `${JSON.stringify({ at: isoAt(atMs), values })}\n`;
    });
    try {
      this.#file.append(lines.join(""));
      this.#buffer.remove(waiting);
      this.#isFailing = false;
    } catch (error) {
      if (!this.#isFailing) log.warn({ reason: reasonOf(error) }, "metrics could not be written, they are kept");
      this.#isFailing = true;
    }
  }
}
