/** No line twice and none missed, whatever order lines arrive in, as laws. */
import { expect, test } from "@jest/globals";
import fc from "fast-check";
import { LogWindow } from "./log-window.ts";

interface Line {
  readonly id: string;
  readonly atMs: number;
}

/** A group that lines arrive in, batch after batch; after each, one question. */
function shown(batches: readonly (readonly Line[])[], window: LogWindow): string[] {
  const group: Line[] = [];
  return batches.flatMap((batch) => {
    group.push(...batch);
    const from = window.fromMs;
    const answer = group.filter(({ atMs }) => atMs >= from).sort((one, other) => one.atMs - other.atMs);
    const fresh = answer.filter(({ id, atMs }) => window.admit(id, atMs)).map(({ id }) => id);
    window.prune();
    return fresh;
  });
}

const OVERLAP = 100;
const far = (): number => Number.MAX_SAFE_INTEGER;

test("lines that are late by less than the overlap are each shown once", () => {
  // In batch n, at n * 50 ms, lines are up to one overlap old.
  const batches = fc.array(fc.array(fc.integer({ min: 0, max: OVERLAP }), { maxLength: 8 }), { maxLength: 30 });
  fc.assert(
    fc.property(batches, (delays) => {
      const lines = delays.map((batch, turn) =>
        batch.map((late, index) => ({ id: `${String(turn)}-${String(index)}`, atMs: 1_000 + turn * 50 - late })),
      );
      const ids = shown(lines, new LogWindow(800, far, OVERLAP));
      expect([...ids].sort()).toEqual(
        lines
          .flat()
          .map(({ id }) => id)
          .sort(),
      );
    }),
  );
});

test("no line twice, however late, and the memory has its limit", () => {
  const batches = fc.array(fc.array(fc.integer({ min: 0, max: 50 }), { maxLength: 20 }), { maxLength: 20 });
  fc.assert(
    fc.property(batches, (times) => {
      const window = new LogWindow(0, far, OVERLAP, 10);
      const lines = times.map((batch, turn) =>
        batch.map((atMs, index) => ({ id: `${String(turn)}-${String(index)}`, atMs })),
      );
      const ids = shown(lines, window);
      expect(new Set(ids).size).toBe(ids.length);
      expect(window.size).toBeLessThanOrEqual(10);
    }),
  );
});

test("a line from a clock that is ahead does not hide the others", () => {
  const window = new LogWindow(0, () => 1_000, OVERLAP);
  expect(shown([[{ id: "ahead", atMs: 9_000 }], [{ id: "right", atMs: 950 }]], window)).toEqual(["ahead", "right"]);
});
