import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { ABSENT, OPERATION, sumOf } from "../database/operation.ts";
import { History, checkLinearizability, sequentialResult } from "./linearizability.ts";

const { read, write, add, remove } = OPERATION;

describe("checkLinearizability", () => {
  test("a stale read is found", () => {
    const history = new History();
    history.answer(history.invoke(0, write, 0, 5), 5);
    history.answer(history.invoke(1, read, 0, 0), ABSENT);
    expect(checkLinearizability(history)).toEqual({
      linearizable: false,
      reason: "no order of execution explains that read(key 0, value 0) of client 1 was answered 0",
    });
  });

  test("a read beside a write may see either value, but not go back", () => {
    const beside = (first: number, second: number): boolean => {
      const history = new History();
      const open = history.invoke(0, write, 0, 5);
      history.answer(history.invoke(1, read, 0, 0), first);
      history.answer(history.invoke(1, read, 0, 0), second);
      history.answer(open, 5);
      return checkLinearizability(history).linearizable;
    };
    expect([beside(0, 0), beside(0, 5), beside(5, 5), beside(5, 0)]).toEqual([true, true, true, false]);
  });

  test("a request without an answer may or may not have been executed", () => {
    const history = new History();
    history.invoke(0, add, 0, 4);
    history.answer(history.invoke(1, read, 0, 0), ABSENT);
    history.answer(history.invoke(1, read, 0, 0), sumOf(0, ABSENT, 4));
    expect(checkLinearizability(history)).toEqual({ linearizable: true });
    history.answer(history.invoke(1, read, 0, 0), 9);
    expect(checkLinearizability(history).linearizable).toBe(false);
  });

  test("an addition that was executed twice is found", () => {
    const history = new History();
    const once = sumOf(0, ABSENT, 2);
    history.answer(history.invoke(0, add, 0, 2), once);
    history.answer(history.invoke(1, read, 0, 0), sumOf(0, once, 2));
    expect(checkLinearizability(history).linearizable).toBe(false);
  });

  test("a scan reads each of its keys at some time between its request and its answer", () => {
    const scanned = (rows: number[]): boolean => {
      const history = new History();
      history.answer(history.invoke(0, write, 2, 5), 5);
      const open = history.invoke(0, write, 3, 6);
      history.answer(history.invoke(1, OPERATION.scan, 2, 2), 12345, rows);
      history.answer(open, 6);
      return checkLinearizability(history).linearizable;
    };
    expect([scanned([5, 6]), scanned([5, ABSENT]), scanned([ABSENT, 6]), scanned([5, 7])]).toEqual([
      true,
      true,
      false,
      false,
    ]);
  });

  test("keys are independent", () => {
    const history = new History();
    history.answer(history.invoke(0, write, 0, 5), 5);
    history.answer(history.invoke(0, read, 1, 0), ABSENT);
    history.answer(history.invoke(0, remove, 0, 0), 5);
    history.answer(history.invoke(0, read, 0, 0), ABSENT);
    expect(checkLinearizability(history)).toEqual({ linearizable: true });
  });

  test("says the same as trying all orders", () => {
    const kinds = fc.constantFrom(read, write, add, remove);
    const small = fc.record({
      client: fc.nat(2),
      kind: kinds,
      value: fc.integer({ min: 1, max: 2 }),
      result: fc.constantFrom(ABSENT, 1, 2, sumOf(0, ABSENT, 1), sumOf(0, ABSENT, 2)),
    });
    let yes = 0;
    let no = 0;
    fc.assert(
      fc.property(fc.array(small, { minLength: 1, maxLength: 10 }), (steps) => {
        const history = historyOf(steps);
        const expected = byBruteForce(history);
        if (expected) yes += 1;
        else no += 1;
        return checkLinearizability(history).linearizable === expected;
      }),
      { numRuns: 3000, seed: 1 },
    );
    expect(Math.min(yes, no)).toBeGreaterThan(300);
  });
});

/** Every step is the next event of a client: a request when it has none open, otherwise the answer. */
function historyOf(steps: { client: number; kind: number; value: number; result: number }[]): History {
  const history = new History();
  const open = new Map<number, number>();
  for (const { client, kind, value, result } of steps) {
    const index = open.get(client);
    if (index === undefined) {
      open.set(client, history.invoke(client, kind, 0, value));
    } else {
      const operation = history.operations[index]!;
      // Answers that could be true, so that many histories are linearizable.
      const plausible = operation.kind === write ? operation.value : result;
      history.answer(index, plausible);
      open.delete(client);
    }
  }
  return history;
}

/** Tries every order of all answered and any of the other operations. */
function byBruteForce(history: History): boolean {
  const count = history.operations.length;
  const invokedAt = new Array<number>(count).fill(0);
  const answeredAt = new Array<number>(count).fill(Infinity);
  history.events.forEach((event, at) => {
    if ((event & 1) === 0) invokedAt[event >> 1] = at;
    else answeredAt[event >> 1] = at;
  });
  const explore = (done: number, value: number): boolean => {
    const rest = [...history.operations.keys()].filter((index) => (done & (1 << index)) === 0);
    if (rest.every((index) => !history.operations[index]!.answered)) return true;
    return rest.some((index) => {
      // Nothing that was answered before this was requested may still be waiting.
      if (rest.some((other) => answeredAt[other]! < invokedAt[index]!)) return false;
      const operation = history.operations[index]!;
      const { result, next } = sequentialResult(operation, value);
      return (!operation.answered || operation.result === result) && explore(done | (1 << index), next);
    });
  };
  return explore(0, ABSENT);
}
