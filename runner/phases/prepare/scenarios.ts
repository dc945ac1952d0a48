/** The scenarios of the profile against those that the simulator has: pure. */
import type { VoprProfile } from "../../../contracts/profile/vopr.ts";

export interface ScenarioDifference {
  /** In the profile, and the simulator does not have them; by their names in the profile. */
  readonly missing: readonly string[];
  /** The simulator has them, and nobody runs them; by its own names. */
  readonly unclaimed: readonly string[];
}

export function compareScenarios(
  { scenarios, scenario_list: list }: Pick<VoprProfile, "scenarios" | "scenario_list">,
  listed: readonly string[],
): ScenarioDifference {
  const has = new Set(listed);
  const claimed = new Set([...scenarios.map(listedAs), ...(list?.left_out ?? [])]);
  return {
    missing: scenarios.filter((one) => !has.has(listedAs(one))).map(({ name }) => name),
    unclaimed: [...has].filter((name) => !claimed.has(name)),
  };
}

const listedAs = ({ name, listed_as }: VoprProfile["scenarios"][number]): string => listed_as ?? name;
