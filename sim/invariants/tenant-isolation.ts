/**
 * Tenant isolation: nobody reads what another tenant wrote. Every value names its tenant (operation.ts), so a
 * row that came from elsewhere shows it, whatever the keys say.
 */
import { ABSENT, OPERATION, TENANT_RANGE, type Operation } from "../database/operation.ts";

/** The first value of `rows` that is not this tenant's, as a reason; or null. */
export function foreignRow(tenant: number, rows: readonly number[]): string | null {
  for (const value of rows) {
    if (value === ABSENT || value % TENANT_RANGE === tenant) continue;
    return `tenant ${tenant} read ${value}, which tenant ${value % TENANT_RANGE} wrote`;
  }
  return null;
}

/** What an operation of a tenant gave it. */
export function foreignResult(operation: Operation, result: number, rows: readonly number[] | null): string | null {
  const { kind, tenant } = operation;
  if (kind === OPERATION.register) return null;
  if (kind === OPERATION.scan) return foreignRow(tenant, rows ?? []);
  if (result === ABSENT || result % TENANT_RANGE === tenant) return null;
  return foreignRow(tenant, [result]);
}
