import { expect, test } from "@jest/globals";
import fc from "fast-check";
import { MIN_SLICE_MS, nextTurn, type Share } from "./shares.ts";

const ready = (target: string, usedMs = 0): Share => ({ target, usedMs, state: "ready" });
const MINUTE_MS = 60_000;

test("who has had least is next, for what is missing of its share, at most ten minutes", () => {
  expect(nextTurn([ready("a", 4_000), ready("b", 1_000), ready("c", 2_000)], { leftMs: 4_000, coreMs: 8_000 })).toEqual(
    { kind: "slice", target: "b", ms: 4_000 },
  );
  expect(nextTurn([ready("a"), ready("b")], { leftMs: 240 * MINUTE_MS, coreMs: 960 * MINUTE_MS })).toEqual({
    kind: "slice",
    target: "a",
    ms: 10 * MINUTE_MS,
  });
});

test("what is being built has its share kept: the others run on in short slices", () => {
  const building: Share = { target: "b", usedMs: 0, state: "building" };
  const time = { leftMs: 20_000, coreMs: 40_000 };
  expect(nextTurn([ready("a"), building], time)).toEqual({ kind: "slice", target: "a", ms: 5_000 });
  expect(nextTurn([ready("a", 60_000), building], time)).toEqual({ kind: "slice", target: "a", ms: 5_000 });
  expect(nextTurn([ready("a", 60_000), ready("b", 59_000)], time)).toMatchObject({ target: "b", ms: 20_000 });
  expect(nextTurn([building], time)).toEqual({ kind: "wait" });
});

test("a closed target leaves its share to the others; the end of the time, or of all targets, is the end", () => {
  const closed: Share = { target: "a", usedMs: 0, state: "closed" };
  const time = { leftMs: 10_000, coreMs: 10_000 };
  expect(nextTurn([closed, ready("b")], time)).toEqual({ kind: "slice", target: "b", ms: 10_000 });
  expect(nextTurn([closed], time)).toEqual({ kind: "end" });
  expect(nextTurn([ready("b")], { leftMs: MIN_SLICE_MS - 1, coreMs: 10_000 })).toEqual({ kind: "end" });
});

/** Cores that take slice after slice; `readyMs`: when each target is built. Core time per target, and how much was idle. */
function simulate(cores: number, totalMs: number, readyMs: readonly number[]) {
  const free = Array.from({ length: cores }, () => 0);
  const running: { target: string; endMs: number }[] = [];
  const used = new Map(readyMs.map((_, index) => [String(index), 0]));
  let idleMs = 0;
  for (;;) {
    const core = free.indexOf(Math.min(...free));
    const nowMs = free[core]!;
    if (nowMs >= totalMs) return { used: [...used.values()], idleMs };
    const leftMs = totalMs - nowMs;
    const takenMs = running.reduce((sum, { endMs }) => sum + Math.max(0, endMs - nowMs), 0);
    const shares = readyMs.map((at, index): Share => {
      const target = String(index);
      return { target, usedMs: used.get(target)!, state: at <= nowMs ? "ready" : "building" };
    });
    const turn = nextTurn(shares, { leftMs, coreMs: cores * leftMs - takenMs });
    if (turn.kind !== "slice") {
      const waitedMs = turn.kind === "end" ? leftMs : Math.min(100, leftMs);
      if (shares.some(({ state }) => state === "ready")) idleMs += waitedMs;
      free[core] = nowMs + waitedMs;
      continue;
    }
    used.set(turn.target, used.get(turn.target)! + turn.ms);
    running.push({ target: turn.target, endMs: nowMs + turn.ms });
    free[core] = nowMs + turn.ms;
  }
}

test("no core waits while a target is ready, and each target has at least half of its share in the end", () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 8 }),
      fc.integer({ min: 60_000, max: 4 * 3_600_000 }),
      fc.array(fc.double({ min: 0, max: 0.3, noNaN: true }), { minLength: 1, maxLength: 24 }),
      (cores, totalMs, parts) => {
        const { used, idleMs } = simulate(cores, totalMs, [0, ...parts.map((part) => part * totalMs)]);
        // Less than a slice that nobody could begin any more, per core.
        expect(idleMs).toBeLessThanOrEqual(cores * MIN_SLICE_MS);
        const shareMs = (cores * totalMs) / used.length;
        expect(Math.min(...used)).toBeGreaterThan(shareMs * 0.5);
      },
    ),
    { numRuns: 200 },
  );
});
