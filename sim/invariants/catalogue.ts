/** The names of all invariants, as they are printed, enabled and disabled. */

export const INVARIANTS = [
  {
    name: "linearizability",
    group: "core",
    description: "the answers clients saw are those of one copy of the database, in an order that fits real time",
  },
  {
    name: "data_correctness",
    group: "core",
    description: "every operation does what a second, much simpler database says",
  },
  {
    name: "replica_consistency",
    group: "core",
    description: "after the same operation every replica has the same state",
  },
  {
    name: "hash_chain",
    group: "core",
    description: "every entry vouches for the one before it, in memory and on disk",
  },
  {
    name: "commit_history",
    group: "core",
    description: "commits have no gap and are held by a quorum; what was answered was committed and stays",
  },
  {
    name: "storage_determinism",
    group: "core",
    description: "executing the committed log from nothing gives the state of every replica and its disk",
  },
  {
    name: "replica_head_progress",
    group: "core",
    description: "views never go back, and nothing is committed that is not in the log",
  },
  {
    name: "checkpoint_recovery",
    group: "core",
    description: "a checkpoint has the state that the log up to it gives, taken, read from disk or received",
  },
  {
    name: "tenant_isolation",
    group: "core",
    description: "no tenant is given what another one wrote",
  },
  {
    name: "liveness_eventual_progress",
    group: "core",
    description: "once the faults have ended, every request is answered and the replicas become equal",
  },
  { name: "vsr_agreement", group: "vsr", description: "no two replicas commit different entries under one number" },
  {
    name: "vsr_prefix_property",
    group: "vsr",
    description: "of two replicas in one view the log of one is a prefix of the other's",
  },
  {
    name: "vsr_view_change_safety",
    group: "vsr",
    description: "what was committed is in the log of every later primary",
  },
  {
    name: "vsr_recovery_safety",
    group: "vsr",
    description: "a replica that lost its log comes back with all that was committed before, in no older view",
  },
  {
    name: "projection_applied_position_monotonic",
    group: "projection",
    description: "a projection never goes back, and never ahead of what is committed",
  },
  {
    name: "projection_mvcc_visibility",
    group: "projection",
    description: "read as of any operation, a projection shows what was committed up to it",
  },
  {
    name: "projection_applied_index_integrity",
    group: "projection",
    description: "the index of a projection holds every row once, in order, and nothing else",
  },
  {
    name: "sql_tlp_partitioning",
    group: "sql",
    description: "every row is in exactly one of p, NOT p and p IS NULL",
  },
  {
    name: "sql_norec_equivalence",
    group: "sql",
    description: "a query by its plan finds as many rows as asking every row by hand",
  },
] as const;

export type InvariantName = (typeof INVARIANTS)[number]["name"];

/** A violated invariant; ends the run of its seed. */
export class Violation extends Error {
  readonly invariant: string;

  constructor(invariant: InvariantName, message: string) {
    super(message);
    this.name = "Violation";
    this.invariant = invariant;
  }
}
