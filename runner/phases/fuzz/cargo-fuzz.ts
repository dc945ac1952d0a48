/** NOT WIRED YET. */
import type { CargoFuzzProfile } from "../../../contracts/profile/fuzz.ts";
import type { FuzzResult } from "../../../contracts/results.ts";
import type { PhaseContext } from "../context.ts";

export function cargoFuzzPhase(
  _context: PhaseContext,
  _profile: CargoFuzzProfile,
  _workers: number,
): Promise<FuzzResult | undefined> {
  throw new Error("not wired yet");
}
