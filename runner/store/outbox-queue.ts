/**
 * What the outbox has in memory: who waits, in which order, and whose turn it is. No I/O, no time.
 *
 * Per key first in, first out: only the oldest entry of a key is ever handed out, and the next one not
 * before that is finished. Between keys the turn goes round. Bodies are on disk; an entry here is a few
 * numbers and a key.
 */
export interface Entry {
  readonly sequence: number;
  readonly key: string;
  /** Size of the file on disk. */
  readonly bytes: number;
  readonly supersedes: boolean;
}

interface Waiting extends Entry {
  /** Its file is complete: `newest` may show it. */
  readable: boolean;
  /** It may be delivered. */
  durable: boolean;
}

interface Line {
  readonly entries: Waiting[];
  inFlight: boolean;
  refused: boolean;
  /** A file of this line was removed while others wait, and the folder was not synced since. */
  unsyncedRemoval: boolean;
}

export class OutboxQueue {
  readonly #lines = new Map<string, Line>();
  /** Ascending by sequence: entries are added in that order. */
  readonly #bySequence = new Map<number, Waiting>();
  /** Keys whose oldest entry can go now, in the order of their turns. */
  readonly #ready = new Set<string>();
  readonly #refused = new Set<string>();
  #bytes = 0;

  get size(): number {
    return this.#bySequence.size;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** The oldest sequence that waits; Infinity when none does. */
  get oldestSequence(): number {
    for (const sequence of this.#bySequence.keys()) return sequence;
    return Infinity;
  }

  /** A new entry, later than all others; it is not handed out before `markDurable`. */
  add(entry: Entry): void {
    const waiting = { ...entry, readable: false, durable: false };
    let line = this.#lines.get(entry.key);
    if (line === undefined) {
      line = { entries: [], inFlight: false, refused: false, unsyncedRemoval: false };
      this.#lines.set(entry.key, line);
    }
    line.entries.push(waiting);
    this.#bySequence.set(entry.sequence, waiting);
    this.#bytes += entry.bytes;
  }

  markReadable(sequence: number): void {
    const entry = this.#bySequence.get(sequence);
    if (entry !== undefined) entry.readable = true;
  }

  /** It turned out damaged. */
  markUnreadable(sequence: number): void {
    const entry = this.#bySequence.get(sequence);
    if (entry !== undefined) entry.readable = false;
  }

  /** Keeps a waiting entry from being handed out, until `markDurable` or `remove`. */
  hold(sequence: number): void {
    const entry = this.#bySequence.get(sequence);
    if (entry === undefined) return;
    entry.durable = false;
    this.#refresh(entry.key);
  }

  markDurable(sequence: number): void {
    const entry = this.#bySequence.get(sequence);
    if (entry === undefined) return;
    entry.readable = true;
    entry.durable = true;
    this.#refresh(entry.key);
  }

  remove(sequence: number): void {
    const entry = this.#bySequence.get(sequence);
    const line = entry && this.#lines.get(entry.key);
    if (entry === undefined || line === undefined) return;
    line.entries.splice(line.entries.indexOf(entry), 1);
    this.#bySequence.delete(sequence);
    this.#bytes -= entry.bytes;
    this.#refresh(entry.key);
    if (line.entries.length === 0) {
      this.#lines.delete(entry.key);
      this.#refused.delete(entry.key);
    }
  }

  /** The next entry whose turn it is; its key gets no other turn until `finish` or `putBack`. */
  take(): Entry | undefined {
    for (const key of this.#ready) {
      const line = this.#lines.get(key)!;
      line.inFlight = true;
      this.#refresh(key);
      return line.entries[0];
    }
    return undefined;
  }

  /** The entry in flight is delivered and its file is gone. */
  finish(entry: Entry): void {
    const line = this.#lines.get(entry.key);
    if (line !== undefined) line.inFlight = false;
    this.remove(entry.sequence);
  }

  /** The entry in flight is not delivered; with `refused` its key waits for `readmitRefused`. */
  putBack(entry: Entry, refused: boolean): void {
    const line = this.#lines.get(entry.key);
    if (line === undefined) return;
    line.inFlight = false;
    line.refused = refused;
    if (refused) this.#refused.add(entry.key);
    this.#refresh(entry.key);
  }

  get refusedCount(): number {
    return this.#refused.size;
  }

  readmitRefused(): void {
    const keys = [...this.#refused];
    this.#refused.clear();
    for (const key of keys) {
      const line = this.#lines.get(key);
      if (line !== undefined) line.refused = false;
      this.#refresh(key);
    }
  }

  /** The newest complete entry of a key. */
  newest(key: string): Entry | undefined {
    return this.#lines.get(key)?.entries.findLast((entry) => entry.readable);
  }

  /** Older entries that this one may replace: waiting, complete, replaceable, not on their way. */
  supersededBy(newer: Entry): Entry[] {
    const line = this.#lines.get(newer.key);
    if (line === undefined || !newer.supersedes) return [];
    const from = line.inFlight ? 1 : 0;
    return line.entries
      .slice(from)
      .filter((entry) => entry.supersedes && entry.durable && entry.sequence < newer.sequence);
  }

  /** Notes that a file of this key was removed; says whether that matters, see `Line.unsyncedRemoval`. */
  noteRemoval(key: string): void {
    const line = this.#lines.get(key);
    if (line !== undefined) line.unsyncedRemoval = true;
  }

  /** Reads and resets the note. */
  takeUnsyncedRemoval(key: string): boolean {
    const line = this.#lines.get(key);
    if (line?.unsyncedRemoval !== true) return false;
    line.unsyncedRemoval = false;
    return true;
  }

  #refresh(key: string): void {
    const line = this.#lines.get(key);
    const head = line?.entries[0];
    const isReady = line !== undefined && head?.durable === true && !line.inFlight && !line.refused;
    if (isReady) this.#ready.add(key);
    else this.#ready.delete(key);
  }
}
