/** What a spectator is shown of a running cycle. Pure. */
import type { CycleState } from "../contracts/cycle.ts";
import type { Profile } from "../contracts/profile.ts";
import { cycleLeftMs, phaseLeftMs } from "./budget.ts";
import type { LiveView } from "./phases/context.ts";
import { failuresOf, iterationsOf } from "./phases/vopr/result.ts";
import type { ProgressSnapshot } from "./platform/progress.ts";

export function snapshotOf(state: CycleState, profile: Profile, live: LiveView): ProgressSnapshot {
  const { vopr } = state;
  const iterations = vopr === null ? 0 : iterationsOf(vopr);
  const iterationsSeen = iterations + live.iterationsInFlight;
  const voprSeconds = (state.spent_ms.vopr ?? 0) / 1000;
  return {
    cycle: state.cycle,
    phase: state.phase,
    phaseLeftMs: Math.max(0, phaseLeftMs(profile, state, state.phase)),
    cycleLeftMs: cycleLeftMs(state),
    iterations,
    iterationsSeen,
    iterationsPerSecond: voprSeconds > 0 ? iterationsSeen / voprSeconds : 0,
    failures: vopr === null ? 0 : failuresOf(vopr),
    findings: Object.keys(state.sightings).length,
    activity: live.activity,
  };
}
