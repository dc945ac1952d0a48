/**
 * Asks the instance metadata service whether EC2 is about to take the machine away.
 *
 * The notice comes two minutes ahead at best, and best effort is all that AWS promises:
 * https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/spot-instance-termination-notices.html
 * (poll every five seconds; 404 means that there is none).
 * A metadata service that is away, as on every other machine, is logged once and asked ever less often; it
 * never fails the cycle.
 */
import { z } from "zod";
import { reasonOf } from "../../contracts/errors.ts";
import { parseJson } from "../../contracts/json.ts";
import type { Clock } from "./clock.ts";
import { instanceMetadata, type InstanceMetadata } from "./instance-metadata.ts";
import type { Log } from "./log.ts";

const POLL_MS = 5_000;
const MAX_PAUSE_MS = 60_000;
/** So many failures in a row do not change the pace. */
const PATIENT_FAILURES = 3;
/** A notice for a time so long ago was not about this life of the machine. */
const STALE_MS = 10 * 60_000;

const NOTICE_PATH = "spot/instance-action";
const REBALANCE_PATH = "events/recommendations/rebalance";

export interface SpotNotice {
  /** stop, terminate or hibernate. */
  readonly action: string;
  /** When the machine goes, Unix milliseconds. */
  readonly atMs: number;
}

const noticeSchema = z.looseObject({ action: z.string(), time: z.string() });

/** The notice in an answer, or undefined when it is about the past. A time that cannot be read means now. */
export function noticeFrom(text: string, nowMs: number): SpotNotice | undefined {
  const { action, time } = noticeSchema.parse(parseJson(text, "the spot notice"));
  const parsedMs = Date.parse(time);
  const atMs = Number.isNaN(parsedMs) ? nowMs : parsedMs;
  return atMs < nowMs - STALE_MS ? undefined : { action, atMs };
}

export interface SpotWatchOptions {
  readonly env: NodeJS.ProcessEnv;
  readonly clock: Clock;
  readonly log: Log;
  /** Called once. */
  readonly onNotice: (notice: SpotNotice) => void;
  readonly pollMs?: number;
}

/** A watch for the news that this machine will be taken away. */
export interface MachineWatch {
  /** Settles when the first question was answered or given up. */
  readonly asked: Promise<void>;
  stop(): Promise<void>;
}

export function watchSpotNotice(options: SpotWatchOptions): MachineWatch {
  const { env, clock, log } = options;
  const metadata = instanceMetadata(env, () => clock.monotonicMs());
  if (metadata === undefined) {
    log.info({}, "the instance metadata service is switched off: no spot notice will be seen");
    return { asked: Promise.resolve(), stop: () => Promise.resolve() };
  }
  const watch = new Watch(options, metadata);
  const stopped = new AbortController();
  const asked = Promise.withResolvers<undefined>();
  const loop = watch.run(stopped.signal, () => {
    asked.resolve(undefined);
  });
  return {
    asked: asked.promise,
    async stop() {
      stopped.abort();
      await loop;
    },
  };
}

class Watch {
  readonly #options: SpotWatchOptions;
  readonly #metadata: InstanceMetadata;
  #failures = 0;
  #saidRebalance = false;
  #saidStale = false;

  constructor(options: SpotWatchOptions, metadata: InstanceMetadata) {
    this.#options = options;
    this.#metadata = metadata;
  }

  async run(signal: AbortSignal, onAsked: () => void): Promise<void> {
    const { clock, pollMs = POLL_MS } = this.#options;
    while (!signal.aborted) {
      const seen = await this.#ask();
      onAsked();
      if (seen) return;
      await clock.sleep(
        Math.min(MAX_PAUSE_MS, pollMs * 2 ** Math.min(10, Math.max(0, this.#failures - PATIENT_FAILURES))),
        signal,
      );
    }
  }

  /** True when the machine is going away. */
  async #ask(): Promise<boolean> {
    const { log, clock, onNotice } = this.#options;
    try {
      const text = await this.#metadata.read(NOTICE_PATH);
      if (this.#failures > 0) log.info({ failures: this.#failures }, "the instance metadata service answers again");
      this.#failures = 0;
      if (text === undefined) {
        await this.#lookForRebalance();
        return false;
      }
      const notice = noticeFrom(text, clock.nowMs());
      if (notice === undefined) {
        if (!this.#saidStale) log.warn({ text }, "a spot notice about the past: not heeded");
        this.#saidStale = true;
        return false;
      }
      log.warn({ ...notice }, "spot notice: EC2 takes this machine away");
      onNotice(notice);
      return true;
    } catch (error) {
      if (this.#failures === 0) {
        const reason = reasonOf((error as { cause?: unknown }).cause ?? error); // fetch hides why in the cause
        log.warn(
          { endpoint: this.#metadata.endpoint, reason },
          "the instance metadata service cannot be asked for spot notices",
        );
      }
      this.#failures += 1;
      return false;
    }
  }

  /** Only said: it is no order, and a cycle loses nothing by going on until there is one. */
  async #lookForRebalance(): Promise<void> {
    if (this.#saidRebalance) return;
    const text = await this.#metadata.read(REBALANCE_PATH);
    if (text === undefined) return;
    this.#saidRebalance = true;
    this.#options.log.warn({ text }, "EC2 recommends to leave this machine: its spot capacity is at risk");
  }
}
