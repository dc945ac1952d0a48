/** A limit on how long something outside may keep us, in real time, whatever clock the cycle lives on. */
import { KimtestError } from "../../contracts/errors.ts";

/**
 * Settles as `work` does, unless the limit or a stop comes first. What was begun is not undone: only work
 * that may be left to end by itself belongs here.
 *
 * @throws KimtestError `STORE_UNREACHABLE` after `limitMs`, `INTERRUPTED` when `signal` aborts
 */
export async function limited<T>(work: Promise<T>, what: string, limitMs: number, signal: AbortSignal): Promise<T> {
  const end = Promise.withResolvers<never>();
  const timer = setTimeout(() => {
    end.reject(new KimtestError("STORE_UNREACHABLE", `${what} took longer than ${String(limitMs / 1000)} s`));
  }, limitMs);
  const onAbort = (): void => {
    end.reject(new KimtestError("INTERRUPTED", `stopped while ${what}`));
  };
  signal.addEventListener("abort", onAbort);
  if (signal.aborted) onAbort();
  try {
    return await Promise.race([work, end.promise]);
  } finally {
    clearTimeout(timer);
    signal.removeEventListener("abort", onAbort);
    end.promise.catch(() => undefined); // nobody waits for the loser
  }
}
