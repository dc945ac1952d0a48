import { describe, expect, test } from "@jest/globals";
import { CANARIES } from "../canaries.ts";
import { recorded, run } from "../failures.fixture.ts";
import { SCENARIOS } from "../scenarios.ts";
import { Trace, firstDivergence } from "../trace.ts";
import type { Choice, Decision, DecisionLog } from "./decisions.ts";
import { CHOICE_NAMES } from "./decisions.ts";
import { Follower, Tapes } from "./follower.ts";

const RUNS: readonly (readonly string[])[] = [
  ...SCENARIOS.map(({ name }) => ["--scenario", name]),
  ...CANARIES.filter(({ finds }) => finds !== "determinism").map(({ name, scenario }) => [
    "--scenario",
    scenario,
    "--canary",
    name,
  ]),
  ["--max-events", "300"],
  ["--max-time", "1"],
];

function following(seed: number, log: DecisionLog, calmAfter: number | null = null, continuation = 0): Follower {
  return new Follower(new Tapes(seed, 0), log, calmAfter, continuation);
}

const without = (log: DecisionLog, isLeftOut: (decision: Decision) => boolean): DecisionLog => ({
  ...log,
  taken: log.taken.filter((decision) => !isLeftOut(decision)),
  whole: false,
});

describe("a run that follows another", () => {
  test.each(RUNS)("%j is the same event by event, and recording changes nothing", (...argv) => {
    for (const seed of [1, 2, 3]) {
      const one = recorded(argv, seed);
      expect(run(argv, seed)).toEqual(one.result);
      const trace = new Trace();
      expect(run(argv, seed, { trace, decisions: following(seed, one.log) })).toEqual(one.result);
      expect(firstDivergence(one.trace, trace)).toBe(null);
      // Nothing was left out, so it makes no difference that nothing may be added.
      expect(
        run(argv, seed, {
          decisions: following(
            seed,
            without(one.log, () => false),
          ),
        }),
      ).toEqual(one.result);
    }
  });

  test("every choice is made in some run", () => {
    const seen = new Set<Choice>();
    for (const argv of RUNS) for (const { choice } of recorded(argv, 1).log.taken) seen.add(choice);
    for (let seed = 0; seed < 30; seed++) {
      for (const { choice } of recorded(["--scenario", "combined"], seed).log.taken) seen.add(choice);
    }
    expect([...seen].sort()).toEqual([...CHOICE_NAMES].sort());
  });
});

describe("left out", () => {
  const argv = ["--scenario", "combined"];
  const one = recorded(argv, 3);
  const typesWithout = (isLeftOut: (decision: Decision) => boolean): Set<string> => {
    const trace = new Trace("verbose", 100_000);
    run(argv, 3, { trace, decisions: following(3, without(one.log, isLeftOut)) });
    return new Set(trace.events.map(({ type }) => type));
  };

  test("a fault of every kind does not happen", () => {
    const all = new Set(one.trace.events.map(({ type }) => type));
    expect([...all]).toEqual(expect.arrayContaining(["NodeCrash", "NetworkPartition", "NodePause", "NetworkDrop"]));
    const isCrash = ({ choice }: Decision): boolean => ["crash", "view-change-crash", "fsync-failure"].includes(choice);
    expect(typesWithout(isCrash)).not.toContain("NodeCrash");
    expect(typesWithout(({ choice }) => choice === "partition")).not.toContain("NetworkPartition");
    expect(typesWithout(({ choice }) => choice === "pause")).not.toContain("NodePause");
    const isNetworkFault = ({ choice }: Decision): boolean => ["drop", "partition", "link-failure"].includes(choice);
    expect(typesWithout(isNetworkFault)).not.toContain("NetworkDrop");
  });

  test("a client is silent, a request is not asked, and the others go on", () => {
    const requestsOf = (isLeftOut: (decision: Decision) => boolean): Record<string, number> => {
      const trace = new Trace("verbose", 100_000);
      run(argv, 3, { trace, decisions: following(3, without(one.log, isLeftOut)) });
      const counts: Record<string, number> = {};
      for (const { client } of trace.events) {
        if (client !== undefined) counts[`c${client}`] = (counts[`c${client}`] ?? 0) + 1;
      }
      return counts;
    };
    expect(requestsOf(() => false)).toEqual({ c0: 40, c1: 40, c2: 40, c3: 40, c4: 6 });
    expect(requestsOf(({ choice, index }) => choice === "client" && index === 1)).toEqual({
      c0: 40,
      c2: 40,
      c3: 40,
      c4: 6,
    });
    const manyOfOne = ({ choice, index, number }: Decision): boolean =>
      choice === "request" && index === 2 && number >= 7;
    expect(requestsOf(manyOfOne)).toEqual({ c0: 40, c1: 40, c2: 7, c3: 40, c4: 6 });
    expect(requestsOf(({ choice, index }) => choice === "audit" && index > 1)).toMatchObject({ c4: 2 });
  });

  test("time is left out too: the same faults come sooner", () => {
    const lateOnly = ({ choice, number }: Decision): boolean =>
      (choice === "crash" && number < 3) || choice === "view-change-crash" || choice === "fsync-failure";
    const firstCrash = (isLeftOut: (decision: Decision) => boolean): number => {
      const trace = new Trace("minimal");
      run(argv, 3, { trace, decisions: following(3, without(one.log, isLeftOut)) });
      return trace.events.find(({ type }) => type === "NodeCrash")!.time_us;
    };
    const inTime = firstCrash(lateOnly);
    const sooner = firstCrash((decision) => lateOnly(decision) || decision.choice === "idle-time");
    expect(sooner).toBeLessThan(inTime / 2);
  });
});

describe("left to itself", () => {
  const argv = ["--scenario", "combined"];
  const one = recorded(argv, 3);
  const leftAt = (event: number, continuation: number): Trace => {
    const trace = new Trace("verbose", 100_000);
    run(argv, 3, { trace, decisions: following(3, one.log, event, continuation) });
    return trace;
  };

  test("it is the same up to that event, without a fault after it, and each continuation is another", () => {
    const [first, again, other] = [leftAt(500, 1), leftAt(500, 1), leftAt(500, 2)];
    expect(firstDivergence(first, again)).toBe(null);
    // All dice are new at once, not only those that the log has no more of.
    const [ofFirst, ofOther] = [first.events, other.events];
    const differing = ofFirst.findIndex((event, at) => JSON.stringify(event) !== JSON.stringify(ofOther[at]));
    expect(ofFirst[differing]!.event).toBeGreaterThan(500);
    expect(ofFirst[differing]!.event).toBeLessThan(540);
    const upTo = (trace: Trace): unknown[] => trace.events.filter(({ event }) => event <= 500);
    expect(upTo(first)).toEqual(upTo(one.trace));
    const after = (trace: Trace, type: string): number =>
      trace.events.filter((found) => found.type === type && found.event > 500).length;
    expect(after(one.trace, "NodeCrash")).toBeGreaterThan(0);
    expect(after(one.trace, "NetworkDrop")).toBeGreaterThan(0);
    for (const type of ["NodeCrash", "NetworkDrop", "NetworkPartition", "NodePause"]) {
      expect([type, after(first, type)]).toEqual([type, 0]);
    }
    expect(after(first, "Write")).toBeGreaterThan(20);
  });
});
