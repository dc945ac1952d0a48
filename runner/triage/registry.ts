/**
 * Findings over time: pure merging of what a cycle saw into what was known.
 *
 * Merging the same cycle again changes nothing: its own earlier contribution is taken out first. So a
 * runner that died between writing the registry and noting that it had done so may simply merge again.
 */
import type { Recheck, Sighting } from "../../contracts/cycle.ts";
import type { Finding, FindingState, Registry } from "../../contracts/registry.ts";
import { MAX_SEEDS } from "./sightings.ts";

/** Cycles kept per finding. */
const MAX_CYCLES = 50;
/** A finding with a history of at least so many cycles, seen in at most this share of them, is rare. */
const RARE_MIN_CYCLES = 5;
const RARE_SHARE = 0.2;

export interface Contribution {
  readonly cycle: number;
  readonly git_commit: string;
  readonly at: string;
  readonly sightings: readonly Sighting[];
  readonly rechecks: readonly Recheck[];
}

export const emptyRegistry = (at: string): Registry => ({ version: 1, updated_at: at, findings: {} });

export function mergeCycle(registry: Registry, contribution: Contribution): Registry {
  const findings: Record<string, Finding> = { ...registry.findings };
  for (const sighting of contribution.sightings) {
    findings[sighting.signature] = seenAgain(findings[sighting.signature], sighting, contribution);
  }
  const seen = new Set(contribution.sightings.map(({ signature }) => signature));
  const rechecks = new Map(contribution.rechecks.map((recheck) => [recheck.signature, recheck]));
  for (const finding of Object.values(findings)) {
    if (!seen.has(finding.signature)) {
      findings[finding.signature] = { ...finding, state: unseenState(finding, rechecks.get(finding.signature)) };
    }
  }
  return { version: 1, updated_at: contribution.at, findings };
}

function seenAgain(known: Finding | undefined, sighting: Sighting, contribution: Contribution): Finding {
  const { cycle, git_commit } = contribution;
  const entry = { cycle, git_commit, count: sighting.count };
  const at = (instant: string) => ({ at: instant, cycle, git_commit });
  if (known === undefined) {
    return {
      signature: sighting.signature,
      workload: sighting.workload,
      state: "new",
      first_seen: at(sighting.first_at),
      last_seen: at(sighting.last_at),
      count: sighting.count,
      cycles: [{ ...entry, state_before: null }],
      seeds: sighting.seeds.slice(-MAX_SEEDS),
      message: sighting.message,
      repro: sighting.repro,
      failure_key: sighting.failure_key,
    };
  }
  const earlier = known.cycles.find((entry) => entry.cycle === cycle);
  const before = earlier === undefined ? known.state : earlier.state_before;
  const cycles = [...known.cycles.filter((entry) => entry.cycle !== cycle), { ...entry, state_before: before }].slice(
    -MAX_CYCLES,
  );
  return {
    ...known,
    state: seenState(before, known.first_seen.cycle, cycle, cycles.length),
    last_seen: at(sighting.last_at),
    count: known.count - (earlier?.count ?? 0) + sighting.count,
    cycles,
    seeds: [...new Set([...known.seeds, ...sighting.seeds])].slice(-MAX_SEEDS),
    // The newest way to show it: the older one names a commit that may be gone.
    message: sighting.message,
    repro: sighting.repro,
    failure_key: sighting.failure_key,
  };
}

/** `before`: its state when the cycle began; null when it was unknown then. */
function seenState(before: FindingState | null, firstCycle: number, cycle: number, cyclesSeen: number): FindingState {
  if (before === null) return "new";
  if (before === "invalid" || before === "duplicate-of") return before;
  if (before === "resolved") return "regressed";
  const cyclesKnown = cycle - firstCycle + 1;
  return cyclesKnown >= RARE_MIN_CYCLES && cyclesSeen <= cyclesKnown * RARE_SHARE ? "rare" : "ongoing";
}

/** Silence is no proof: a finding is resolved only when its own seeds were run again and all passed. */
function unseenState(finding: Finding, recheck: Recheck | undefined): FindingState {
  const { state } = finding;
  if (state === "invalid" || state === "duplicate-of" || state === "resolved") return state;
  if (recheck !== undefined && recheck.passed > 0 && recheck.failed === 0 && recheck.inconclusive === 0)
    return "resolved";
  return state === "new" || state === "regressed" ? "ongoing" : state;
}
