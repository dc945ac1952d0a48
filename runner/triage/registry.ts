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
    const { signature } = finding;
    if (!seen.has(signature)) findings[signature] = notSeen(finding, rechecks.get(signature), contribution);
  }
  return { version: 1, updated_at: contribution.at, findings };
}

function seenAgain(known: Finding | undefined, sighting: Sighting, contribution: Contribution): Finding {
  const { cycle, git_commit } = contribution;
  const { signature, workload, message, repro, failure_key } = sighting;
  const at = (instant: string) => ({ at: instant, cycle, git_commit });
  const before = known === undefined ? null : stateBefore(known, cycle);
  const cycles = withCycle(known?.cycles ?? [], { cycle, git_commit, count: sighting.count, state_before: before });
  const earlierCount = known?.cycles.find((entry) => entry.cycle === cycle)?.count ?? 0;
  const first = known?.first_seen ?? at(sighting.first_at);
  return {
    ...known,
    signature,
    workload,
    state: seenState(before, first.cycle, cycle, cycles),
    first_seen: first,
    last_seen: at(sighting.last_at),
    count: (known?.count ?? 0) - earlierCount + sighting.count,
    cycles,
    seeds: newestSeeds(known?.seeds ?? [], sighting.seeds),
    // The newest way to show it: an older one names a commit that may be gone.
    message,
    repro,
    failure_key,
  };
}

/** The finding's state when the cycle began; a cycle merged before has left it in its entry. */
function stateBefore(known: Finding, cycle: number): FindingState | null {
  const earlier = known.cycles.find((entry) => entry.cycle === cycle);
  return earlier === undefined ? known.state : earlier.state_before;
}

type CycleEntry = Finding["cycles"][number];

function withCycle(cycles: readonly CycleEntry[], entry: CycleEntry): CycleEntry[] {
  return [...cycles.filter(({ cycle }) => cycle !== entry.cycle), entry].slice(-MAX_CYCLES);
}

/** Known seeds that are seen again become the newest; each is kept once. */
function newestSeeds(known: readonly bigint[], seen: readonly bigint[]): bigint[] {
  const unique = new Set(seen);
  return [...known.filter((seed) => !unique.has(seed)), ...unique].slice(-MAX_SEEDS);
}

/** `before`: its state when the cycle began; null when it was unknown then. */
function seenState(
  before: FindingState | null,
  firstCycle: number,
  cycle: number,
  cycles: readonly CycleEntry[],
): FindingState {
  if (before === null) return "new";
  if (before === "invalid" || before === "duplicate-of") return before;
  if (before === "resolved") return "regressed";
  const window = Math.min(cycle - firstCycle + 1, MAX_CYCLES);
  const seenIn = cycles.filter((entry) => entry.count > 0 && entry.cycle > cycle - window).length;
  return window >= RARE_MIN_CYCLES && seenIn <= window * RARE_SHARE ? "rare" : "ongoing";
}

/** Silence is no proof: a finding is resolved only when its own seeds were run again and all passed. */
function notSeen(finding: Finding, recheck: Recheck | undefined, { cycle, git_commit }: Contribution): Finding {
  const { state } = finding;
  if (state === "invalid" || state === "duplicate-of" || state === "resolved") return finding;
  if (recheck !== undefined && recheck.passed > 0 && recheck.failed === 0 && recheck.inconclusive === 0) {
    // Noted, so that a failure later in this very cycle is not taken for a return.
    const entry = { cycle, git_commit, count: 0, state_before: state };
    return { ...finding, state: "resolved", cycles: withCycle(finding.cycles, entry) };
  }
  return { ...finding, state: state === "new" || state === "regressed" ? "ongoing" : state };
}
