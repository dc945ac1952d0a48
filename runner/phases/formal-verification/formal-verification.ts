/** Formal verification, with the tools that the profile names. */
import type { FormalVerificationResult } from "../../../contracts/results.ts";
import type { PhaseContext } from "../context.ts";
import { explorePhase } from "./explore.ts";
import { proofsPhase } from "./proofs.ts";

export function formalVerificationPhase(
  context: PhaseContext,
  workers: number,
): Promise<FormalVerificationResult | undefined> {
  const profile = context.profile.formal_verification;
  switch (profile.tool) {
    case "explore":
      return explorePhase(context, profile);
    case "proofs":
      return proofsPhase(context, profile, workers);
  }
}
