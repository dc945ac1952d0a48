/** How long to wait before trying again: twice as long each time, up to a cap, spread by chance. */
export interface Backoff {
  readonly firstMs: number;
  readonly maxMs: number;
}

/**
 * @param failures - in a row, the first one is 1.
 * @param chance - in [0, 1): spreads the delay over its upper half, so that many clients do not come back
 *   in the same moment.
 */
export function backoffDelayMs({ firstMs, maxMs }: Backoff, failures: number, chance: number): number {
  const fullMs = Math.min(maxMs, firstMs * 2 ** Math.min(failures - 1, 30));
  return fullMs * (0.5 + chance / 2);
}
