/** What a replica remembers of a log repair that is under way; how it is done is in repair.ts and repairing.ts. */
import type { Checkpoint } from "./checkpoint.ts";
import type { Entry } from "./log.ts";
import type { Head } from "./messages.ts";

/** What the log is wanted for: what is done once it is whole. */
export const REPAIR_FOR = { viewChange: 0, startView: 1, newState: 2, recovery: 3 } as const;

export class Repair {
  readonly purpose: number;
  /** The view whose log it is. */
  readonly view: number;
  /** Up to here it is committed. */
  readonly commit: number;
  readonly head: Head;
  /** The replica that named the end, and is asked first. */
  readonly source: number;
  /** From the end downwards. */
  readonly collected: Entry[] = [];
  checkpoint: Checkpoint | null = null;

  constructor(purpose: number, view: number, commit: number, head: Head, source: number) {
    this.purpose = purpose;
    this.view = view;
    this.commit = commit;
    this.head = head;
    this.source = source;
  }

  /** The entry that is needed next. */
  get wanted(): Head {
    const lowest = this.collected[this.collected.length - 1];
    if (lowest === undefined) return this.head;
    return { op: lowest.op - 1, hashLow: lowest.parentLow, hashHigh: lowest.parentHigh };
  }
}

export function copyRepair(repair: Repair): Repair {
  const copy = new Repair(repair.purpose, repair.view, repair.commit, repair.head, repair.source);
  copy.collected.push(...repair.collected);
  copy.checkpoint = repair.checkpoint;
  return copy;
}
