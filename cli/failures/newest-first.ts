/** Keeps the newest of many: memory grows with the limit, not with the bucket. */
import type { FailureKey } from "../../contracts/bucket.ts";

export class NewestFirst {
  readonly #limit: number;
  #kept: FailureKey[] = [];
  total = 0;

  constructor(limit: number) {
    this.#limit = limit;
  }

  add(failure: FailureKey): void {
    this.total += 1;
    this.#kept.push(failure);
    if (this.#kept.length >= 2 * this.#limit + 1_000) this.#kept = this.failures();
  }

  /** How many are in memory. */
  get kept(): number {
    return this.#kept.length;
  }

  failures(): FailureKey[] {
    return this.#kept
      .toSorted((a, b) => b.at.getTime() - a.at.getTime() || (a.key < b.key ? -1 : 1))
      .slice(0, this.#limit);
  }
}
