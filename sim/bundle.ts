/**
 * Bundles (.kmb): one failed seed with all that is needed to see it again: the command line, the commit, the
 * failure, the decisions of the run, and the end of its trace. The file is that of contracts/bundle-file.ts.
 */
import type { BundleIdentity } from "../contracts/bundle.ts";
import { BUNDLE_EXTENSION, packBundle } from "../contracts/bundle-file.ts";
import type { DecisionLog, Positions } from "./decisions/decisions.ts";
import type { SimulationResult } from "./simulation/options.ts";
import type { ReplicaSummary, Trace, TraceEvent } from "./trace.ts";

/** Of a trace, so many events from its end go into a bundle. */
const BUNDLED_EVENTS = 1_000;

/** A decision: choice, index, number, simulated microseconds. */
export type BundledDecision = readonly [choice: string, index: number, number: number, timeUs: number];

export interface Bundle extends Readonly<Omit<BundleIdentity, "flags">> {
  readonly flags: readonly string[];
  readonly events: number;
  readonly simulated_time_us: number;
  /** What the replicas knew in the end. */
  readonly replicas: readonly ReplicaSummary[];
  /** The newest events of its trace, the last one the violation or the end. */
  readonly trace: readonly TraceEvent[];
  /** null for a run that is not the same twice: to follow its decisions would not repeat it. */
  readonly decisions: {
    readonly positions: Positions;
    readonly taken: readonly BundledDecision[];
    readonly whole: boolean;
  } | null;
  /** What the run was that this one was minimised from; null for one as it was found. */
  readonly minimized_from: { readonly events: number; readonly decisions: number } | null;
}

export const encodeBundle = (bundle: Bundle): Buffer => packBundle(bundle);

/** What is the same in every bundle of one seed. */
export type BundleOrigin = Pick<Bundle, "seed" | "scenario" | "commit" | "flags">;

/** The bundle of a run. `log` is null when its decisions cannot be followed. */
export function bundleOf(
  origin: BundleOrigin,
  result: SimulationResult,
  trace: Trace,
  log: DecisionLog | null,
  minimizedFrom: Bundle["minimized_from"] = null,
): Bundle {
  if (result.failure === null) throw new Error("a seed that passed leaves no bundle");
  const { invariant, message } = result.failure;
  const { seed, scenario, commit, flags } = origin;
  return {
    seed,
    scenario,
    commit,
    flags,
    failure: { invariant, message },
    events: result.events,
    simulated_time_us: result.simulatedTimeUs,
    replicas: result.replicas,
    trace: trace.events.slice(-BUNDLED_EVENTS),
    decisions: log === null ? null : bundledLog(log),
    minimized_from: minimizedFrom,
  };
}

function bundledLog({ positions, taken, whole }: DecisionLog): NonNullable<Bundle["decisions"]> {
  return {
    positions,
    taken: taken.map(({ choice, index, number, timeUs }) => [choice, index, number, timeUs]),
    whole,
  };
}

export function bundleName({ failure, scenario, seed }: Bundle): string {
  return `${failure.invariant}-${scenario}-${seed}${BUNDLE_EXTENSION}`;
}
