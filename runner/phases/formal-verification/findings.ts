/** Notes what an attempt of the phase found, for the registry and the digest. */
import { isoAt } from "../../platform/clock.ts";
import { withSighting, without } from "../../triage/sightings.ts";
import type { PhaseContext } from "../context.ts";

export interface Found {
  readonly signature: string;
  readonly message: string;
  /** Typed in the root of a checkout. */
  readonly repro: string;
  /** Of the result that holds it. */
  readonly key: string;
}

/** For one attempt: what an interrupted one had noted of the same signature is replaced, not added to. */
export function findingNotes(context: PhaseContext): (found: Found) => void {
  const seen = new Set<string>();
  return ({ signature, message, repro, key }) => {
    const at = isoAt(context.clock.nowMs());
    const sighting = { signature, count: 1, first_at: at, last_at: at, seeds: [], message, repro, failure_key: key };
    context.state.change((now) => ({
      ...now,
      sightings: withSighting(seen.has(signature) ? now.sightings : without(now.sightings, signature), {
        ...sighting,
        workload: "formal-verification",
      }),
    }));
    seen.add(signature);
  };
}
