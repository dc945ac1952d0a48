/** Waits, within a limit, for what another process does. */
import { setTimeout as delay } from "node:timers/promises";

/** Only what hangs reaches it. */
const LIMIT_MS = 60_000;

/** @throws Error with `what` when it does not hold in time. */
export async function until(what: string, holds: () => boolean): Promise<void> {
  const deadlineMs = performance.now() + LIMIT_MS;
  while (!holds()) {
    if (performance.now() > deadlineMs) throw new Error(`not within ${String(LIMIT_MS / 1000)} s: ${what}`);
    await delay(20);
  }
}
