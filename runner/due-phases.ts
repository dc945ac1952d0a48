/** Which phases are still to be run. Pure. */
import type { CycleState } from "../contracts/cycle.ts";
import { PHASES, type PhaseName } from "../contracts/parts.ts";

/**
 * The phases that a start of the runner has before it. One that has ended is not begun again, but for prepare: a
 * machine without the commit of this cycle has to have it before anything goes on.
 */
export function duePhases(state: CycleState, isPrepared: boolean): Exclude<PhaseName, "digest">[] {
  const hasResult = (phase: PhaseName): boolean => state.results.some((result) => result.phase === phase);
  return PHASES.filter((phase) => phase !== "digest").filter((phase) => {
    if (phase === "prepare") return state.phase !== "digest" && (!hasResult("prepare") || !isPrepared);
    if (PHASES.indexOf(phase) < PHASES.indexOf(state.phase)) return false;
    return !hasResult(phase) && state.given_up[phase] === undefined;
  });
}
