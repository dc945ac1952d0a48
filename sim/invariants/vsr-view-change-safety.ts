/**
 * View change safety: what was committed is in the log of every later primary ("Viewstamped Replication
 * Revisited" section 8.1; "Leader Completeness", Ongaro and Ousterhout, "In Search of an Understandable
 * Consensus Algorithm", 2014, figure 3). Checked whenever a replica becomes primary.
 */
import { isSame, type Entry } from "../vsr/log.ts";
import type { CommittedHistory } from "./vsr-agreement.ts";

/** A replica became the primary of `view`: its log must hold all that was committed up to that view. */
export function missingFromPrimary(
  history: CommittedHistory,
  replica: number,
  view: number,
  log: readonly Entry[],
): string | null {
  const { entries, views } = history;
  let op = entries.length - 1;
  while (op > 0 && views[op]! > view) op -= 1;
  const held = log[op];
  if (held !== undefined && isSame(held, entries[op]!)) return null;
  const what = held === undefined ? `ends at op ${log.length - 1}` : `has something else there`;
  return `op ${op} was committed in view ${views[op]!}, but the log of replica ${replica}, primary of view ${view}, ${what}`;
}
