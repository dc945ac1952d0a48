/**
 * The projection: a view of the key-value store as a table of rows, kept by every replica for its queries.
 *
 * It follows the commits at a distance: what was committed waits in a queue and is applied some operations
 * at a time. Every cell keeps its versions (from which op on, up to which), so that a query can read the
 * table as it was at any op since the horizon (multi-version concurrency control; Reed, 1978). An index
 * holds the rows that exist now, ordered by value.
 */
import { ABSENT } from "./operation.ts";
import type { Database } from "./database.ts";

/** Versions that ended so many ops ago are dropped. */
const KEPT_OPS = 64;
/** As the end of a version: it has none yet. */
const OPEN = 2 ** 31 - 1;
/** Canary: the applied position goes back by so much, so often. */
const REGRESSION = { every: 40, by: 20 };

/** Deliberate bugs; see ../canaries.ts. */
export interface ProjectionBugs {
  readonly regressesPosition: boolean;
  readonly readsNewestVersion: boolean;
  readonly staleIndex: boolean;
}

export interface Version {
  readonly from: number;
  /** The first op at which it is not seen any more. */
  to: number;
  readonly value: number;
}

export interface IndexEntry {
  readonly value: number;
  readonly cell: number;
}

export class Projection {
  /** Everything up to this op is in the table. */
  appliedOp = 0;
  /** The oldest op as of which the table can be read. */
  horizon = 0;
  readonly versions: Version[][];
  /** Rows that exist now, by value and then by cell. */
  readonly index: IndexEntry[] = [];
  private readonly bugs: ProjectionBugs;
  /** Committed and not applied: op, cell (or -1), value. */
  private queue: number[] = [];
  private queueStart = 0;

  constructor(cells: number, bugs: ProjectionBugs) {
    this.versions = Array.from({ length: cells }, () => []);
    this.bugs = bugs;
  }

  /** Begins anew with the state after `op`. */
  reset(database: Database, op: number): void {
    this.appliedOp = op;
    this.horizon = op;
    this.queue = [];
    this.queueStart = 0;
    this.index.length = 0;
    database.values.forEach((value, cell) => {
      this.versions[cell] = [];
      if (value !== ABSENT) this.insert(op, cell, value);
    });
  }

  /** `op` was committed and left `value` in `cell`; `cell` is -1 when it changed nothing. */
  enqueue(op: number, cell: number, value: number): void {
    this.queue.push(op, cell, value);
  }

  /** Applies the next operations, at most `limit`. */
  apply(limit: number): void {
    for (let applied = 0; applied < limit && this.queueStart < this.queue.length; applied++) {
      const op = this.queue[this.queueStart]!;
      const cell = this.queue[this.queueStart + 1]!;
      if (cell >= 0) this.change(op, cell, this.queue[this.queueStart + 2]!);
      this.queueStart += 3;
      this.appliedOp = op;
      if (this.bugs.regressesPosition && op % REGRESSION.every === 0) this.appliedOp = op - REGRESSION.by;
    }
    if (this.queueStart === this.queue.length && this.queueStart > 0) {
      this.queue.length = 0;
      this.queueStart = 0;
    }
    this.horizon = Math.max(this.horizon, this.appliedOp - KEPT_OPS);
  }

  /** The value of a cell as of `op`, from the horizon to the applied op. */
  read(cell: number, op: number): number {
    const versions = this.versions[cell]!;
    for (let index = versions.length - 1; index >= 0; index--) {
      const version = versions[index]!;
      if (this.bugs.readsNewestVersion) return version.to === OPEN ? version.value : ABSENT;
      if (version.from <= op) return op < version.to ? version.value : ABSENT;
    }
    return ABSENT;
  }

  private change(op: number, cell: number, value: number): void {
    const versions = this.versions[cell]!;
    const newest = versions.at(-1);
    if (newest?.to === OPEN) {
      newest.to = op;
      if (!this.bugs.staleIndex || value !== ABSENT) this.removeFromIndex(newest.value, cell);
    }
    if (value !== ABSENT) this.insert(op, cell, value);
    while (versions.length > 1 && versions[0]!.to < this.horizon) versions.shift();
  }

  private insert(op: number, cell: number, value: number): void {
    this.versions[cell]!.push({ from: op, to: OPEN, value });
    this.index.splice(this.placeOf(value, cell), 0, { value, cell });
  }

  private removeFromIndex(value: number, cell: number): void {
    const place = this.placeOf(value, cell);
    if (this.index[place]?.cell === cell && this.index[place].value === value) this.index.splice(place, 1);
  }

  /** The first place in the index that is not before (value, cell). */
  placeOf(value: number, cell: number): number {
    let low = 0;
    let high = this.index.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      const entry = this.index[middle]!;
      if (entry.value < value || (entry.value === value && entry.cell < cell)) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
