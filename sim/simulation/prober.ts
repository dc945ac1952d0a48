/** Asks the projections of replicas: reads of the past, and random queries for the oracles. */
import type { Coverage } from "../coverage.ts";
import {
  AGGREGATES,
  COLUMNS,
  COMPARISONS,
  QueryEngine,
  planOf,
  type Column,
  type Predicate,
  type Query,
} from "../database/query.ts";
import type { Decisions } from "../decisions/decisions.ts";
import { brokenIndex } from "../invariants/projection-applied-index-integrity.ts";
import { wrongVersion } from "../invariants/projection-mvcc-visibility.ts";
import { differsFromReference } from "../invariants/sql-norec-equivalence.ts";
import { brokenPartition } from "../invariants/sql-tlp-partitioning.ts";
import { foreignRow } from "../invariants/tenant-isolation.ts";
import type { Random } from "../random.ts";
import type { ReplicaState } from "../vsr/state.ts";
import type { Referee } from "./referee.ts";

/** How deep predicates are nested. */
const MAX_DEPTH = 2;

export class Prober {
  private readonly random: Random;
  private readonly referee: Referee;
  private readonly coverage: Coverage;
  private readonly decisions: Decisions | null;

  constructor(random: Random, referee: Referee, coverage: Coverage, decisions: Decisions | null) {
    this.random = random;
    this.referee = referee;
    this.coverage = coverage;
    this.decisions = decisions;
  }

  /** One round at one replica. */
  probe(state: ReplicaState): void {
    const { random, referee } = this;
    const { projection, replica, configuration } = state;
    const { tenants, keysPerTenant } = configuration.database;
    if (projection.appliedOp === 0) return;
    if (this.decisions !== null && !this.decisions.next("query", 0)) return;
    // What nobody committed first here is not in the model yet; it is by the time a replica has applied it.
    const cell = random.below(tenants * keysPerTenant);
    const op = random.between(projection.horizon, projection.appliedOp);
    referee.check("projection_mvcc_visibility", wrongVersion(replica, projection, referee.model, cell, op));
    referee.check("projection_applied_index_integrity", brokenIndex(replica, projection));
    const engine = new QueryEngine(projection, keysPerTenant, configuration.bugs);
    const tenant = random.below(tenants);
    const predicate = this.predicate(state, MAX_DEPTH);
    referee.check("sql_tlp_partitioning", brokenPartition(engine, tenant, predicate));
    referee.check("sql_norec_equivalence", differsFromReference(engine, tenant, predicate));
    const query = this.query(tenant, predicate);
    const plan = planOf(query);
    this.coverage.countQueryPlan(plan.signature);
    const rows = engine.execute(query, plan);
    if (query.aggregate !== null) return;
    referee.check(
      "tenant_isolation",
      foreignRow(
        tenant,
        rows.map(({ value }) => value),
      ),
    );
  }

  private query(tenant: number, predicate: Predicate): Query {
    const { random } = this;
    return {
      tenant,
      where: random.below(5) === 0 ? null : predicate,
      orderBy: random.below(2) === 0 ? null : COLUMNS[random.below(COLUMNS.length)]!,
      descending: random.below(2) === 0,
      limit: random.below(3) === 0 ? random.between(1, 4) : null,
      aggregate: random.below(3) === 0 ? AGGREGATES[random.below(AGGREGATES.length)]! : null,
    };
  }

  private predicate(state: ReplicaState, depth: number): Predicate {
    const { random } = this;
    const kind = depth === 0 ? 0 : random.below(5);
    if (kind === 1) return { kind: "not", of: this.predicate(state, depth - 1) };
    if (kind === 2 || kind === 3) {
      const left = this.predicate(state, depth - 1);
      return { kind: kind === 2 ? "and" : "or", left, right: this.predicate(state, depth - 1) };
    }
    const column = COLUMNS[random.below(COLUMNS.length)]!;
    const comparison = COMPARISONS[random.below(COMPARISONS.length)]!;
    return { kind: "compare", column, comparison, to: this.constantFor(column, state) };
  }

  /** For values one that is there: bounds are where mistakes are. */
  private constantFor(column: Column, state: ReplicaState): number {
    const { random } = this;
    const { index } = state.projection;
    if (column === "value" && index.length > 0) return index[random.below(index.length)]!.value;
    return random.below(10);
  }
}
