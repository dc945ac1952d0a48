import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "@jest/globals";
import { explorationSchema } from "../contracts/programs.ts";
import { explore } from "./exploration/explorer.ts";
import type { Scope } from "./exploration/world.ts";
import { parseExploreArguments } from "./explore-command.ts";
import { NO_BUGS } from "./vsr/state.ts";

const PROGRAM = fileURLToPath(new URL("explore.ts", import.meta.url));
const SMALL: Scope = {
  replicas: 3,
  operations: 1,
  crashes: 1,
  corruptions: 0,
  maxView: 1,
  stateTransfer: false,
  heartbeats: false,
};
const NO_LIMITS = { maxStates: Infinity, deadlineMs: Infinity };

function run(...argv: string[]): { status: number | null; stdout: string; stderr: string } {
  return spawnSync(process.execPath, [PROGRAM, ...argv], { encoding: "utf8" });
}

describe("explore", () => {
  test("visits the default scope to the end and finds nothing", () => {
    const { status, stdout } = run("--json");
    const report = explorationSchema.parse(JSON.parse(stdout));
    expect(status).toBe(0);
    expect(report).toMatchObject({
      complete: true,
      violation: null,
      states: 702_420,
      transitions: 3_284_444,
      depth: 33,
      scope: { replicas: 3, operations: 2, crashes: 1, corruptions: 0, max_view: 1, canary: null },
    });
  });

  test("finds the canary, by a shortest trace", () => {
    const { status, stdout } = run("--json", "--canary", "skip-fsync");
    const report = explorationSchema.parse(JSON.parse(stdout));
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
    expect(JSON.parse(stdout)).toMatchObject({ complete: false, violation: null });
  });

  test("shows progress about once a minute, by how much more it has visited", () => {
    const said: number[] = [];
    const onProgress = (states: number): void => void said.push(states);
    let nowMs = 0;
    const clock = (): number => (nowMs += 100); // asked once per world
    const { states } = explore(SMALL, NO_BUGS, { ...NO_LIMITS, onProgress }, clock);
    expect(said.length).toBeGreaterThan(1);
    expect(said.length).toBeLessThanOrEqual(states / 600);
    expect(said).toEqual([...new Set(said)].toSorted((a, b) => a - b));
    expect(said.at(-1)).toBeLessThanOrEqual(states);
  });

  test("without a crash the canary does no harm", () => {
    const result = explore({ ...SMALL, crashes: 0 }, { ...NO_BUGS, skipFsync: true }, NO_LIMITS, () => 0);
    expect(result).toMatchObject({ complete: true, violation: null });
  });

  test("a larger scope has more states; the same scope always the same", () => {
    const states = (scope: Scope): number => explore(scope, NO_BUGS, NO_LIMITS, () => 0).states;
    const small = states(SMALL);
    expect(states(SMALL)).toBe(small);
    expect(states({ ...SMALL, crashes: 0 })).toBeLessThan(small);
    expect(states({ ...SMALL, heartbeats: true })).toBeGreaterThan(small);
    expect(states({ ...SMALL, stateTransfer: true })).toBeGreaterThan(small);
    expect(states({ ...SMALL, corruptions: 1 })).toBeGreaterThan(small);
  });
});

describe("arguments", () => {
  test.each([
    [["--operations", "9"], '--operations is "9", but must be a whole number from 1 to 4'],
    [["--crashes"], '--crashes is "", but must be'],
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
