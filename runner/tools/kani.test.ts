/** On texts written after the documented format: the tool could not be had (test/fixtures/proofs/README.md). */
import { expect, test } from "@jest/globals";
import { judgeKani, kaniCommand } from "./kani.ts";
import { DEADLINE, ended, fixtureText, printed } from "./recordings.fixture.ts";

const text = (name: string) => fixtureText(`proofs/kani/${name}.txt`);
const SUCCESSFUL = text("successful");
const OPTIONS = { unwind: 8, checksUnwinding: false };

test("passed: all harnesses, within the bound", () => {
  expect(judgeKani(printed(SUCCESSFUL), OPTIONS)).toEqual({
    verdict: "passed",
    reason: null,
    counted: { harnesses: 2, verified: 2, failed: 0 },
    scope: "loops up to 8 turns, longer ones not noticed",
    findings: [],
  });
});

test("the summaries of several crates are added up", () => {
  const judged = judgeKani(printed(`${SUCCESSFUL}\n${SUCCESSFUL}`), OPTIONS);
  expect(judged).toMatchObject({ verdict: "passed", counted: { harnesses: 4, verified: 4 } });
});

test("failed: the harness, though the lines of two threads are mixed", () => {
  expect(judgeKani(printed(text("failed"), 1), OPTIONS)).toMatchObject({
    verdict: "failed",
    counted: { harnesses: 2, verified: 1, failed: 1 },
    findings: [
      {
        property: "kani_proofs::verify_offset_addition",
        message: "attempt to add with overflow",
        file: "src/lib.rs",
        line: 126,
      },
    ],
  });
});

test.each<[string, ReturnType<typeof printed>, string]>([
  ["a deadline", { end: ended(DEADLINE), text: SUCCESSFUL }, "still running at its deadline of 600.0 s"],
  ["a loop unrolled too little", printed(text("unwind"), 1), "beyond the limits of the run: kani_proofs::verify_loop"],
  ["no harness", printed(text("none")), "exit code 0 without a summary"],
  [
    "it does not compile",
    printed(text("no-compile"), 1),
    "exit code 1: error[E0425]: cannot find function `missing` in this scope",
  ],
  ["no cargo kani", printed("error: no such command: `kani`", 101), "exit code 101: error: no such command: `kani`"],
  [
    "a summary alone",
    printed("Complete - 2 successfully verified harnesses, 0 failures, 2 total."),
    "a summary of successes, but no harness said so",
  ],
  [
    "none of none",
    printed("Complete - 0 successfully verified harnesses, 0 failures, 0 total."),
    "there is no harness",
  ],
  ["fewer than all", printed(SUCCESSFUL.replace("2 total", "3 total")), "2 of 3 harnesses were verified"],
])("inconclusive: %s", (_name, output, reason) => {
  expect(judgeKani(output, OPTIONS)).toMatchObject({ verdict: "inconclusive", reason });
});

test("the command", () => {
  const options = { cargo: "cargo", jobs: 4, arguments: [], ...OPTIONS };
  expect(kaniCommand(options).join(" ")).toBe(
    "cargo kani --workspace --default-unwind 8 --no-unwinding-checks --output-format=terse -j 4",
  );
});
