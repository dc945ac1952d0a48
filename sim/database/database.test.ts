import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { Model } from "../invariants/data-correctness.ts";
import { NO_BUGS } from "../vsr/state.ts";
import { Database, hashOfRows, type DatabaseSize } from "./database.ts";
import { ABSENT, OPERATION, Operation, TENANT_RANGE, sumOf, valueOf } from "./operation.ts";

const SIZE: DatabaseSize = { tenants: 2, keysPerTenant: 3, clients: 3, sessions: 3 };
const databaseOf = (size: Partial<DatabaseSize> = {}): Database => new Database({ ...SIZE, ...size }, NO_BUGS);
const register = (client: number, request = 0): Operation =>
  new Operation(OPERATION.register, 0, 0, client, request, 0, 0);

describe("Database", () => {
  test("executes the operations of a session", () => {
    const database = databaseOf();
    expect(database.execute(1, register(0))).toBe(1);
    const run = (op: number, kind: number, value: number, tenant = 0): number =>
      database.execute(op, new Operation(kind, 1, value, 0, op - 1, 1, tenant));
    expect(run(2, OPERATION.write, valueOf(0, 5))).toBe(48);
    expect(run(3, OPERATION.read, 0)).toBe(48);
    expect(run(4, OPERATION.add, 2)).toBe(sumOf(0, 48, 2));
    expect(run(5, OPERATION.read, 0, 1)).toBe(ABSENT);
    expect(run(6, OPERATION.remove, 0)).toBe(sumOf(0, 48, 2));
    expect(run(7, OPERATION.read, 0)).toBe(ABSENT);
  });

  test("a scan reads a range, and ends with the tenant's last key", () => {
    const database = databaseOf();
    database.execute(1, register(0));
    const value = valueOf(1, 7);
    database.execute(2, new Operation(OPERATION.write, 2, value, 0, 1, 1, 1));
    expect(database.execute(3, new Operation(OPERATION.scan, 1, 9, 0, 2, 1, 1))).toBe(hashOfRows([ABSENT, value]));
    expect(database.rows[0]).toEqual([ABSENT, value]);
    expect(database.execute(4, new Operation(OPERATION.scan, 1, 9, 0, 3, 1, 0))).toBe(hashOfRows([ABSENT, ABSENT]));
  });

  test("executes each request once, and none of a session that is not open", () => {
    const database = databaseOf();
    database.execute(1, register(0));
    const add = new Operation(OPERATION.add, 0, 10, 0, 1, 1, 0);
    const sum = sumOf(0, ABSENT, 10);
    expect(database.execute(2, add)).toBe(sum);
    expect(database.execute(3, add)).toBe(sum);
    expect(database.values[0]).toBe(sum);
    expect(database.accepts(new Operation(OPERATION.add, 0, 1, 0, 2, 99, 0))).toBe(false);
    expect(database.accepts(new Operation(OPERATION.add, 0, 1, 0, 3, 1, 0))).toBe(false);
    expect(database.accepts(new Operation(OPERATION.add, 0, 1, 0, 2, 1, 0))).toBe(true);
  });

  test("with too few sessions the client that was silent longest loses its own", () => {
    const database = databaseOf({ sessions: 2 });
    database.execute(1, register(0));
    database.execute(2, register(1));
    database.execute(3, new Operation(OPERATION.read, 0, 0, 0, 1, 1, 0));
    database.execute(4, register(2));
    expect(database.sessions).toEqual([1, 0, 4]);
    expect(database.evictions).toBe(1);
    // It may come back, but with a newer request: the first one may still be on its way.
    database.execute(5, register(1, 3));
    expect(database.execute(6, register(1, 0))).toBe(5);
    expect(database.sessions).toEqual([0, 5, 4]);
  });

  test("values name their tenant", () => {
    fc.assert(
      fc.property(fc.nat(TENANT_RANGE - 1), fc.nat(), fc.nat(1_000_000), (tenant, number, more) => {
        const value = valueOf(tenant, number);
        const sum = sumOf(tenant, value, more);
        return value > 0 && value < 2 ** 31 && value % 8 === tenant && sum % 8 === tenant && sum < 2 ** 31;
      }),
    );
  });

  const step = fc.record({
    kind: fc.integer({ min: 0, max: 5 }),
    key: fc.integer({ min: 0, max: 2 }),
    value: fc.integer({ min: 1, max: 1000 }),
    client: fc.integer({ min: 0, max: 2 }),
    again: fc.boolean(),
  });

  test("does what the model does, and its running hash is the hash of its state", () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), fc.integer({ min: 1, max: 3 }), (steps, sessions) => {
        const database = databaseOf({ sessions });
        const model = new Model({ ...SIZE, sessions });
        for (const [index, { kind, key, value, client, again }] of steps.entries()) {
          const tenant = client % 2;
          const request = Math.max(0, database.requests[client]! + (again ? 0 : 1));
          const session = database.sessions[client]!;
          const written = kind === OPERATION.scan ? (value % 3) + 1 : valueOf(tenant, value);
          const operation = new Operation(kind, key, written, client, request, session, tenant);
          if (model.check(index + 1, operation, database.execute(index + 1, operation)) !== null) return false;
        }
        const { low, high } = database.recomputedHash();
        const copy = database.copy();
        return low === database.hashLow && high === database.hashHigh && copy.recomputedHash().low === low;
      }),
    );
  });
});
