/** The two hashes by which a run is compared with another of the same seed. */
import { createHash } from "node:crypto";
import type { SimulatedDisk } from "../disk.ts";
import type { ReplicaState } from "../vsr/state.ts";

export function storageHash(disks: readonly SimulatedDisk[]): string {
  const hash = createHash("sha256");
  for (const disk of disks) {
    const { slots, superblocks } = disk.read();
    const words = new Int32Array(slots.length * 2 + superblocks.length);
    slots.forEach((entry, op) => {
      words[op * 2] = entry?.hashLow ?? 0;
      words[op * 2 + 1] = entry?.hashHigh ?? 0;
    });
    superblocks.forEach((superblock, copy) => (words[slots.length * 2 + copy] = superblock.checksum));
    hash.update(words);
  }
  return hash.digest("hex");
}

/** The state of the replica that is furthest; once at rest all are equal. */
export function kernelStateHash(replicas: readonly (ReplicaState | null)[]): string {
  let furthest: ReplicaState | null = null;
  for (const state of replicas) {
    if (state !== null && (furthest === null || state.commit > furthest.commit)) furthest = state;
  }
  const hash = createHash("sha256");
  if (furthest !== null) {
    const { values, sessions, requests, results } = furthest.database;
    hash.update(Int32Array.from([furthest.commit, ...values, ...sessions, ...requests, ...results]));
  }
  return hash.digest("hex");
}
