/** How the time of a cycle is shared among its phases: pure. */
import type { CycleState } from "../contracts/cycle.ts";
import { PHASES, type PhaseName } from "../contracts/parts.ts";
import type { Profile } from "../contracts/profile.ts";

/**
 * Time a phase may use from its beginning, milliseconds. Each has its share of the cycle; VOPR has all
 * that is left before the digest, so a phase that ends early gives its time to it.
 */
export function phaseBudgetMs(profile: Profile, state: CycleState, phase: PhaseName): number {
  const total = PHASES.reduce((sum, name) => sum + profile.time_shares[name], 0);
  const share = (name: PhaseName): number => (state.budget_ms * profile.time_shares[name]) / total;
  if (phase !== "vopr") return share(phase);
  const before = PHASES.slice(0, PHASES.indexOf("vopr")).reduce((sum, name) => sum + (state.spent_ms[name] ?? 0), 0);
  return Math.max(0, state.budget_ms - before - share("digest"));
}

/** What is left of the phase that is running. */
export function phaseLeftMs(profile: Profile, state: CycleState, phase: PhaseName): number {
  return phaseBudgetMs(profile, state, phase) - spentInAttempt(state, phase);
}

/** An interrupted phase other than VOPR begins again with its whole share; VOPR goes on where it was. */
function spentInAttempt(state: CycleState, phase: PhaseName): number {
  const spent = state.spent_ms[phase] ?? 0;
  return phase === "vopr" ? spent : spent - (state.spent_before_attempt_ms[phase] ?? 0);
}

/** What is left of the whole cycle. */
export function cycleLeftMs(state: CycleState): number {
  return Math.max(0, state.budget_ms - Object.values(state.spent_ms).reduce((sum, ms) => sum + ms, 0));
}
