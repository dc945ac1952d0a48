/**
 * The fingerprint of a world: the smallest of those of all the worlds it could be renamed to (symmetry.ts), so
 * that it is one and the same for all of them.
 */
import { finish, HIGH_SEED, LOW_SEED, mixHigh, mixLow } from "../hash.ts";
import type { Symmetry } from "./symmetry.ts";
import type { World } from "./world.ts";

export class CanonicalFingerprint {
  /** Unsigned halves. */
  low = 0;
  high = 0;
  private readonly symmetry: Symmetry;
  private readonly lows: Uint32Array;
  private readonly highs: Uint32Array;

  constructor(symmetry: Symmetry) {
    this.symmetry = symmetry;
    this.lows = new Uint32Array(symmetry.renamings.length);
    this.highs = new Uint32Array(symmetry.renamings.length);
  }

  take(world: World): void {
    const { lows, highs } = this;
    let least = 0;
    for (let renaming = 0; renaming < lows.length; renaming++) {
      this.fingerprint(world, renaming);
      const low = lows[renaming]!;
      if (low < lows[least]! || (low === lows[least] && highs[renaming]! < highs[least]!)) least = renaming;
    }
    this.low = lows[least]!;
    this.high = highs[least]!;
  }

  /** So many different worlds does the one that was taken last stand for. */
  get orbit(): number {
    const { lows, highs } = this;
    let different = 0;
    for (let renaming = 0; renaming < lows.length; renaming++) {
      let earlier = 0;
      while (lows[earlier] !== lows[renaming] || highs[earlier] !== highs[renaming]) earlier += 1;
      if (earlier === renaming) different += 1;
    }
    return different;
  }

  private fingerprint({ nodes, envelopes, history, crashesLeft, corruptionsLeft }: World, renaming: number): void {
    const at = 2 * renaming;
    let low = mixLow(LOW_SEED, crashesLeft * 16 + corruptionsLeft);
    let high = mixHigh(HIGH_SEED, crashesLeft * 16 + corruptionsLeft);
    for (const { images } of nodes) {
      low = mixLow(low, images[at]!);
      high = mixHigh(high, images[at + 1]!);
    }
    // A set, whose order means nothing: the sum of its members.
    let sumLow = 0;
    let sumHigh = 0;
    for (const { images } of envelopes) {
      sumLow = (sumLow + images[at]!) | 0;
      sumHigh = (sumHigh + images[at + 1]!) | 0;
    }
    low = mixLow(low, sumLow);
    high = mixHigh(high, sumHigh);
    for (const view of history.views) {
      low = mixLow(low, view);
      high = mixHigh(high, view);
    }
    const newest = history.entries.at(-1)!;
    const committed = this.symmetry.imagesOf(newest.hashLow, newest.hashHigh)!;
    this.lows[renaming] = finish(mixLow(low, committed[at]!));
    this.highs[renaming] = finish(mixHigh(high, committed[at + 1]!));
  }
}
