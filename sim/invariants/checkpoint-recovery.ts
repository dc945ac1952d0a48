/**
 * Checkpoint and recovery: a checkpoint stands for the committed log up to its number: taken, read from disk
 * or received, its state is the one that executing that log gave ("Viewstamped Replication Revisited"
 * section 5.1).
 */
import { hashText } from "../hash.ts";
import type { Checkpoint } from "../vsr/checkpoint.ts";
import { isSame, type Entry } from "../vsr/log.ts";

/** `low` and `high`: the hash of the state after the checkpoint's op, as it was first executed. */
export function wrongCheckpoint(
  replica: number,
  { op, anchor, database }: Checkpoint,
  history: readonly Entry[],
  low: number,
  high: number,
): string | null {
  const committed = history[op];
  if (committed === undefined) return `replica ${replica} has a checkpoint of op ${op}, which nobody committed`;
  if (!isSame(committed, anchor)) return `the checkpoint of replica ${replica} stands on another op ${op}`;
  const found = database.recomputedHash();
  if (found.low === low && found.high === high) return null;
  const texts = `${hashText(found.low, found.high)}, but executing the log gave ${hashText(low, high)}`;
  return `the checkpoint of op ${op} of replica ${replica} has state ${texts}`;
}
