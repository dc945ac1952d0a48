/**
 * Clients are alike: a world in which two of them have changed places is the same world to every invariant. So of
 * all worlds that differ by such a renaming one is visited (Ip and Dill, "Better Verification Through
 * Symmetry", 1996: clients are a scalarset).
 *
 * That is sound because the protocol only asks whether two clients, or two hashes, are equal, never which is
 * smaller, and uses a client's number as the index of its own place in a table. A renaming then maps every step to a
 * step. Replicas are not alike: the view number says which of them is the primary, and with three of them no two
 * have the same part in two views.
 *
 * What a renaming makes of a hash cannot be computed from the hash. So every entry is registered, after the one
 * before it, with a hash of its own for each renaming.
 */
import { finish, HIGH_SEED, LOW_SEED, mixHigh, mixLow } from "../hash.ts";
import { ROOT, type Entry } from "../vsr/log.ts";

/** Low and high lane by renaming. */
export type Images = Int32Array;

export class Symmetry {
  /** Each renaming by what becomes of client 0, 1, …; the first leaves everybody in place. */
  readonly renamings: readonly (readonly number[])[];
  private readonly images = new Map<string, Images>();

  /** `alike`: false for the identity alone, with which nothing is reduced. */
  constructor(clients: number, alike: boolean) {
    const identity = Array.from({ length: clients }, (_, client) => client);
    this.renamings = alike ? permutations(identity) : [identity];
    const root = new Int32Array(2 * this.renamings.length);
    this.renamings.forEach((_, index) => {
      root[2 * index] = ROOT.hashLow;
      root[2 * index + 1] = ROOT.hashHigh;
    });
    this.images.set(keyOf(ROOT.hashLow, ROOT.hashHigh), root);
  }

  /** Entries of one log, in its order. */
  register(entries: readonly (Entry | null)[]): void {
    for (const entry of entries) if (entry !== null) this.registerOne(entry);
  }

  private registerOne({ op, view, operation, parentLow, parentHigh, hashLow, hashHigh }: Entry): void {
    const key = keyOf(hashLow, hashHigh);
    if (this.images.has(key)) return;
    const parent = this.images.get(keyOf(parentLow, parentHigh));
    if (parent === undefined) throw new Error(`entry ${op} of view ${view} was registered before its parent`);
    const own = new Int32Array(parent.length);
    this.renamings.forEach((renaming, index) => {
      const client = renaming[operation.client]!;
      const low = mixLow(mixLow(mixLow(LOW_SEED, parent[2 * index]!), op), view);
      const high = mixHigh(mixHigh(mixHigh(HIGH_SEED, parent[2 * index + 1]!), op), view);
      own[2 * index] = finish(mixLow(low, client));
      own[2 * index + 1] = finish(mixHigh(high, client));
    });
    this.images.set(key, own);
  }

  /** Of an entry's hash; undefined for a number that is none, such as the 0 of a message that names no entry. */
  imagesOf(hashLow: number, hashHigh: number): Images | undefined {
    return this.images.get(keyOf(hashLow, hashHigh));
  }
}

function keyOf(low: number, high: number): string {
  return `${low},${high}`;
}

function permutations(members: readonly number[]): number[][] {
  if (members.length === 0) return [[]];
  return members.flatMap((first, at) => permutations(members.toSpliced(at, 1)).map((rest) => [first, ...rest]));
}
