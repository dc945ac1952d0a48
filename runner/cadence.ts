/** How often a cycle copies itself to the store. Also what `kimtest infra-cost` counts requests with. */

/** The state and the checkpoint are copied so often: every three minutes in a cycle of 48 h. */
export function mirrorIntervalMs(budgetMs: number): number {
  return Math.min(180_000, Math.max(1_000, budgetMs / 30));
}

/** An interim digest is stored when so much working time has passed since the last. */
export const INTERIM_DIGEST_MS = 24 * 3_600_000;
