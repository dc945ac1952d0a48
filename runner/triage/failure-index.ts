/**
 * The index that makes the newest failures quick to list, whatever the archive's size: one small object per failure,
 * under a key that sorts by time (contracts/bucket.ts). Objects are only added, so that no two writers meet.
 */
import { failureIndexBeginsKey, failureIndexKey, failureKeyFrom, findingId } from "../../contracts/bucket.ts";
import type { FailureIndexBegins, FailureIndexEntry } from "../../contracts/failure.ts";
import { stringifyJson } from "../../contracts/json.ts";
import { isoAt } from "../platform/clock.ts";
import type { Outbox } from "../store/outbox.ts";

/**
 * Archives a failure with its place in the index. The index first: a failure that is listed and not there yet is
 * noticed, one that is there and not listed is not.
 */
export async function archiveIndexed(
  outbox: Outbox,
  key: string,
  signature: string,
  body: Buffer | string,
): Promise<void> {
  const entry: FailureIndexEntry = { version: 1, key, signature };
  await outbox.put(failureIndexKey(failureKeyFrom(key), findingId(signature)), stringifyJson(entry));
  await outbox.put(key, body);
}

/** To be called as a cycle begins, before it can find anything. */
export async function beginFailureIndex(outbox: Outbox, cycle: number, nowMs: number): Promise<void> {
  const begins: FailureIndexBegins = { version: 1, at: isoAt(nowMs), cycle };
  await outbox.put(failureIndexBeginsKey(nowMs), stringifyJson(begins));
}
