/** Looks again and again until it is stopped, which ends it well. */
import { setTimeout as delay } from "node:timers/promises";
import { KimtestError } from "../../contracts/errors.ts";

/**
 * `tell`: of a look that fails; the next one may not. But what the first one throws (no such stack, no credentials) does
 * not mend itself, and is thrown.
 */
export async function watch(
  pauseMs: number,
  look: () => Promise<void>,
  tell: (error: KimtestError) => void,
  stop: AbortSignal,
): Promise<void> {
  const isStopped = (): boolean => stop.aborted;
  for (let looks = 0; !isStopped(); looks += 1) {
    try {
      await look();
    } catch (error) {
      if (isStopped()) return;
      if (looks === 0 || !(error instanceof KimtestError)) throw error;
      tell(error);
    }
    await delay(pauseMs, undefined, { signal: stop }).catch(() => undefined); // it rejects for a stop only
  }
}
