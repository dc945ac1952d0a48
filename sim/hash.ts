/**
 * The hash of the hot path: two independent 32-bit lanes of MurmurHash3's mixing (Austin Appleby, public
 * domain), 64 bits together. Not for adversaries; a Byzantine scenario will need a cryptographic one.
 */

// A global is looked up slowly in a VM context, such as that of a test.
const { imul } = Math;

export const LOW_SEED = 0x2f0b4c47;
export const HIGH_SEED = 0x71a9d3e5;

/** Adds one 32-bit word to the low lane. */
export function mixLow(hash: number, word: number): number {
  let k = imul(word, 0xcc9e2d51);
  k = imul((k << 15) | (k >>> 17), 0x1b873593);
  const h = hash ^ k;
  return (imul((h << 13) | (h >>> 19), 5) + 0xe6546b64) | 0;
}

/** Adds one 32-bit word to the high lane. */
export function mixHigh(hash: number, word: number): number {
  let k = imul(word, 0x239b961b);
  k = imul((k << 17) | (k >>> 15), 0xab0e9789);
  const h = hash ^ k;
  return (imul((h << 11) | (h >>> 21), 9) + 0x38b34ae5) | 0;
}

/** Spreads every bit of a lane over the whole lane; the last step of a hash. */
export function finish(hash: number): number {
  let h = hash ^ (hash >>> 16);
  h = imul(h, 0x85ebca6b);
  h ^= h >>> 13;
  h = imul(h, 0xc2b2ae35);
  return (h ^ (h >>> 16)) | 0;
}

/** Both lanes as 16 hex digits, for messages to people. */
export function hashText(low: number, high: number): string {
  return (high >>> 0).toString(16).padStart(8, "0") + (low >>> 0).toString(16).padStart(8, "0");
}
