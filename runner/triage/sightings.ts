/** What one cycle saw of each signature: pure bookkeeping. */
import type { Sighting } from "../../contracts/cycle.ts";

/** Seeds kept per signature, newest last. */
export const MAX_SEEDS = 20;
/** Signatures kept per cycle; beyond it something other than a bug is going on, and the digest says so. */
export const MAX_SIGNATURES = 500;

export type Sightings = Readonly<Record<string, Sighting>>;

/** Adds failures. The first message, repro and key of a signature are kept: they belong together. */
export function withSighting(sightings: Sightings, seen: Sighting): Sightings {
  const known = sightings[seen.signature];
  if (known === undefined && Object.keys(sightings).length >= MAX_SIGNATURES) return sightings;
  const merged: Sighting =
    known === undefined
      ? seen
      : {
          ...known,
          count: known.count + seen.count,
          last_at: seen.last_at,
          seeds: [...known.seeds, ...seen.seeds].slice(-MAX_SEEDS),
        };
  return { ...sightings, [seen.signature]: merged };
}

/** Forgets a signature of this cycle, for a workload that sees each at most once. */
export function without(sightings: Sightings, signature: string): Sightings {
  return Object.fromEntries(Object.entries(sightings).filter(([name]) => name !== signature));
}
