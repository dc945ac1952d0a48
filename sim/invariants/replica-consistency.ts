/**
 * Replica consistency: after the same operation every replica has the same state (Schneider,
 * "Implementing Fault-Tolerant Services Using the State Machine Approach", 1990). Checked at every commit
 * by the hash of the whole state.
 */
import { hashText } from "../hash.ts";

export class ReplicaConsistency {
  /** Two lanes per op, of the replica that committed it first. */
  private readonly hashes: number[] = [0, 0];

  /** Both lanes of the state hash after an op that was committed. */
  hashOf(op: number): readonly [number, number] {
    return [this.hashes[op * 2]!, this.hashes[op * 2 + 1]!];
  }

  /** The reason why this state hash is wrong, or null. */
  commit(replica: number, op: number, low: number, high: number): string | null {
    const at = op * 2;
    if (at >= this.hashes.length) {
      this.hashes.push(low, high);
      return null;
    }
    if (this.hashes[at] === low && this.hashes[at + 1] === high) return null;
    const theirs = hashText(this.hashes[at]!, this.hashes[at + 1]!);
    return `after op ${op} replica ${replica} has state ${hashText(low, high)}, but another had ${theirs}`;
  }
}
