/** Wakes those who wait for a change; a notice while nobody waits is kept for the next one who does. */
import type { Clock } from "../platform/clock.ts";

export class Signal {
  #waiters: (() => void)[] = [];
  #pending = false;

  notify(): void {
    const waiters = this.#waiters;
    this.#waiters = [];
    this.#pending = waiters.length === 0;
    for (const wake of waiters) wake();
  }

  /** Resolves at the next notice, or after `maxMs` (Infinity: only then). May resolve without a change. */
  async wait(maxMs: number, clock: Pick<Clock, "sleep">): Promise<void> {
    if (this.#pending) {
      this.#pending = false;
      return;
    }
    const { promise, resolve } = Promise.withResolvers<undefined>();
    const wake = (): void => {
      resolve(undefined);
    };
    this.#waiters.push(wake);
    if (maxMs === Infinity) return promise;
    const timer = new AbortController();
    await Promise.race([promise, clock.sleep(Math.max(0, maxMs), timer.signal)]);
    timer.abort();
    this.#waiters = this.#waiters.filter((waiter) => waiter !== wake);
  }
}
