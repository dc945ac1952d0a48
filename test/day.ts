/** Results are filed by the day (UTC). A test that looks for those of today must not have midnight in its middle. */
import { setTimeout as delay } from "node:timers/promises";

const DAY_MS = 24 * 3_600_000;
/** No test of this kind takes longer. */
const NEEDED_MS = 4 * 60_000;

/** Before midnight it waits for it: a hook for `beforeAll`, with `DAY_HOOK_MS` as its limit. */
export async function awayFromMidnight(): Promise<void> {
  const leftMs = DAY_MS - (Date.now() % DAY_MS);
  if (leftMs < NEEDED_MS) await delay(leftMs + 1_000);
}

export const DAY_HOOK_MS = NEEDED_MS + 60_000;
