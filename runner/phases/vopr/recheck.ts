/**
 * On a new commit, the seeds of open findings are run first: is the bug still there? So are those of findings
 * that an earlier cycle held back. Pure planning.
 */
import type { CycleState } from "../../../contracts/cycle.ts";
import type { VoprProfile } from "../../../contracts/profile/vopr.ts";
import type { Registry } from "../../../contracts/registry.ts";
import { commitOf } from "../context.ts";
import { planRecheck, voprOf } from "./transitions.ts";

/** Seeds run again per finding, newest first, and over all findings. */
const MAX_SEEDS_PER_FINDING = 5;
const MAX_RECHECKS = 200;

const OPEN_STATES: ReadonlySet<string> = new Set(["new", "ongoing", "rare", "regressed"]);

/** The state with a recheck waiting for each seed that deserves one; planned once per cycle. */
export function withRechecks(state: CycleState, registry: Registry, profile: VoprProfile, nowMs: number): CycleState {
  if (voprOf(state).rechecks_planned) return state;
  const commit = commitOf(state);
  const scenarios = new Set(profile.scenarios.map(({ name }) => name));
  const open = Object.values(registry.findings)
    .filter((finding) => finding.workload === "vopr" && OPEN_STATES.has(finding.state))
    .filter((finding) => finding.last_seen.git_commit !== commit);
  // What was held back as a suspicion is a bug when it fails again, on whatever commit.
  const suspected = (state.suspected ?? [])
    .flatMap(({ sightings }) => sightings)
    .filter(({ workload }) => workload === "vopr");
  const due = [...suspected, ...open]
    .flatMap(({ signature, seeds }) => {
      const scenario = signature.slice(signature.indexOf(":") + 1);
      return seeds.slice(-MAX_SEEDS_PER_FINDING).map((seed) => ({ signature, scenario, seed }));
    })
    .filter(({ scenario }) => scenarios.has(scenario))
    .slice(0, MAX_RECHECKS);
  const planned = due.reduce((sum, finding) => planRecheck(sum, finding, nowMs), state);
  return { ...planned, vopr: { ...voprOf(planned), rechecks_planned: true } };
}
