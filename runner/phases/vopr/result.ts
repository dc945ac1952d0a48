/** The verdict of the marathon: pure. */
import type { CycleState, VoprState } from "../../../contracts/cycle.ts";
import type { Profile } from "../../../contracts/profile.ts";
import { failed, inconclusive, PASSED, worstOf, type Judgement } from "../../../contracts/verdict.ts";

export const iterationsOf = (state: VoprState): number =>
  sum(Object.values(state.scenarios).map(({ iterations }) => iterations));
export const failuresOf = (state: VoprState): number =>
  sum(Object.values(state.scenarios).map(({ failures }) => failures));

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}

/** Scenarios of the profile that the simulator does not have, as the prepare phase found out. */
export function missingScenarios(state: CycleState): ReadonlySet<string> {
  return new Set(state.results.find((result) => result.phase === "prepare")?.missing_scenarios);
}

/** `profile`: with the scenarios that are run; `missing`: the others. `endedEarly`: why the phase gave up; undefined when its time was used. */
export function judgeMarathon(
  state: VoprState,
  profile: Profile,
  missing: ReadonlySet<string>,
  endedEarly: string | undefined,
): Judgement {
  const failures = failuresOf(state);
  const stillFailing = Object.values(state.rechecks).filter((recheck) => recheck.failed > 0).length;
  const idle = profile.vopr.scenarios.filter(({ name }) => (state.scenarios[name]?.iterations ?? 0) === 0);
  return worstOf([
    iterationsOf(state) === 0 ? inconclusive("no seed got a verdict") : PASSED,
    endedEarly === undefined ? PASSED : inconclusive(endedEarly),
    failures === 0 ? PASSED : failed(`${String(failures)} of ${String(iterationsOf(state))} seeds failed`),
    stillFailing === 0 ? PASSED : failed(`${String(stillFailing)} known findings still fail on this commit`),
    state.inconclusive_seeds === 0 ? PASSED : inconclusive(withoutVerdict(state)),
    idle.length === 0 ? PASSED : inconclusive(`no verdict in ${idle.map(({ name }) => name).join(", ")}`),
    missing.size === 0 ? PASSED : inconclusive(`not in the simulator, and not run: ${[...missing].join(", ")}`),
  ]);
}

function withoutVerdict({ inconclusive_seeds: seeds, inconclusive: listed }: VoprState): string {
  const [first] = listed;
  return `${String(seeds)} seeds got no verdict${first === undefined ? "" : `, the first of them: ${first.reason}`}`;
}
