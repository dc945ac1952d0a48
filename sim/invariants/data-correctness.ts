/**
 * Data correctness: every operation does what a second, much simpler database says (model-based testing;
 * Claessen and Hughes, "QuickCheck", 2000). The model is written without the tricks of the real one: maps by
 * name, nothing incremental, nothing shared.
 */
import { hashOfRows } from "../database/database.ts";
import type { DatabaseSize } from "../database/database.ts";
import { ABSENT, OPERATION, OPERATION_NAMES, sumOf, type Operation } from "../database/operation.ts";

interface Session {
  session: number;
  request: number;
  result: number;
  /** When it was used last. */
  op: number;
}

/** A value of a cell from an op on. */
interface Version {
  readonly op: number;
  readonly value: number;
}

export class Model {
  private readonly size: DatabaseSize;
  private readonly sessions = new Map<number, Session>();
  /** Every value that a cell ever had, oldest first. */
  private readonly versions: Version[][];
  /** The op executed last. */
  op = 0;

  constructor(size: DatabaseSize) {
    this.size = size;
    this.versions = Array.from({ length: size.tenants * size.keysPerTenant }, () => []);
  }

  /** The value of a cell right after `op` was executed. */
  valueAt(cell: number, op: number): number {
    const versions = this.versions[cell]!;
    for (let index = versions.length - 1; index >= 0; index--) {
      if (versions[index]!.op <= op) return versions[index]!.value;
    }
    return ABSENT;
  }

  /** Executes the next op: what its answer must be. */
  execute(op: number, operation: Operation): number {
    this.op = op;
    const session = this.sessions.get(operation.client);
    if (operation.kind === OPERATION.register) return this.register(op, operation, session);
    if (session?.session !== operation.session || operation.request !== session.request + 1) {
      return session?.result ?? 0;
    }
    session.result = this.apply(op, operation);
    session.request = operation.request;
    session.op = op;
    return session.result;
  }

  private register(op: number, operation: Operation, session: Session | undefined): number {
    if (session !== undefined && operation.request <= session.request) return session.result;
    if (session === undefined && this.sessions.size >= this.size.sessions) {
      const [silent] = [...this.sessions].reduce((a, b) => (a[1].op <= b[1].op ? a : b));
      this.sessions.delete(silent);
    }
    this.sessions.set(operation.client, { session: op, request: operation.request, result: op, op });
    return op;
  }

  private apply(op: number, operation: Operation): number {
    const { tenant, key, value } = operation;
    const cell = tenant * this.size.keysPerTenant + key;
    const old = this.valueAt(cell, op);
    switch (operation.kind) {
      case OPERATION.read:
        return old;
      case OPERATION.write:
        this.versions[cell]!.push({ op, value });
        return value;
      case OPERATION.add: {
        const sum = sumOf(tenant, old, value);
        this.versions[cell]!.push({ op, value: sum });
        return sum;
      }
      case OPERATION.remove:
        this.versions[cell]!.push({ op, value: ABSENT });
        return old;
      case OPERATION.scan: {
        const rows: number[] = [];
        for (let at = key; at < key + value && at < this.size.keysPerTenant; at++) {
          rows.push(this.valueAt(tenant * this.size.keysPerTenant + at, op));
        }
        return hashOfRows(rows);
      }
      default:
        throw new Error(`unknown operation ${operation.kind}`);
    }
  }

  /** Executes the next op and compares. */
  check(op: number, operation: Operation, result: number): string | null {
    const expected = this.execute(op, operation);
    if (result === expected) return null;
    const { kind, tenant, key, value } = operation;
    const what = `${OPERATION_NAMES[kind as 0]}(tenant ${tenant}, key ${key}, value ${value})`;
    return `op ${op}, ${what}, gave ${result}, but the model says ${expected}`;
  }
}
