import { describe, expect, test } from "@jest/globals";
import { alloyCommand, judgeAlloy } from "./alloy.ts";
import { DEADLINE, ended, printed, recorded } from "./recordings.fixture.ts";

/** The log of a run holds the receipt as well. */
function parts(name: string) {
  const recording = recorded(`alloy-${name}`);
  const [text = "", receipt] = recording.text.split("\n--- receipt.json ---\n");
  return { output: { ...recording, text }, receipt };
}
function judge(name: string, unsatisfiableRuns: string[] = []) {
  const { output, receipt } = parts(name);
  return judgeAlloy(output, receipt, unsatisfiableRuns);
}

test("passed: every command has its outcome", () => {
  expect(judge("good")).toEqual({
    verdict: "passed",
    reason: null,
    counted: { checks: 2, runs: 1 },
    scope: "check noSelfLoop for 2; run show",
    findings: [],
  });
  expect(judge("expect")).toMatchObject({ verdict: "passed", counted: { checks: 2, runs: 1 } });
});

test("a counterexample, though the exit code is 0", () => {
  expect(parts("bad").output.end.exitCode).toBe(0);
  const judged = judge("bad");
  expect(judged).toMatchObject({ verdict: "failed", reason: "noSelfLoop: a counterexample was found" });
  expect(judged.findings).toHaveLength(1);
  expect(judged.findings[0]?.trace[0]).toContain('"$noSelfLoop_n"');
});

test("a counterexample that receipt.json lost to a later command of the same name", () => {
  const { receipt } = parts("hidden");
  expect(receipt).not.toContain("solution");
  expect(judge("hidden")).toMatchObject({ verdict: "failed", findings: [{ property: "noSelfLoop", trace: [] }] });
});

test("a counterexample that only receipt.json tells", () => {
  const { output, receipt } = parts("bad");
  const mute = { ...output, text: output.text.replace(/^00.*$/m, "") };
  expect(judgeAlloy(mute, receipt, [])).toMatchObject({ verdict: "failed", findings: [{ property: "noSelfLoop" }] });
});

test("against an expectation", () => {
  expect(judge("wrong-expectation")).toMatchObject({ verdict: "failed", findings: [{ property: "noSelfLoop" }] });
  const { output, receipt } = parts("expect");
  const unsatisfied = { ...output, text: output.text.replace(/^(00.*) SAT$/m, "$1 UNSAT") };
  expect(judgeAlloy(unsatisfied, receipt, [])).toMatchObject({
    verdict: "failed",
    reason: "noSelfLoop: this check was expected to be satisfied",
  });
});

describe("inconclusive, with the reason", () => {
  const good = parts("good");
  const table: [string, ReturnType<typeof printed>, string | undefined, string | RegExp][] = [
    ["a deadline", parts("deadline").output, undefined, /^still running at its deadline/],
    ["a deadline after all", { ...good.output, end: ended(DEADLINE) }, good.receipt, /^still running/],
    [
      "no Alloy",
      parts("garbage").output,
      undefined,
      /^exit code 1 and no receipt.json: Syntax error in .* line 1 column 5/,
    ],
    ["nothing", printed(""), undefined, "exit code 0 and no receipt.json"],
    ["a damaged receipt", good.output, good.receipt!.slice(0, 100), /^receipt.json is not valid JSON/],
    ["another receipt", good.output, '{"commands":[]}', /^receipt.json does not have the expected shape/],
    ["lines missing", { ...good.output, text: "" }, good.receipt, /^what it printed and receipt.json differ about/],
    [
      "a line missing",
      { ...good.output, text: good.output.text.replace(/^01.*\n/m, "") },
      good.receipt,
      "command 2 does not follow its predecessor",
    ],
    [
      "an outcome missing",
      { ...good.output, text: good.output.text.replace(/ +UNSAT$/, "") },
      good.receipt,
      "no outcome was printed for noSelfLoop",
    ],
    ["a bad exit code", { ...good.output, end: ended({ exitCode: 3 }) }, good.receipt, /^exit code 3/],
    ["no check", parts("no-check").output, parts("no-check").receipt, "the specification has no check"],
    [
      "facts without a model",
      parts("contradiction").output,
      parts("contradiction").receipt,
      "run show has no instance: the facts may contradict each other",
    ],
  ];
  test.each(table)("%s", (_name, output, receipt, reason) => {
    const judged = judgeAlloy(output, receipt, []);
    expect(judged.verdict).toBe("inconclusive");
    if (typeof reason === "string") expect(judged.reason).toBe(reason);
    else expect(judged.reason).toMatch(reason);
  });
});

test("a run that has no instance by design", () => {
  expect(judge("contradiction", ["show"]).verdict).toBe("passed");
});

test("the command runs every command, without a window", () => {
  const options = {
    java: "java",
    jar: "a.jar",
    specification: "Q.als",
    folder: "/s",
    maxHeapMebibytes: 512,
    unsatisfiableRuns: [],
  };
  expect(alloyCommand(options, "/out").join(" ")).toBe(
    "java -Xmx512m -Djava.awt.headless=true -jar a.jar exec -f -c * -o /out Q.als",
  );
});
