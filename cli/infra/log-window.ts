/**
 * What was shown already, and from when to ask again. Pure.
 *
 * CloudWatch gives lines by the time that they were written at, but they arrive later, and not in that order: the
 * agent sends in batches, and one machine's batch may overtake another's. So every question goes back a while before
 * the newest line, and the ids of lines in that while are kept, so that none is shown twice.
 *
 * Memory has a limit: with more ids than that, the oldest are dropped and the window is shortened to what is still
 * known. A line that arrives later than the window is long is missed.
 */
export class LogWindow {
  readonly #overlapMs: number;
  readonly #maxIds: number;
  readonly #seen = new Map<string, number>();
  #floorMs: number;
  #newestMs: number;

  readonly #now: () => number;

  constructor(sinceMs: number, now: () => number, overlapMs = 5 * 60_000, maxIds = 100_000) {
    this.#now = now;
    this.#overlapMs = overlapMs;
    this.#maxIds = maxIds;
    this.#floorMs = sinceMs;
    this.#newestMs = sinceMs;
  }

  /** The start of the next question. */
  get fromMs(): number {
    return Math.max(this.#floorMs, this.#newestMs - this.#overlapMs);
  }

  get size(): number {
    return this.#seen.size;
  }

  /** Whether the line is new; it is remembered. */
  admit(id: string, atMs: number): boolean {
    if (this.#seen.has(id)) return false;
    this.#seen.set(id, atMs);
    // CloudWatch takes lines from a clock that is hours ahead; they must not move the window past all others.
    this.#newestMs = Math.max(this.#newestMs, Math.min(atMs, this.#now()));
    return true;
  }

  /** Forgets what will not be asked for again. Safe at any time: one answer holds no line twice. */
  prune(): void {
    const from = this.fromMs;
    for (const [id, atMs] of this.#seen) if (atMs < from) this.#seen.delete(id);
    if (this.#seen.size <= this.#maxIds) return;
    const times = [...this.#seen.values()].sort((one, other) => one - other);
    // All lines of one instant go together, or the next question would bring them back.
    this.#floorMs = (times[times.length - this.#maxIds - 1] ?? 0) + 1;
    for (const [id, atMs] of this.#seen) if (atMs < this.#floorMs) this.#seen.delete(id);
  }
}
