/**
 * Non-optimising reference (Rigger and Su, "Detecting Optimization Bugs in Database Engines via
 * Non-Optimizing Reference Engine Construction", ESEC/FSE 2020): a query by its plan finds as many rows as
 * asking every row by hand.
 */
import { planOf, type Predicate, type Query, type QueryEngine } from "../database/query.ts";

export function differsFromReference(engine: QueryEngine, tenant: number, where: Predicate): string | null {
  const query: Query = { tenant, where, orderBy: null, descending: false, limit: null, aggregate: null };
  const plan = planOf(query);
  const optimised = engine.execute(query, plan).length;
  const byHand = engine.countByHand(tenant, where);
  if (optimised === byHand) return null;
  return `"${plan.signature}" finds ${optimised} rows, asking every row finds ${byHand}; filter ${JSON.stringify(where)}`;
}
