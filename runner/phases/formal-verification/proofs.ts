/** NOT WIRED YET. */
import type { ProofsProfile } from "../../../contracts/profile/formal-verification.ts";
import type { FormalVerificationResult } from "../../../contracts/results.ts";
import type { PhaseContext } from "../context.ts";

export function proofsPhase(
  _context: PhaseContext,
  _profile: ProofsProfile,
  _workers: number,
): Promise<FormalVerificationResult | undefined> {
  throw new Error("not wired yet");
}
