/** On texts written after the documented format: the tool could not be had (test/fixtures/proofs/README.md). */
import { expect, test } from "@jest/globals";
import { DEADLINE, ended, fixtureText, printed } from "./recordings.fixture.ts";
import { judgeTlaps, omittedIn, tlapsCommand } from "./tlaps.ts";

const text = (name: string) => fixtureText(`proofs/tlaps/${name}.txt`);
const PROVED = text("proved");

test("passed: N of N obligations", () => {
  expect(judgeTlaps(printed(PROVED), 0, 0)).toEqual({
    verdict: "passed",
    reason: null,
    counted: { obligations: 118, proved: 118, omitted: 0 },
    scope: null,
    findings: [],
  });
  expect(judgeTlaps(printed(PROVED.replace("118 obligations", "1 obligation")), 0, 0).verdict).toBe("passed");
});

test("failed: which obligation, and where", () => {
  expect(judgeTlaps(printed(text("failed"), 3), 0, 0)).toMatchObject({
    verdict: "failed",
    counted: { obligations: 118, proved: 117 },
    findings: [
      {
        property: "VSR_Proofs.tla:44",
        file: "VSR_Proofs.tla",
        line: 44,
        trace: ["           ASSUME NEW CONSTANT n \\in Nat", "           PROVE  n < n"],
      },
    ],
  });
});

test.each<[string, ReturnType<typeof printed>, number, string]>([
  ["a deadline", { end: ended(DEADLINE), text: PROVED }, 0, "still running at its deadline of 600.0 s"],
  ["no obligation", printed(text("none")), 0, "no obligation was proved"],
  ["a step without a proof", printed(text("incomplete")), 0, "the proof is incomplete: a step has none"],
  ["a proof left out", printed(PROVED), 1, "1 proofs are omitted, not proved"],
  ["a bad exit code", printed(PROVED, 2), 0, "exit code 2: [INFO]: All 118 obligations proved."],
  ["nothing", printed(""), 0, "no obligation was proved"],
  ["garbage", printed("\0\u0001", 1), 0, "exit code 1: \0\u0001"],
])("inconclusive: %s", (_name, output, omitted, reason) => {
  expect(judgeTlaps(output, omitted, 0)).toMatchObject({ verdict: "inconclusive", reason });
});

test("proofs that are left out are counted without comments", () => {
  expect(omittedIn("THEOREM A == TRUE\n  OMITTED \\* OMITTED\n(* OMITTED *)\nLEMMA B == TRUE\n  PROOF OMITTED")).toBe(
    2,
  );
});

test("the command uses no fingerprints of another day", () => {
  const options = {
    program: [],
    folder: "/s",
    folderInside: "/spec",
    module: "VSR_Proofs.tla",
    stretch: 300,
    allowedOmitted: 0,
  };
  expect(tlapsCommand(options)).toEqual(["--stretch", "300", "--cleanfp", "/spec/VSR_Proofs.tla"]);
});
