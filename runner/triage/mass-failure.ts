/**
 * Many signatures that newly fail at once are one problem of the machine until shown otherwise: a broken disk, a
 * compiler that was updated, a build that is not what it seems. They are held back and said as one problem; the
 * failures are archived all the same. What a later cycle sees again, it files as new. Pure.
 */
import type { CycleState, Sighting } from "../../contracts/cycle.ts";
import type { Registry } from "../../contracts/registry.ts";
import { inconclusive, type Judgement } from "../../contracts/verdict.ts";

/** So many new signatures of one workload in one cycle are taken for bugs. */
export const MAX_NEW_SIGNATURES = 10;
/** With at least this share of known ones among those seen, the workload works as ever, and the new are filed. */
const KNOWN_SHARE = 0.5;
/** A suspicion that no cycle confirms is dropped after so many. */
const MAX_SUSPECTED_CYCLES = 5;

type Suspected = NonNullable<CycleState["suspected"]>;
type Workload = Sighting["workload"];

export interface Triage {
  readonly filed: readonly Sighting[];
  /** Seen in this cycle and not filed. */
  readonly held: readonly Sighting[];
  /** What is still suspected when the cycle is over. */
  readonly suspected: Suspected;
}

/** What of a cycle's sightings is filed. The first cycle of a store has nothing that could newly fail. */
export function triage(state: CycleState, registry: Registry): Triage {
  const { cycle } = state;
  const sightings = Object.values(state.sightings);
  const earlier = (state.suspected ?? []).filter((one) => one.cycle !== cycle);
  const suspectedBefore = new Set(earlier.flatMap((one) => one.sightings.map(({ signature }) => signature)));
  const isOld = ({ signature }: Sighting): boolean => {
    const known = registry.findings[signature];
    return suspectedBefore.has(signature) || (known !== undefined && known.first_seen.cycle < cycle);
  };
  const tooMany = new Set(cycle === 1 ? [] : workloadsWithTooMany(sightings, isOld));
  // What an interim digest has filed stays filed.
  const held = sightings.filter(
    (one) => tooMany.has(one.workload) && !isOld(one) && registry.findings[one.signature] === undefined,
  );
  const seen = new Set(sightings.map(({ signature }) => signature));
  const unconfirmed = earlier
    .map((one) => ({ ...one, sightings: one.sightings.filter(({ signature }) => !seen.has(signature)) }))
    .filter((one) => one.sightings.length > 0 && one.cycle > cycle - MAX_SUSPECTED_CYCLES);
  const own = held.length === 0 ? [] : [{ cycle, git_commit: state.git_commit ?? "unknown", sightings: held }];
  return {
    filed: sightings.filter((one) => !held.includes(one)),
    held,
    suspected: [...unconfirmed, ...own],
  };
}

function workloadsWithTooMany(sightings: readonly Sighting[], isOld: (one: Sighting) => boolean): Workload[] {
  return [...new Set(sightings.map(({ workload }) => workload))].filter((workload) => {
    const own = sightings.filter((one) => one.workload === workload);
    const fresh = own.filter((one) => !isOld(one));
    return fresh.length > MAX_NEW_SIGNATURES && own.length - fresh.length < own.length * KNOWN_SHARE;
  });
}

/** What is said of a workload whose findings are held back; undefined when none are. */
export function suspicionOf(held: readonly Sighting[], workload: Workload | undefined): Judgement | undefined {
  const own = held.filter((one) => one.workload === workload);
  if (own.length === 0) return undefined;
  return inconclusive(
    `suspected infrastructure: ${String(own.length)} signatures are new at once, none is filed until it is seen in ` +
      `another cycle (the first: ${own[0]?.signature ?? ""}); kimtest list-failures shows them`,
  );
}
