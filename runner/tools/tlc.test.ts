import { describe, expect, test } from "@jest/globals";
import { DEADLINE, ended, fixtureText, printed, recorded } from "./recordings.fixture.ts";
import { judgeTlc, propertiesIn, tlcCommand } from "./tlc.ts";

const GOOD = recorded("tlc-good");
const judge = (name: string, checksDeadlock = true) => judgeTlc(recorded(`tlc-${name}`), ["TypeOK"], checksDeadlock);

test("passed: exit code, mark and states", () => {
  expect(judgeTlc(GOOD, ["TypeOK"], true)).toEqual({
    verdict: "passed",
    reason: null,
    counted: { generated_states: 8, distinct_states: 7, queued_states: 0, depth: 7 },
    scope: "checked: TypeOK, deadlock",
    findings: [],
  });
});

describe("failed, on what TLC really printed", () => {
  const table: [string, string, string, number][] = [
    ["safety", "Small", "a safety property is violated", 4],
    ["liveness", "Temporal properties", "a liveness property is violated", 8],
    ["deadlock", "Deadlock", "deadlock", 3],
    ["assert", "Assert", 'an assertion is violated: "x is too large"', 0],
    ["initial", "Inv", "a safety property is violated", 1],
    ["stutter", "Temporal properties", "a liveness property is violated", 3],
    ["action", "P", "a liveness property is violated", 3],
  ];
  test.each(table)("%s", (name, property, message, states) => {
    const { verdict, findings } = judge(name);
    expect(verdict).toBe("failed");
    expect(findings).toMatchObject([{ property, message }]);
    expect(findings[0]?.trace).toHaveLength(states);
  });
});

test("the error trace is kept state by state", () => {
  expect(judge("safety").findings[0]?.trace.slice(0, 2)).toEqual([
    "State 1: <Initial predicate>\n/\\ x = 0\n/\\ y = [a |-> 1, b |-> <<1, 2>>]",
    "State 2: <Up line 6, col 7 to line 6, col 54 of module Counter>\n/\\ x = 1\n/\\ y = [a |-> 0, b |-> <<1, 2>>]",
  ]);
  expect(judge("stutter").findings[0]?.trace.at(-1)).toBe("State 3: Stuttering");
  expect(judge("liveness").findings[0]?.trace.at(-1)).toMatch(/^Back to state 2: /);
  expect(judge("initial").findings[0]?.trace).toEqual(["State 1: <Initial predicate>\nx = 5"]);
});

describe("inconclusive, with the reason", () => {
  const changed = (from: string | RegExp, to: string) => ({ ...GOOD, text: GOOD.text.replace(from, to) });
  const table: [string, ReturnType<typeof printed>, string | RegExp][] = [
    ["a deadline", recorded("tlc-deadline"), "still running at its deadline of 4.0 s"],
    ["a deadline after the mark", { ...GOOD, end: ended(DEADLINE) }, "still running at its deadline of 600.0 s"],
    ["no TLA+", recorded("tlc-garbage"), /^exit code 150: Fatal errors while parsing TLA\+ spec in file Garbage/],
    ["no file", recorded("tlc-no-file"), /^exit code 150: Fatal errors/],
    ["an unknown invariant", recorded("tlc-unknown-invariant"), /^exit code 151: Error: The invariant Nope/],
    ["nothing printed", printed(""), "exit code 0 without its mark of success"],
    ["garbage", printed("%$&\0 Finished in 00s"), "exit code 0 without its mark of success"],
    ["the mark and a bad exit code", { ...GOOD, end: ended({ exitCode: 1 }) }, /^exit code 1: /],
    ["no count", changed(/^8 states.*$/m, ""), "no count of states was printed"],
    ["states left", changed("0 states left", "1,204 states left"), "1,204 states were left on the queue"],
    ["one state", changed("7 distinct", "1 distinct"), "no state beyond the first was visited"],
  ];
  test.each(table)("%s", (_name, output, reason) => {
    const judged = judgeTlc(output, ["TypeOK"], true);
    expect(judged).toMatchObject({ verdict: "inconclusive", findings: [] });
    if (typeof reason === "string") expect(judged.reason).toBe(reason);
    else expect(judged.reason).toMatch(reason);
  });

  test("a configuration that names no property", () => {
    expect(judgeTlc(recorded("tlc-nothing-checked"), [], false)).toMatchObject({
      verdict: "inconclusive",
      reason: "its configuration names no property",
      scope: "checked: nothing",
    });
  });
});

test("exit code 12 is a violation also when its words are not understood", () => {
  expect(judgeTlc(printed("something new", 12), ["TypeOK"], true)).toMatchObject({
    verdict: "failed",
    findings: [{ property: "a safety property is violated", trace: [] }],
  });
});

test("the properties of a configuration", () => {
  expect(propertiesIn(fixtureText("proofs/tlc/Counter_safety.cfg"))).toEqual(["Small", "TypeOK"]);
  expect(propertiesIn(fixtureText("proofs/tlc/Counter_liveness.cfg"))).toEqual(["Stays"]);
  expect(propertiesIn(fixtureText("proofs/tlc/Counter_nothing.cfg"))).toEqual([]);
  expect(
    propertiesIn("INVARIANTS\n  A \\* B\n  (* C *)\nCONSTANTS Max = 3\n Key <- MyKey\nPROPERTY P\nSYMMETRY S\nINIT I"),
  ).toEqual(["A", "P"]);
});

test("the command", () => {
  const options = {
    java: "java",
    jar: "/tools/tla2tools.jar",
    folder: "/specs",
    specification: "VSR.tla",
    configuration: "VSR_Small.cfg",
    workers: "auto",
    checksDeadlock: false,
    maxHeapMebibytes: 4096,
    arguments: ["-lncheck", "final"],
  } as const;
  expect(tlcCommand(options, "/tmp/s").join(" ")).toBe(
    "java -XX:+UseParallelGC -Xmx4096m -cp /tools/tla2tools.jar tlc2.TLC -workers auto -metadir /tmp/s -deadlock " +
      "-lncheck final -config VSR_Small.cfg VSR.tla",
  );
});
