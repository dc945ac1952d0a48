import { describe, expect, test } from "@jest/globals";
import { bundleOfSeed } from "./failures.fixture.ts";
import { DEFAULT_TIMELINE_KINDS, TIMELINE_KINDS, timelineText, type TimelineOptions } from "./timeline.ts";
import { TRACE_TYPES, type TraceEvent, type TraceType } from "./trace.ts";

const OPTIONS: TimelineOptions = {
  replicas: 3,
  columns: 120,
  kinds: DEFAULT_TIMELINE_KINDS,
  fromUs: 0,
  toUs: Infinity,
  last: 1_000,
};

function events(
  ...parts: [timeUs: number, type: TraceType, fields: Record<string, string | number | boolean>][]
): TraceEvent[] {
  return parts.map(([timeUs, type, fields], seq) => ({ seq, event: seq, time_us: timeUs, type, ...fields }));
}

describe("timelineText", () => {
  test("of a real failure, at 120 columns", () => {
    const { trace } = bundleOfSeed(["--scenario", "leader-race"], 5);
    const text = timelineText(trace, OPTIONS);
    expect(text).toMatchInlineSnapshot(`
     "   time ms  replica 0                  replica 1                  replica 2                  clients
          0.000  == begins: scenario byzantine_leader_race, 3 replicas
          5.268  |<--request v0 c2----------------------------------------------------------------|
          5.602  |--prepare v0---------------------------------------->|                          |
          5.602  !! vsr_prefix_property is violated: replica 2 has another op 1 in view 0 than a replica that was in it
                 before
          5.602  == ends after 4 events
     "
    `);
    for (const line of text.split("\n")) expect(line.length).toBeLessThanOrEqual(120);
  });

  const EVERYTHING = events(
    [0, "SimulationStart", { scenario: "combined", replicas: 3 }],
    [1_000, "NetworkDeliver", { from: 0, to: 1, message: "prepare", view: 0 }],
    [1_100, "NetworkDeliver", { from: 2, to: 0, message: "prepare_ok", view: 0 }],
    [1_200, "NetworkDeliver", { from: 5, to: 1, message: "request", view: 0 }],
    [1_300, "NetworkDrop", { from: 0, to: 2, message: "start_view_change", reason: "partition" }],
    [1_400, "NetworkDrop", { from: 2, to: 1, message: "commit", reason: "dropped" }],
    [1_500, "NetworkSend", { from: 1, to: 4, message: "reply", view: 0 }],
    [2_000, "NetworkPartition", { side: 0b1001, asymmetric: true, for_us: 30_500 }],
    [2_100, "NetworkClog", { node: 1, for_us: 4_000 }],
    [2_200, "NodePause", { replica: 2, for_us: 12_000 }],
    [2_300, "ClockJump", { replica: 0, by_us: 7_000 }],
    [3_000, "NodeCrash", { replica: 1 }],
    [3_100, "NetworkDeliver", { from: 0, to: 2, message: "commit", view: 0 }],
    [3_200, "StorageFault", { replica: 1, fault: "storage.corruption" }],
    [3_300, "NodeRestart", { replica: 1 }],
    [4_000, "ReplicaUpdate", { replica: 2, view: 1, op: 12, commit: 9, primary: true }],
    [4_100, "Commit", { replica: 2, op: 10, view: 1 }],
    [4_200, "CheckpointCreate", { replica: 2, op: 32 }],
    [4_300, "CheckpointRecover", { replica: 1, op: 32 }],
    [4_400, "Write", { client: 1, request: 2, tenant: 0, key: 3, result: 40 }],
    [4_500, "ClientEvicted", { client: 0 }],
    [4_600, "Fsync", { replica: 0, success: true }],
    [4_700, "InvariantCheck", { invariant: "hash_chain", passed: true }],
    [5_000, "NetworkHeal", {}],
    [
      6_000,
      "InvariantViolation",
      { invariant: "vsr_agreement", message: "op 7 is one thing and another ".repeat(6).trim() },
    ],
    [6_000, "SimulationEnd", { events: 26 }],
  );

  test("every type of event has its line", () => {
    const kinds = Object.keys(TIMELINE_KINDS) as (keyof typeof TIMELINE_KINDS)[];
    expect(timelineText(EVERYTHING, { ...OPTIONS, kinds })).toMatchInlineSnapshot(`
     "   time ms  replica 0                  replica 1                  replica 2                  clients
          0.000  == begins: scenario combined, 3 replicas
          1.000  |--prepare v0------------->|                          |                          |
          1.100  |<--prepare_ok v0-------------------------------------|                          |
          1.200  |                          |<--request v0 c2-------------------------------------|
          1.300  |--start_view_change cut-----------------------------x|                          |
          1.400  |                          |x--commit lost------------|                          |
          1.500  |                          | sends reply to c1        |                          |
          2.000  ~~ partition, one way: 0 c0 cut off for 30.5 ms
          2.100  |                          | clogged 4 ms             |                          |
          2.200  |                          |                          | pause 12 ms              |
          2.300  | clock +7 ms              |                          |                          |
          3.000  |                          : CRASH                    |                          |
          3.100  |--commit v0----------------------------------------->|                          |
          3.200  |                          : DISK storage.corruption  |                          |
          3.300  |                          | restart                  |                          |
          4.000  |                          |                          | view 1 primary op 12     |
          4.100  |                          |                          | commit 10                |
          4.200  |                          |                          | checkpoint 32            |
          4.300  |                          | got checkpoint 32        |                          |
          4.400  |                          |                          |                          | c1 Write 3 = 40
          4.500  |                          |                          |                          | c0 evicted
          4.600  | fsync                    |                          |                          |
          4.700     hash_chain holds
          5.000  ~~ all faults end
          6.000  !! vsr_agreement is violated: op 7 is one thing and another op 7 is one thing and another op 7 is one thing
                 and another op 7 is one thing and another op 7 is one thing and another op 7 is one thing and another
          6.000  == ends after 26 events
     "
    `);
    const shown = [...Object.values(TIMELINE_KINDS).flat(), "SimulationStart", "SimulationEnd", "InvariantViolation"];
    expect(shown.sort()).toEqual(Object.keys(TRACE_TYPES).sort());
  });

  test("narrow lanes cut what does not fit, and the text stays as wide as asked", () => {
    const text = timelineText(EVERYTHING, { ...OPTIONS, columns: 60 });
    expect(text).toContain("|--prepar~->|");
    for (const line of text.split("\n")) expect(line.length).toBeLessThanOrEqual(60);
    expect(() => timelineText(EVERYTHING, { ...OPTIONS, columns: 43 })).toThrow("43 columns are too few for 4 lanes");
    expect(timelineText(EVERYTHING, { ...OPTIONS, columns: 44 })).not.toBe("");
  });

  test("by time, by kind, and from the end", () => {
    const rows = (options: Partial<TimelineOptions>): string[] =>
      timelineText(EVERYTHING, { ...OPTIONS, ...options })
        .trimEnd()
        .split("\n")
        .slice(1)
        .map((line) => line.slice(0, 10).trim());
    expect(rows({ fromUs: 2_000, toUs: 3_000 })).toEqual(["2.000", "2.100", "2.200", "2.300", "3.000"]);
    expect(rows({ kinds: ["nodes"], toUs: 5_500 })).toEqual(["0.000", "2.200", "3.000", "3.300"]);
    expect(rows({ last: 1 })).toEqual(["6.000"]);
  });

  test("a replica that is down has another lane, also when it went down before the first event", () => {
    const tail = events(
      [100, "NetworkDeliver", { from: 0, to: 1, message: "commit", view: 0 }],
      [200, "NodeRestart", { replica: 2 }],
      [300, "NetworkDeliver", { from: 0, to: 1, message: "commit", view: 0 }],
    );
    const third = timelineText(tail, OPTIONS)
      .split("\n")
      .slice(1, 4)
      .map((line) => line[12 + 2 * 27]);
    expect(third).toEqual([":", "|", "|"]);
    // Filtered away, it is still known.
    const filtered = timelineText(EVERYTHING, { ...OPTIONS, kinds: ["messages"], fromUs: 3_050, toUs: 3_150 });
    expect(filtered.split("\n")[1]![12 + 27]).toBe("-");
    expect(filtered).toContain("--commit v0");
  });

  test("commits of one event are one line", () => {
    const some = [1, 2, 3].map((op) => ({
      seq: op,
      event: 9,
      time_us: 50,
      type: "Commit" as const,
      replica: 1,
      op,
      view: 0,
    }));
    const text = timelineText([...some, { ...some[2]!, seq: 4, event: 10, op: 4 }], OPTIONS);
    expect(text.match(/commit \S+/g)).toEqual(["commit 1-3", "commit 4"]);
  });
});
