/**
 * Agreement: no two replicas commit different entries under one op number, ever ("Viewstamped Replication
 * Revisited" section 8.1; Lamport's "Consistency" for a state machine). Checked at every commit.
 *
 * Keeps the one history that was committed; other invariants read it.
 */
import { isSame, ROOT, type Entry } from "../vsr/log.ts";
import { hashText } from "../hash.ts";

export class CommittedHistory {
  /** entries[op]; slot 0 is the root. */
  readonly entries: Entry[] = [ROOT];
  /** The view of the replica that committed each first. */
  readonly views: number[] = [0];

  /** A replica in `view` commits `entry`: the reason why it must not, or null. Extends the history. */
  commit(replica: number, view: number, entry: Entry): string | null {
    const agreed = this.entries[entry.op];
    if (agreed === undefined) {
      if (entry.op !== this.entries.length) {
        return `replica ${replica} committed op ${entry.op}, but nobody ever committed op ${this.entries.length}`;
      }
      this.entries.push(entry);
      this.views.push(view);
      return null;
    }
    if (isSame(agreed, entry)) return null;
    const ours = hashText(entry.hashLow, entry.hashHigh);
    const theirs = hashText(agreed.hashLow, agreed.hashHigh);
    return `replica ${replica} committed ${ours} as op ${entry.op} in view ${view}, but ${theirs} was committed before`;
  }

  copy(): CommittedHistory {
    const copy = new CommittedHistory();
    copy.entries.push(...this.entries.slice(1));
    copy.views.push(...this.views.slice(1));
    return copy;
  }

  get length(): number {
    return this.entries.length - 1;
  }
}
