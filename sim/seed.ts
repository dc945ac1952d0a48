/** Seeds on the hot path: two halves of 32 bits, so that counting and printing them needs no bigint. */

const HALF = 4294967296;
/** Below this the whole seed is a safe integer. */
const SAFE_HIGH = 2 ** 21;

export class SeedCounter {
  low: number;
  high: number;

  constructor(seed: bigint) {
    this.low = Number(seed % BigInt(HALF));
    this.high = Number(seed / BigInt(HALF));
  }

  next(): void {
    this.low += 1;
    if (this.low < HALF) return;
    this.low = 0;
    this.high += 1;
  }

  get value(): bigint {
    return BigInt(this.high) * BigInt(HALF) + BigInt(this.low);
  }

  /** All digits. */
  toString(): string {
    return this.high < SAFE_HIGH ? String(this.high * HALF + this.low) : this.value.toString();
  }
}
