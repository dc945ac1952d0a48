/**
 * Diagnosis of a failed seed: what kind of failure it is, what happened before, in what state the replicas
 * were, what to look at first, and the command that repeats it.
 */
import type { SimulationResult } from "./simulation/options.ts";
import type { ReplicaSummary, Trace, TraceEvent } from "./trace.ts";

/** Events before the failure that a report shows. */
const CONTEXT_EVENTS = 20;

interface Kind {
  readonly classification: string;
  readonly invariants: readonly string[];
  /** Four to seven, the likeliest first. */
  readonly causes: readonly string[];
}

const KINDS: readonly Kind[] = [
  {
    classification: "DataCorruption",
    invariants: [
      "data_correctness",
      "tenant_isolation",
      "projection_mvcc_visibility",
      "projection_applied_index_integrity",
      "sql_tlp_partitioning",
      "sql_norec_equivalence",
    ],
    causes: [
      "an operation changes another cell than the one it names",
      "a request is executed twice: the session table does not stop a repetition",
      "a bound of a scan or of an index is off by one, or not that of the tenant",
      "a version or an index entry is not ended when its row changes",
      "the planner drops or changes a condition",
    ],
  },
  {
    classification: "LinearizabilityViolation",
    invariants: ["linearizability"],
    causes: [
      "a read is answered from a state that is behind the commits",
      "a primary that was deposed still answers",
      "an answer is sent before its operation is committed",
      "a committed write was lost in a view change or a recovery",
    ],
  },
  {
    classification: "ReplicaDivergence",
    invariants: ["replica_consistency", "vsr_agreement", "vsr_prefix_property", "vsr_view_change_safety"],
    causes: [
      "a new primary chose a log that is not the newest of a quorum",
      "an acknowledgement was sent before its entry was durable",
      "an entry was committed without a quorum",
      "a message of an old view was accepted in a newer one",
      "execution depends on something besides the log: time, order of a map, the replica's number",
    ],
  },
  {
    classification: "OrderingViolation",
    invariants: ["commit_history", "replica_head_progress", "projection_applied_position_monotonic"],
    causes: [
      "a commit number is taken from a message without having its entries",
      "a number is not restored, or restored from the wrong place, after a restart",
      "a client is answered for what is not committed",
      "the quorum is counted with replicas of another view",
    ],
  },
  {
    classification: "HashChainFailure",
    invariants: ["hash_chain"],
    causes: [
      "the checksum does not cover every field",
      "an entry was changed after it was hashed",
      "an entry of another history was spliced into the log",
      "a bad slot was read without its checksum being checked",
    ],
  },
  {
    classification: "StorageDeterminismFailure",
    invariants: ["storage_determinism", "checkpoint_recovery", "vsr_recovery_safety", "determinism"],
    causes: [
      "a write is taken for durable that was never done or never synced",
      "a checkpoint has the state of another operation than it says",
      "a recovery ends before a quorum, the primary of the newest view among it, has answered",
      "something in a run is not drawn from its seed",
    ],
  },
  {
    classification: "Unknown",
    invariants: ["liveness_eventual_progress"],
    causes: [
      "a message is sent once and not again when it is lost",
      "a timer is not set again after it has fired or was put off",
      "more replicas wait for the others than the protocol tolerates: look for two that recover",
      "a repair waits for an entry that nobody has any more",
    ],
  },
];

export interface Diagnosis {
  readonly seed: bigint;
  readonly invariant: string;
  readonly message: string;
  readonly classification: string;
  readonly events: number;
  readonly simulated_time_ms: number;
  readonly context: readonly TraceEvent[];
  readonly replicas: readonly ReplicaSummary[];
  readonly causes: readonly string[];
  readonly repro: string;
}

export function classificationOf(invariant: string): Kind {
  return KINDS.find(({ invariants }) => invariants.includes(invariant)) ?? KINDS.at(-1)!;
}

/** `flags`: those that change what the seed does. */
export function diagnose(seed: bigint, result: SimulationResult, trace: Trace, flags: readonly string[]): Diagnosis {
  const { failure, events, simulatedTimeUs, replicas } = result;
  if (failure === null) throw new Error("a seed that passed needs no diagnosis");
  const { classification, causes } = classificationOf(failure.invariant);
  return {
    seed,
    invariant: failure.invariant,
    message: failure.message,
    classification,
    events,
    simulated_time_ms: simulatedTimeUs / 1000,
    context: trace.events.filter(({ type }) => type !== "SimulationEnd").slice(-CONTEXT_EVENTS),
    replicas,
    causes,
    repro: ["npx kimtest vopr", `--seed ${seed}`, "-n 1", ...flags, "-v"].join(" "),
  };
}

/** For people. */
export function diagnosisText(diagnosis: Diagnosis): string {
  const { context, replicas, causes } = diagnosis;
  const lines = [
    `  ${diagnosis.message}`,
    `  ${diagnosis.classification}, after ${diagnosis.events} events, ${diagnosis.simulated_time_ms} ms simulated`,
    "  replicas:",
    ...replicas.map((replica) => `    ${replicaText(replica)}`),
    "  before:",
    ...context.map(eventText),
    "  look at first:",
    ...causes.map((cause) => `    - ${cause}`),
    `  again: ${diagnosis.repro}`,
  ];
  return `${lines.join("\n")}\n`;
}

export function replicaText({ replica, status, view, op, commit, checkpoint }: ReplicaSummary): string {
  return `${replica}: ${status}, view ${view}, op ${op}, commit ${commit}, checkpoint ${checkpoint}`;
}

/** One line; what is known of an event besides its number. */
export function eventText(event: TraceEvent): string {
  const details = Object.entries(event).flatMap(([name, value]) => (SHOWN_APART.has(name) ? [] : [`${name} ${value}`]));
  return `    ${(event.time_us / 1000).toFixed(3).padStart(10)} ms  ${event.type}  ${details.join(", ")}`;
}

const SHOWN_APART: ReadonlySet<string> = new Set(["seq", "event", "time_us", "type"]);
