/**
 * The worlds that were visited, each as a fingerprint of 64 bits (hash compaction; Wolper and Leroy 1993, Stern and
 * Dill 1995), and how each was reached first: 14 bytes and a free place per world, outside the heap.
 *
 * Two worlds with one fingerprint count as one. Among n worlds that happens with a probability of about n² / 2^65: less
 * than one in a million for five million worlds, one in 15,000 for fifty million.
 */
const FIRST_CAPACITY = 1 << 16;
/** Fuller than this the table is doubled: chains of taken places grow long. */
const MAX_LOAD = 0.6;

export class SeenWorlds {
  size = 0;
  private capacity = FIRST_CAPACITY;
  /** Low and high half by place; both 0 for a free one. */
  private table = new Uint32Array(2 * FIRST_CAPACITY);
  /** By the number of a world, in the order in which they were found. */
  private parents = new Uint32Array(FIRST_CAPACITY);
  private actions = new Uint16Array(FIRST_CAPACITY);

  /**
   * Returns the number of a world that is new, -1 for one that was seen. `action` is how many successors of the
   * parent come before it.
   */
  add(low: number, high: number, parent: number, action: number): number {
    if (this.size >= this.capacity * MAX_LOAD) this.grow();
    if (!this.insert(low >>> 0, high >>> 0)) return -1;
    const number = this.size;
    if (number === this.parents.length) {
      this.parents = doubled(this.parents, new Uint32Array(2 * number));
      this.actions = doubled(this.actions, new Uint16Array(2 * number));
    }
    this.parents[number] = parent;
    this.actions[number] = action;
    this.size += 1;
    return number;
  }

  /** The actions that lead from the first world to this one. */
  pathTo(number: number): number[] {
    const path: number[] = [];
    for (let at = number; at > 0; at = this.parents[at]!) path.push(this.actions[at]!);
    return path.reverse();
  }

  private insert(low: number, high: number): boolean {
    const { table } = this;
    const mask = this.capacity - 1;
    const lowKey = low === 0 && high === 0 ? 1 : low;
    for (let place = lowKey & mask; ; place = (place + 1) & mask) {
      const takenLow = table[2 * place]!;
      const takenHigh = table[2 * place + 1]!;
      if (takenLow === 0 && takenHigh === 0) {
        table[2 * place] = lowKey;
        table[2 * place + 1] = high;
        return true;
      }
      if (takenLow === lowKey && takenHigh === high) return false;
    }
  }

  private grow(): void {
    const { table } = this;
    this.capacity *= 2;
    this.table = new Uint32Array(2 * this.capacity);
    for (let at = 0; at < table.length; at += 2) {
      if (table[at] !== 0 || table[at + 1] !== 0) this.insert(table[at]!, table[at + 1]!);
    }
  }
}

function doubled<Numbers extends Uint32Array | Uint16Array>(from: Numbers, to: Numbers): Numbers {
  to.set(from);
  return to;
}
