import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { Database } from "./database.ts";
import { ABSENT, OPERATION, Operation } from "./operation.ts";

const register = (client: number): Operation => new Operation(OPERATION.register, 0, 0, client, 0, 0);

describe("Database", () => {
  test("executes the operations of a session", () => {
    const database = new Database(2, 2);
    expect(database.execute(1, register(0))).toBe(1);
    const run = (op: number, kind: number, value: number): number =>
      database.execute(op, new Operation(kind, 1, value, 0, op - 1, 1));
    expect(run(2, OPERATION.write, 5)).toBe(5);
    expect(run(3, OPERATION.read, 0)).toBe(5);
    expect(run(4, OPERATION.add, 2)).toBe(7);
    expect(run(5, OPERATION.remove, 0)).toBe(7);
    expect(run(6, OPERATION.read, 0)).toBe(ABSENT);
  });

  test("executes each request once, and none of a session that is not open", () => {
    const database = new Database(1, 1);
    database.execute(1, register(0));
    const add = new Operation(OPERATION.add, 0, 10, 0, 1, 1);
    expect(database.execute(2, add)).toBe(11);
    expect(database.execute(3, add)).toBe(11);
    expect(database.values[0]).toBe(11);
    expect(database.accepts(new Operation(OPERATION.add, 0, 1, 0, 2, 99))).toBe(false);
    expect(database.accepts(new Operation(OPERATION.add, 0, 1, 0, 3, 1))).toBe(false);
    expect(database.accepts(new Operation(OPERATION.add, 0, 1, 0, 2, 1))).toBe(true);
  });

  test("the running hash is the hash of the state", () => {
    const step = fc.record({
      kind: fc.integer({ min: 1, max: 4 }),
      key: fc.integer({ min: 0, max: 3 }),
      value: fc.integer({ min: 1, max: 0x7fffffff }),
      client: fc.integer({ min: 0, max: 2 }),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const database = new Database(4, 3);
        for (let client = 0; client < 3; client++) database.execute(client + 1, register(client));
        steps.forEach(({ kind, key, value, client }, index) => {
          const request = database.requests[client]! + 1;
          database.execute(index + 4, new Operation(kind, key, value, client, request, client + 1));
        });
        const { low, high } = database.recomputedHash();
        const copy = database.copy();
        return low === database.hashLow && high === database.hashHigh && copy.recomputedHash().low === low;
      }),
    );
  });
});
