/**
 * Recovery safety: a replica that lost its log comes back with all that was committed before it asked for
 * it, and in no view older than it had promised ("Viewstamped Replication Revisited" section 4.3; Michael
 * et al., "Recovering Shared Objects Without Stable Storage", DISC 2017).
 */
import { isSame, type Entry } from "../vsr/log.ts";

interface Promised {
  readonly view: number;
  readonly committed: number;
}

export class RecoverySafety {
  private readonly promises: (Promised | null)[];

  constructor(replicas: number) {
    this.promises = new Array<Promised | null>(replicas).fill(null);
  }

  /** A replica begins to recover; `view` is what its superblock says. */
  begins(replica: number, view: number, committed: number): void {
    this.promises[replica] = { view, committed };
  }

  /** It has a log again: the reason why it must not be this one, or null. */
  ends(replica: number, view: number, log: readonly Entry[], base: number, history: readonly Entry[]): string | null {
    const promise = this.promises[replica] ?? null;
    if (promise === null) return `replica ${replica} recovered without having asked`;
    this.promises[replica] = null;
    if (view < promise.view) return `replica ${replica} recovered into view ${view}, but had promised ${promise.view}`;
    const op = promise.committed;
    if (op <= base) return null;
    const held = log[op];
    if (held !== undefined && isSame(held, history[op]!)) return null;
    const what = held === undefined ? `ends at op ${log.length - 1}` : `has something else there`;
    return `op ${op} was committed before replica ${replica} began to recover, but its new log ${what}`;
  }
}
