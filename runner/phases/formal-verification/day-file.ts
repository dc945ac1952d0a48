/**
 * `formal-verification/YYYY-MM-DD.json`: the newest result of a day. A later one replaces it, but what an earlier one
 * of the same day had found stays in it: the registry points here for its evidence.
 */
import { formalVerificationKey } from "../../../contracts/bucket.ts";
import { KimtestError, reasonOf } from "../../../contracts/errors.ts";
import { stringifyJson } from "../../../contracts/json.ts";
import {
  formalVerificationDaySchema,
  type FormalVerificationDay,
  type FormalVerificationResult,
} from "../../../contracts/results.ts";
import { decodeJson, readJson } from "../../store/read-json.ts";
import type { PhaseContext } from "../context.ts";

/** More failed results of one day say nothing new; each is also under `cycles/`. */
const MAX_EARLIER = 10;

export interface DayFile {
  readonly key: string;
  /** Replaces what this attempt had put before. */
  put(result: FormalVerificationResult): Promise<void>;
}

/** To be opened before the first put of an attempt. `startedMs`: on the wall clock, for the day. */
export async function openDayFile(context: PhaseContext, startedMs: number): Promise<DayFile> {
  const key = formalVerificationKey(new Date(startedMs));
  const earlier = await earlierFailures(context, key);
  return {
    key,
    async put(result) {
      const day: FormalVerificationDay = { ...result, earlier_failures: earlier };
      await context.outbox.put(key, stringifyJson(day), { supersedes: true });
    },
  };
}

/** What waits on this disk is newer than what the store has. */
async function earlierFailures(context: PhaseContext, key: string): Promise<FormalVerificationDay["earlier_failures"]> {
  try {
    const waiting = await context.outbox.read(key);
    const day =
      waiting === undefined
        ? (await readJson(context.store, key, formalVerificationDaySchema))?.value
        : decodeJson(waiting.toString("utf8"), key, formalVerificationDaySchema);
    if (day === undefined) return [];
    const { earlier_failures: before, ...newest } = day;
    return [...(newest.verdict === "failed" ? [newest] : []), ...before].slice(0, MAX_EARLIER);
  } catch (error) {
    if (!(error instanceof KimtestError)) throw error;
    context.warn(
      `the earlier result of the day cannot be read and is replaced, see cycles/ for it: ${reasonOf(error)}`,
    );
    return [];
  }
}
