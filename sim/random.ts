/**
 * Randomness that is the same on every machine, and fast: sfc32, a chaotic counter generator of 128 bits
 * of state (Chris Doty-Humphrey, PractRand), on 32-bit integers alone.
 *
 * Each concern of a simulation (network, disk, faults, workload) draws from a stream of its own, so that
 * a change in one does not move the dice of the others.
 */

// A global is looked up slowly in a VM context, such as that of a test.
const { imul, floor, max, clz32 } = Math;

/** Draws thrown away after seeding, so that neighbouring seeds give unrelated sequences. */
const WARM_UP_DRAWS = 15;

export class Random {
  private a = 0;
  private b = 0;
  private c = 0;
  private counter = 0;

  /** `seedLow` and `seedHigh` are the halves of a u64 seed; `stream` tells concerns apart. */
  constructor(seedLow: number, seedHigh: number, stream: number) {
    this.reseed(seedLow, seedHigh, stream);
  }

  /** As new. */
  reseed(seedLow: number, seedHigh: number, stream: number): void {
    this.a = seedLow | 0;
    this.b = seedHigh | 0;
    this.c = imul(stream + 1, 0x9e3779b1) | 0;
    this.counter = 1;
    for (let draw = 0; draw < WARM_UP_DRAWS; draw++) this.next();
  }

  /** Draws made so far. */
  get position(): number {
    return this.counter - 1 - WARM_UP_DRAWS;
  }

  /** Takes over where another is. */
  become(other: Random): void {
    this.a = other.a;
    this.b = other.b;
    this.c = other.c;
    this.counter = other.counter;
  }

  /** A uniform integer in [0, 2^32). */
  next(): number {
    const sum = (((this.a + this.b) | 0) + this.counter) | 0;
    this.counter = (this.counter + 1) | 0;
    this.a = this.b ^ (this.b >>> 9);
    this.b = (this.c + (this.c << 3)) | 0;
    this.c = (((this.c << 21) | (this.c >>> 11)) + sum) | 0;
    return sum >>> 0;
  }

  /** A uniform integer in [0, bound); `bound` from 1 to 2^32. */
  below(bound: number): number {
    return floor((this.next() / 4294967296) * bound);
  }

  /** A uniform integer in [low, high]. */
  between(low: number, high: number): number {
    return low + this.below(high - low + 1);
  }

  /** True with probability `perMillion` / 1,000,000. No draw is made for 0. */
  chance(perMillion: number): boolean {
    return perMillion > 0 && this.next() < perMillion * 4294.967296;
  }

  /**
   * A whole number of about exponential distribution with this mean, at least 1 and at most 22 times the
   * mean: each factor of two less likely is one step further. Integers and one division only, because
   * `Math.log` need not give the same last bit on every machine.
   */
  exponential(mean: number): number {
    const halvings = clz32(this.next());
    return max(1, floor(((halvings + this.next() / 4294967296) * mean) / 1.5));
  }
}
