/**
 * Hash chain: an entry's checksum fits its content, and names the entry before it (Haber and Stornetta,
 * "How to Time-Stamp a Digital Document", 1991). Checked at every commit and on every log read from disk.
 */
import { follows, isIntact, type Entry } from "../vsr/log.ts";

/** The reason why `entry` does not continue `parent`, or null. */
export function brokenLink(parent: Entry, entry: Entry): string | null {
  if (!isIntact(entry)) return `the checksum of op ${entry.op} does not fit its content`;
  if (!follows(parent, entry)) return `op ${entry.op} does not continue op ${parent.op}`;
  return null;
}

/** The first broken link in a log from the op `base` on, or null. */
export function brokenChain(log: readonly Entry[], base: number): string | null {
  for (let op = base + 1; op < log.length; op++) {
    const reason = brokenLink(log[op - 1]!, log[op]!);
    if (reason !== null) return reason;
  }
  return null;
}
