/** Time, passed in everywhere so that tests can own it. */
import { setTimeout as delay } from "node:timers/promises";

export interface Clock {
  /** Wall clock, Unix milliseconds: for what is stored. */
  nowMs(): number;
  /** Never goes back, milliseconds from an arbitrary start: for durations and deadlines. */
  monotonicMs(): number;
  /** Resolves after `ms`, or at once when `signal` aborts. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
}

export const systemClock: Clock = {
  nowMs: () => Date.now(),
  monotonicMs: () => performance.now(),
  async sleep(ms, signal) {
    try {
      await delay(ms, undefined, signal === undefined ? {} : { signal });
    } catch (error) {
      if (signal?.aborted !== true) throw error;
    }
  },
};

export const isoAt = (ms: number): string => new Date(ms).toISOString();
