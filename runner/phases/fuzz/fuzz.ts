/** Fuzzing, with the tool that the profile names. */
import type { FuzzResult } from "../../../contracts/results.ts";
import type { PhaseContext } from "../context.ts";
import { cargoFuzzPhase } from "./cargo-fuzz.ts";
import { fastCheckPhase } from "./fast-check.ts";

export function fuzzPhase(context: PhaseContext, workers: number): Promise<FuzzResult | undefined> {
  const profile = context.profile.fuzz;
  switch (profile.tool) {
    case "fast-check":
      return fastCheckPhase(context, profile, workers);
    case "cargo-fuzz":
      return cargoFuzzPhase(context, profile, workers);
  }
}
