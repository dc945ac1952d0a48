/**
 * Prefix property: of two replicas in one view the log of one is a prefix of the other's ("Log Matching",
 * Ongaro and Ousterhout 2014, figure 3; in VRR because only the primary of a view numbers requests).
 *
 * The hash of an entry vouches for all below it, so it is enough that whoever has an entry `op` in a view
 * has the same one. Looked at whenever the log of a replica in normal operation has a new end.
 */
import { isSame, type Entry } from "../vsr/log.ts";
import { MAX_LOG_ENTRIES } from "../vsr/state.ts";

export class PrefixProperty {
  /** The newest entry seen, by view and op. */
  private readonly ends = new Map<number, Entry>();
  private readonly lastSeen: (Entry | null)[];
  private readonly lastViews: number[];

  constructor(replicas: number) {
    this.lastSeen = new Array<Entry | null>(replicas).fill(null);
    this.lastViews = new Array<number>(replicas).fill(-1);
  }

  /** True when this end of this replica's log was not looked at yet. */
  isNew(replica: number, view: number, newest: Entry): boolean {
    return this.lastSeen[replica] !== newest || this.lastViews[replica] !== view;
  }

  /** The log of a replica in `view` ends with `newest`: the reason why it must not, or null. */
  check(replica: number, view: number, newest: Entry): string | null {
    this.lastSeen[replica] = newest;
    this.lastViews[replica] = view;
    const key = view * MAX_LOG_ENTRIES + newest.op;
    const known = this.ends.get(key);
    if (known === undefined) {
      this.ends.set(key, newest);
      return null;
    }
    if (known === newest || isSame(known, newest)) return null;
    return `replica ${replica} has another op ${newest.op} in view ${view} than a replica that was in it before`;
  }
}
