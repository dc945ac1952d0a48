import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { describe, expect, jest, test } from "@jest/globals";
import { explorationSchema } from "../contracts/programs.ts";
import { explore } from "./exploration/explorer.ts";
import type { Scope } from "./exploration/world.ts";
import { parseExploreArguments } from "./explore-command.ts";
import { NO_BUGS } from "./vsr/state.ts";

// Whole scopes are visited, in worlds by the hundred thousand.
jest.setTimeout(300_000);

const PROGRAM = fileURLToPath(new URL("explore.ts", import.meta.url));
const SMALL: Scope = {
  replicas: 3,
  operations: 1,
  crashes: 1,
  corruptions: 0,
  maxView: 1,
  stateTransfer: false,
  heartbeats: false,
  symmetry: true,
};
const NO_LIMITS = { maxStates: Infinity, maxMemoryBytes: Infinity, deadlineMs: Infinity };
const STILL = { nowMs: () => 0, memoryBytes: () => 0 };

function run(...argv: string[]): { status: number | null; stdout: string; stderr: string } {
  return spawnSync(process.execPath, [PROGRAM, ...argv], { encoding: "utf8" });
}

/** After the lines of progress that a slow machine gets. */
const reportIn = (stdout: string) => explorationSchema.parse(JSON.parse(stdout.slice(stdout.lastIndexOf("\n{") + 1)));

describe("explore", () => {
  test("visits the default scope to the end and finds nothing", () => {
    const { status, stdout } = run("--json", "--seconds", "280");
    const report = reportIn(stdout);
    expect(status).toBe(0);
    expect(report).toMatchObject({
      complete: true,
      violation: null,
      limit: null,
      states: 564_621,
      represented: 1_128_024,
      transitions: 2_627_503,
      depth: 33,
      scope: { replicas: 3, operations: 2, crashes: 1, corruptions: 0, max_view: 1, canary: null },
    });
  });

  test.each(["2", "3"])("finds the canary among %s operations, by a shortest trace", (operations) => {
    const { status, stdout } = run("--json", "--canary", "skip-fsync", "--operations", operations, "--seconds", "280");
    const report = reportIn(stdout);
    expect(status).toBe(1);
    expect(report.complete).toBe(false);
    expect(report.violation).toEqual({
      invariant: "vsr_view_change_safety",
      message: "op 1 was committed in view 0, but the log of replica 1, primary of view 1, ends at op 0",
      trace: [
        "request 0 to 0",
        "deliver prepare (view 0, op 1) from 0 to 1",
        "deliver prepare_ok (view 0, op 1) from 1 to 0",
        "timeout on 1",
        "deliver start_view_change (view 1, op 0) from 1 to 2",
        "crash 1",
        "deliver do_view_change (view 1, op 0) from 2 to 1",
      ],
    });
  });

  test("a limit that comes first leaves it inconclusive", () => {
    const { status, stdout } = run("--json", "--max-states", "50");
    expect(status).toBe(6);
    expect(JSON.parse(stdout)).toMatchObject({ complete: false, limit: "states", violation: null });
    expect(run("--max-states", "50").stdout).toMatch(/^INCOMPLETE, the limit on states came first: \d\d states/);
  });

  test("so does one on memory or time", () => {
    const limits = { ...NO_LIMITS, maxMemoryBytes: 1_000, deadlineMs: 5_000 };
    const bounded = (bytes: number, stepMs: number) => {
      let nowMs = 0;
      const surroundings = { nowMs: () => (nowMs += stepMs), memoryBytes: () => bytes };
      return explore({ ...SMALL, operations: 2 }, NO_BUGS, limits, surroundings);
    };
    expect(bounded(1_000, 0)).toMatchObject({ complete: false, limit: "memory", violation: null });
    expect(bounded(999, 10)).toMatchObject({ complete: false, limit: "time", violation: null });
  });

  test("shows progress about once a minute, by how much more it has visited", () => {
    const said: number[] = [];
    const onProgress = (states: number): void => void said.push(states);
    let nowMs = 0;
    const clock = (): number => (nowMs += 100); // asked once per world
    const { states } = explore(SMALL, NO_BUGS, { ...NO_LIMITS, onProgress }, { ...STILL, nowMs: clock });
    expect(said.length).toBeGreaterThan(1);
    expect(said.length).toBeLessThanOrEqual(states / 600);
    expect(said).toEqual([...new Set(said)].toSorted((a, b) => a - b));
    expect(said.at(-1)).toBeLessThanOrEqual(states);
  });

  test("without a crash the canary does no harm", () => {
    const result = explore({ ...SMALL, crashes: 0 }, { ...NO_BUGS, skipFsync: true }, NO_LIMITS, STILL);
    expect(result).toMatchObject({ complete: true, violation: null });
  });

  test("a larger scope has more states; the same scope always the same", () => {
    const states = (scope: Scope): number => explore(scope, NO_BUGS, NO_LIMITS, STILL).states;
    const small = states(SMALL);
    expect(states(SMALL)).toBe(small);
    expect(states({ ...SMALL, crashes: 0 })).toBeLessThan(small);
    expect(states({ ...SMALL, heartbeats: true })).toBeGreaterThan(small);
    expect(states({ ...SMALL, stateTransfer: true })).toBeGreaterThan(small);
    expect(states({ ...SMALL, corruptions: 1 })).toBeGreaterThan(small);
  });
});

describe("clients are alike", () => {
  const scopes: [string, Partial<Scope>][] = [
    ["two operations", { operations: 2, crashes: 0 }],
    ["three operations", { operations: 3, crashes: 0, maxView: 0 }],
    ["a crash", { operations: 2, crashes: 1, maxView: 0 }],
    ["a spoiled disk", { operations: 2, crashes: 1, corruptions: 1, maxView: 0 }],
    ["state transfer", { operations: 2, crashes: 0, maxView: 0, stateTransfer: true }],
  ];
  test.each(scopes)("%s: the worlds visited stand for exactly those there are", (_, change) => {
    const scope = { ...SMALL, ...change };
    const all = explore({ ...scope, symmetry: false }, NO_BUGS, NO_LIMITS, STILL);
    const { states, represented, depth, complete } = explore(scope, NO_BUGS, NO_LIMITS, STILL);
    expect([all.complete, complete]).toEqual([true, true]);
    expect([represented, depth]).toEqual([all.states, all.depth]);
    expect(all.represented).toBe(all.states);
    expect(states).toBeLessThan(all.states);
  });

  test("a bug is found by as short a trace", () => {
    const bugs = { ...NO_BUGS, skipFsync: true };
    const traceOf = (symmetry: boolean) =>
      explore({ ...SMALL, operations: 3, symmetry }, bugs, NO_LIMITS, STILL).violation?.trace;
    expect(traceOf(true)).toEqual(traceOf(false));
    expect(traceOf(true)?.length).toBe(7);
  });
});

describe("arguments", () => {
  test.each([
    [["--operations", "9"], '--operations is "9", but must be a whole number from 1 to 4'],
    [["--crashes"], '--crashes is "", but must be'],
    [["--max-memory", "1"], '--max-memory is "1", but must be a whole number from 100 to 1000000'],
    [["--replicas", "4"], "--replicas is 4, but must be odd"],
    [["--canary", "x"], 'there is no canary "x"'],
    [["--what"], 'unknown argument "--what"'],
  ])("%j is refused", (argv, message) => {
    expect(() => parseExploreArguments(argv)).toThrow(message);
  });

  test("wrong usage is exit code 2", () => {
    expect(run("--seconds", "x").status).toBe(2);
  });
});
