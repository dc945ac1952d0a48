/** One phase, or a part of one, outside of a cycle: on real parts, with nothing before it and nothing after it. */
import type { CycleState } from "../contracts/cycle.ts";
import type { Profile } from "../contracts/profile.ts";
import { beginning } from "./cycle-state.ts";
import type { PhaseContext } from "./phases/context.ts";
import type { RunnerDependencies } from "./platform/dependencies.ts";

/** As a first cycle begins. */
export function stateOfFirstCycle(
  { clock, store }: Pick<RunnerDependencies, "clock" | "store">,
  profile: Profile,
  budgetMs: number,
): CycleState {
  const nothing = { state: undefined, checkpoint: undefined, damage: [] };
  return beginning(nothing, { profile, budgetMs, nowMs: clock.nowMs(), outageBeforeMs: 0, storeUrl: store.url });
}

export type LonePhase = Pick<PhaseContext, "profile" | "state" | "signal" | "worked" | "warn"> & {
  readonly budgetMs: number;
};

/** Its time runs from now on. */
export function lonePhase(dependencies: RunnerDependencies, { budgetMs, ...given }: LonePhase): PhaseContext {
  const { clock } = dependencies;
  const startedMs = clock.monotonicMs();
  return {
    ...dependencies,
    ...given,
    live: { activity: "", iterationsInFlight: 0 },
    budgetMs: () => budgetMs,
    leftMs: () => budgetMs - (clock.monotonicMs() - startedMs),
  };
}
