/** The two hashes by which a run is compared with another of the same seed. */
import { createHash } from "node:crypto";
import type { SimulatedDisk } from "../disk.ts";
import type { Entry } from "../vsr/log.ts";
import type { ReplicaState } from "../vsr/state.ts";

const WORDS_PER_ENTRY = 9;

export function storageHash(disks: readonly SimulatedDisk[]): string {
  const hash = createHash("sha256");
  for (const disk of disks) {
    const { slots, superblocks, checkpoints } = disk.read();
    const words = new Int32Array(slots.length * WORDS_PER_ENTRY + superblocks.length + checkpoints.length);
    let at = 0;
    for (const entry of slots) {
      if (entry !== null) putEntry(words, at, entry);
      at += WORDS_PER_ENTRY;
    }
    for (const { checksum } of superblocks) words[at++] = checksum;
    for (const checkpoint of checkpoints) words[at++] = checkpoint?.checksum ?? 0;
    hash.update(words);
  }
  return hash.digest("hex");
}

/** The content and the checksum: two entries that differ in either differ here. */
function putEntry(words: Int32Array, at: number, entry: Entry): void {
  const { kind, key, value, client, request, session, tenant } = entry.operation;
  words[at] = entry.hashLow;
  words[at + 1] = entry.hashHigh;
  words[at + 2] = entry.view;
  words[at + 3] = (kind << 16) ^ (client << 8) ^ tenant;
  words[at + 4] = key;
  words[at + 5] = value;
  words[at + 6] = request;
  words[at + 7] = session;
  words[at + 8] = entry.parentLow;
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
