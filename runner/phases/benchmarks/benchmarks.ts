/** Benchmarks, with the harness that the profile names; alone on the machine. */
import type { BenchmarksResult } from "../../../contracts/results.ts";
import type { PhaseContext } from "../context.ts";
import { criterionPhase } from "./criterion.ts";
import { tinybenchPhase } from "./tinybench.ts";

export function benchmarksPhase(context: PhaseContext): Promise<BenchmarksResult | undefined> {
  const profile = context.profile.benchmarks;
  switch (profile.tool) {
    case "tinybench":
      return tinybenchPhase(context, profile);
    case "criterion":
      return criterionPhase(context, profile);
  }
}
