/**
 * Canaries: bugs planted on purpose. A simulator that does not find them proves nothing when it is green.
 * Each is one flag, read at one place of the code under test; each names the invariant that is meant to
 * find it, and the scenario in which it does its harm.
 */
import { DETERMINISM } from "../contracts/determinism.ts";
import { KimtestError } from "../contracts/errors.ts";
import type { InvariantName } from "./invariants/catalogue.ts";
import { NO_BUGS, type PlantedBugs } from "./vsr/state.ts";

export interface Canary {
  readonly name: string;
  readonly description: string;
  /** The invariant that is meant to find it; determinism is looked for with --check-determinism. */
  readonly finds: InvariantName | typeof DETERMINISM;
  /** Where it does harm. */
  readonly scenario: string;
  readonly bugs: PlantedBugs;
}

function canary(
  name: string,
  bug: keyof PlantedBugs,
  finds: Canary["finds"],
  scenario: string,
  description: string,
): Canary {
  return { name, description, finds, scenario, bugs: { ...NO_BUGS, [bug]: true } };
}

export const CANARIES: readonly Canary[] = [
  canary(
    "skip-fsync",
    "skipFsync",
    "vsr_view_change_safety",
    "combined",
    "entries are acknowledged when they are written, without an fsync",
  ),
  canary(
    "wrong-hash",
    "wrongHash",
    "hash_chain",
    "baseline",
    "the checksum of every eighth entry leaves out its value",
  ),
  canary(
    "commit-quorum",
    "commitsAlone",
    "commit_history",
    "baseline",
    "the primary commits what it has on its own disk, without asking anybody",
  ),
  canary(
    "idempotency-race",
    "repeatsRequests",
    "data_correctness",
    "swizzle",
    "a request that is repeated while its answer is on its way is executed twice",
  ),
  canary(
    "monotonic-regression",
    "regressesPosition",
    "projection_applied_position_monotonic",
    "baseline",
    "the applied position of a projection goes back now and then",
  ),
  canary(
    "stale-read",
    "readsProjection",
    "linearizability",
    "baseline",
    "reads are answered from the projection, which is behind",
  ),
  canary(
    "primary-only-remove",
    "backupSkipsRemoves",
    "replica_consistency",
    "baseline",
    "backups execute a remove as a read",
  ),
  canary(
    "skipped-slot",
    "skipsSlots",
    "storage_determinism",
    "baseline",
    "every eighth entry is taken for written without having been",
  ),
  canary(
    "forgotten-view",
    "forgetsView",
    "replica_head_progress",
    "combined",
    "the superblock keeps the last normal view instead of the one promised",
  ),
  canary(
    "stale-checkpoint",
    "staleCheckpoint",
    "checkpoint_recovery",
    "baseline",
    "a checkpoint has the number of an operation, but the state before it",
  ),
  canary(
    "tenant-leak",
    "scansBeyondTenant",
    "tenant_isolation",
    "multi-tenant",
    "a scan does not end with the tenant's last key",
  ),
  canary(
    "no-resend",
    "neverResends",
    "liveness_eventual_progress",
    "swizzle",
    "a request that was executed is not answered again when its answer was lost",
  ),
  canary(
    "stale-suffix",
    "commitsStaleSuffix",
    "vsr_agreement",
    "combined",
    "a replica that hears of commits of a newer view commits what it has under those numbers",
  ),
  canary(
    "two-stories",
    "equivocates",
    "vsr_prefix_property",
    "baseline",
    "the primary prepares another entry at one backup than at the other",
  ),
  canary(
    "shortest-log",
    "shortestLog",
    "vsr_view_change_safety",
    "combined",
    "a new primary takes the oldest log it was told of instead of the newest",
  ),
  canary(
    "hasty-recovery",
    "recoversFromAnyone",
    "vsr_recovery_safety",
    "combined",
    "a recovering replica takes the first answer, from whomever",
  ),
  canary(
    "early-answer",
    "answersEarly",
    "commit_history",
    "baseline",
    "some writes are answered when they are prepared, before they are committed",
  ),
  canary(
    "newest-version",
    "readsNewestVersion",
    "projection_mvcc_visibility",
    "baseline",
    "a read of the past shows the newest version of a row",
  ),
  canary(
    "stale-index",
    "staleIndex",
    "projection_applied_index_integrity",
    "baseline",
    "a row that is removed stays in the index",
  ),
  canary("two-valued-logic", "notUnknownIsTrue", "sql_tlp_partitioning", "baseline", "NOT of what is unknown is true"),
  canary(
    "exclusive-bound",
    "exclusiveBound",
    "sql_norec_equivalence",
    "baseline",
    "an index is asked for greater where the filter says greater or equal",
  ),
  canary("rng-unseeded", "unseededRandom", DETERMINISM, "combined", "the network's dice are not drawn from the seed"),
];

/** @throws KimtestError `USAGE` for a name that is none. */
export function canaryNamed(name: string): Canary {
  const found = CANARIES.find((candidate) => candidate.name === name);
  if (found === undefined) {
    throw new KimtestError("USAGE", `there is no canary "${name}"`, {
      hint: `canaries: ${CANARIES.map((candidate) => candidate.name).join(", ")}`,
    });
  }
  return found;
}
