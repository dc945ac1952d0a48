/** NOT WIRED YET. */
import type { CriterionProfile } from "../../../contracts/profile/benchmarks.ts";
import type { BenchmarksResult } from "../../../contracts/results.ts";
import type { PhaseContext } from "../context.ts";

export function criterionPhase(
  _context: PhaseContext,
  _profile: CriterionProfile,
): Promise<BenchmarksResult | undefined> {
  throw new Error("not wired yet");
}
