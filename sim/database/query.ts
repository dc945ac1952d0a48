/**
 * A small query engine over the projection: filter, order, limit and aggregate over the rows of one tenant,
 * with the three-valued logic of SQL, and a planner that uses the index on the value when the filter allows.
 */
import { ABSENT, TENANT_RANGE } from "./operation.ts";
import type { Projection } from "./projection.ts";

/** Deliberate bugs; see ../canaries.ts. */
export interface QueryBugs {
  /** NOT of what is unknown is true. */
  readonly notUnknownIsTrue: boolean;
  /** An index is asked for "greater" where the filter says "greater or equal". */
  readonly exclusiveBound: boolean;
}

/** `grade` is unknown (null) for one row in five. */
export const COLUMNS = ["key", "value", "grade"] as const;
export type Column = (typeof COLUMNS)[number];

export interface Row {
  readonly key: number;
  readonly value: number;
  readonly grade: number | null;
}

export const COMPARISONS = ["=", "<", ">="] as const;
export type Comparison = (typeof COMPARISONS)[number];

export type Predicate =
  | { readonly kind: "compare"; readonly column: Column; readonly comparison: Comparison; readonly to: number }
  | { readonly kind: "and" | "or"; readonly left: Predicate; readonly right: Predicate }
  | { readonly kind: "not" | "unknown"; readonly of: Predicate };

export const AGGREGATES = ["count", "sum", "min", "max"] as const;

export interface Query {
  readonly tenant: number;
  readonly where: Predicate | null;
  readonly orderBy: Column | null;
  readonly descending: boolean;
  readonly limit: number | null;
  readonly aggregate: (typeof AGGREGATES)[number] | null;
}

export interface Plan {
  /** null: read all rows. */
  readonly index: { readonly comparison: Comparison; readonly to: number } | null;
  /** Says what is done in which order; equal for queries that are executed alike. */
  readonly signature: string;
}

/** Chooses how to read the rows: by the index if a conjunct of the filter bounds the value. */
export function planOf(query: Query): Plan {
  const bound = query.where === null ? null : valueBound(query.where);
  const steps = [bound === null ? "scan" : `index(value ${bound.comparison})`];
  if (query.where !== null) steps.push(`filter(${shapeOf(query.where)})`);
  if (query.orderBy !== null) steps.push(`order(${query.orderBy}${query.descending ? " desc" : ""})`);
  if (query.limit !== null) steps.push("limit");
  if (query.aggregate !== null) steps.push(query.aggregate);
  return { index: bound, signature: steps.join(" > ") };
}

/** The same query by reading all rows: what an optimiser must not change. */
export const SCAN_PLAN: Plan = { index: null, signature: "scan" };

function valueBound(predicate: Predicate): Plan["index"] {
  if (predicate.kind === "compare" && predicate.column === "value") return predicate;
  if (predicate.kind === "and") return valueBound(predicate.left) ?? valueBound(predicate.right);
  return null;
}

function shapeOf(predicate: Predicate): string {
  switch (predicate.kind) {
    case "compare":
      return `${predicate.column} ${predicate.comparison}`;
    case "and":
    case "or":
      return `${shapeOf(predicate.left)} ${predicate.kind} ${shapeOf(predicate.right)}`;
    case "not":
    case "unknown":
      return `${predicate.kind} ${shapeOf(predicate.of)}`;
  }
}

/** True, false, or null for unknown. */
export function evaluate(predicate: Predicate, row: Row, bugs: QueryBugs): boolean | null {
  switch (predicate.kind) {
    case "compare": {
      const found = row[predicate.column];
      if (found === null) return null;
      if (predicate.comparison === "=") return found === predicate.to;
      return predicate.comparison === "<" ? found < predicate.to : found >= predicate.to;
    }
    case "not": {
      const of = evaluate(predicate.of, row, bugs);
      if (of === null) return bugs.notUnknownIsTrue ? true : null;
      return !of;
    }
    case "unknown":
      return evaluate(predicate.of, row, bugs) === null;
    case "and":
    case "or": {
      const left = evaluate(predicate.left, row, bugs);
      const right = evaluate(predicate.right, row, bugs);
      const decisive = predicate.kind === "or";
      if (left === decisive || right === decisive) return decisive;
      return left === null || right === null ? null : !decisive;
    }
  }
}

export class QueryEngine {
  private readonly projection: Projection;
  private readonly keysPerTenant: number;
  private readonly bugs: QueryBugs;

  constructor(projection: Projection, keysPerTenant: number, bugs: QueryBugs) {
    this.projection = projection;
    this.keysPerTenant = keysPerTenant;
    this.bugs = bugs;
  }

  /** The rows of a query by a plan, in order; an aggregate is one row with the number as its value. */
  execute(query: Query, plan: Plan): Row[] {
    const { where, orderBy, limit, aggregate } = query;
    const rows = this.read(query.tenant, plan).filter(
      (row) => where === null || evaluate(where, row, this.bugs) === true,
    );
    if (orderBy !== null) {
      const sign = query.descending ? -1 : 1;
      rows.sort((a, b) => sign * compare(a[orderBy], b[orderBy]) || a.key - b.key);
    }
    const kept = limit === null ? rows : rows.slice(0, limit);
    if (aggregate === null) return kept;
    return [{ key: 0, value: aggregated(aggregate, kept), grade: null }];
  }

  /** Every row of a tenant, and for each whether the filter is true: without any optimisation. */
  countByHand(tenant: number, where: Predicate): number {
    let count = 0;
    for (const row of this.read(tenant, SCAN_PLAN)) if (evaluate(where, row, this.bugs) === true) count += 1;
    return count;
  }

  private read(tenant: number, plan: Plan): Row[] {
    const first = tenant * this.keysPerTenant;
    const rows: Row[] = [];
    if (plan.index === null) {
      for (let key = 0; key < this.keysPerTenant; key++) {
        const value = this.projection.read(first + key, this.projection.appliedOp);
        if (value !== ABSENT) rows.push(rowOf(key, value));
      }
      return rows;
    }
    const { comparison, to } = plan.index;
    const { index } = this.projection;
    const from = comparison === "<" ? 0 : this.projection.placeOf(this.bugs.exclusiveBound ? to + 1 : to, 0);
    for (let at = from; at < index.length; at++) {
      const { value, cell } = index[at]!;
      if (comparison === "<" ? value >= to : comparison === "=" && value !== to) break;
      if (cell >= first && cell < first + this.keysPerTenant) rows.push(rowOf(cell - first, value));
    }
    return rows;
  }
}

function rowOf(key: number, value: number): Row {
  const number = Math.floor(value / TENANT_RANGE);
  return { key, value, grade: number % 5 === 0 ? null : number % 10 };
}

/** Unknown comes last. */
function compare(a: number | null, b: number | null): number {
  if (a === b) return 0;
  if (a === null) return 1;
  return b === null ? -1 : a - b;
}

function aggregated(aggregate: (typeof AGGREGATES)[number], rows: readonly Row[]): number {
  if (aggregate === "count") return rows.length;
  let result = aggregate === "sum" ? 0 : (rows[0]?.value ?? 0);
  for (const { value } of rows) {
    if (aggregate === "sum") result += value;
    else result = aggregate === "min" ? Math.min(result, value) : Math.max(result, value);
  }
  return result;
}
