/**
 * Ternary logic partitioning (Rigger and Su, "Finding Bugs in Database Systems via Query Partitioning",
 * OOPSLA 2020): every row is in exactly one of p, NOT p, and p IS NULL, so the three together are the table.
 */
import { SCAN_PLAN, type Predicate, type Query, type QueryEngine, type Row } from "../database/query.ts";

export function brokenPartition(engine: QueryEngine, tenant: number, predicate: Predicate): string | null {
  const rowsOf = (where: Predicate | null): Row[] => {
    const query: Query = { tenant, where, orderBy: null, descending: false, limit: null, aggregate: null };
    return engine.execute(query, SCAN_PLAN);
  };
  const parts = [predicate, { kind: "not", of: predicate } as const, { kind: "unknown", of: predicate } as const];
  const found = parts.flatMap(rowsOf).map(({ key }) => key);
  const all = rowsOf(null).map(({ key }) => key);
  found.sort((a, b) => a - b);
  if (found.length === all.length && found.every((key, at) => key === all[at])) return null;
  return `p, NOT p and p IS NULL give keys ${found.join(" ")}, the table has ${all.join(" ")}; p is ${JSON.stringify(predicate)}`;
}
