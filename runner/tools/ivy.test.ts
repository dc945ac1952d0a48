import { expect, test } from "@jest/globals";
import { ivyCommand, judgeIvy } from "./ivy.ts";
import { DEADLINE, ended, printed, recorded } from "./recordings.fixture.ts";

const GOOD = recorded("ivy-good");

test("passed: every check, and as many as expected", () => {
  expect(judgeIvy(GOOD, 3)).toEqual({
    verdict: "passed",
    reason: null,
    counted: { passed: 3, failed: 0 },
    scope: null,
    findings: [],
  });
});

test("failed, with the place", () => {
  expect(judgeIvy(recorded("ivy-bad"), 3)).toEqual({
    verdict: "failed",
    reason: "single: its check failed",
    counted: { passed: 2, failed: 1 },
    scope: null,
    findings: [{ property: "single", message: "its check failed", file: "bad.ivy", line: 17, trace: [] }],
  });
});

test("failed with a trace, though the exit code is 0", () => {
  const recording = recorded("ivy-bad-trace");
  expect(recording.end.exitCode).toBe(0);
  const { verdict, findings } = judgeIvy(recording, 3);
  expect(verdict).toBe("failed");
  expect(findings[0]?.trace).toContain("    token(1) = true");
});

test("a check that failed before the deadline has failed", () => {
  const text = recorded("ivy-bad").text.split("\n\n").slice(0, -2).join("\n\n");
  expect(judgeIvy({ end: ended(DEADLINE), text }, 3).verdict).toBe("failed");
});

test.each<[string, ReturnType<typeof printed>, number, string | RegExp]>([
  ["a deadline", recorded("ivy-deadline"), 3, /^still running at its deadline.*, 0 checks passed$/],
  ["no Ivy", recorded("ivy-garbage"), 3, /^exit code 1: garbage.ivy: line 1: error: file must begin/],
  ["no file", recorded("ivy-no-file"), 3, "exit code 1: not found: nowhere.ivy"],
  ["fewer checks than expected", GOOD, 66, "only 3 checks passed, 66 were expected"],
  ["no check at all", printed("starting ivy_check...\n\nOK"), 0, "only 0 checks passed, 1 were expected"],
  [
    "no final OK",
    { ...GOOD, text: GOOD.text.replace(/^OK$/m, "") },
    3,
    "exit code 0 without its final OK, 3 checks passed",
  ],
  [
    "a check without an outcome",
    { ...GOOD, text: GOOD.text.replace("PASS", "") },
    2,
    "1 checks without an outcome, 2 checks passed",
  ],
  [
    "a solver that died",
    printed("Segmentation fault (core dumped)", 139),
    3,
    "exit code 139: Segmentation fault (core dumped)",
  ],
])("inconclusive: %s", (_name, output, expected, reason) => {
  const judged = judgeIvy(output, expected);
  expect(judged.verdict).toBe("inconclusive");
  if (typeof reason === "string") expect(judged.reason).toBe(reason);
  else expect(judged.reason).toMatch(reason);
});

test("the command", () => {
  const options = { program: ["ivy_check"], specification: "VSR.ivy", arguments: ["isolate=this"], expectedChecks: 1 };
  expect(ivyCommand(options)).toEqual(["ivy_check", "isolate=this", "VSR.ivy"]);
});
