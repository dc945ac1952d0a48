import { describe, expect, test } from "@jest/globals";
import { admittedIn, coqCommand, judgeCoq } from "./coq.ts";
import { fixtureText, printed, recorded } from "./recordings.fixture.ts";

const judge = (name: string, files: string[], admitted: string[] = [], allowedAdmitted = 0) =>
  judgeCoq(recorded(`coq-${name}`), { files, allowedAdmitted }, admitted);

test("passed: every file was compiled, in order", () => {
  expect(judge("good", ["Common.v", "Uses.v"])).toEqual({
    verdict: "passed",
    reason: null,
    counted: { files: 2, admitted: 0 },
    scope: null,
    findings: [],
  });
});

test("failed: a proof that does not hold, with its place", () => {
  expect(judge("wrong", ["Common.v", "Wrong.v", "Uses.v"])).toEqual({
    verdict: "failed",
    reason: 'Wrong.v: line 4: Unable to unify "5" with "double 2".',
    counted: { files: 1, admitted: 0 },
    scope: null,
    findings: [
      {
        property: "Wrong.v",
        message: 'line 4: Unable to unify "5" with "double 2".',
        file: "Wrong.v",
        line: 4,
        trace: [],
      },
    ],
  });
  expect(judge("garbage", ["Garbage.v"])).toMatchObject({
    verdict: "failed",
    findings: [{ file: "Garbage.v", line: 1 }],
  });
});

describe("inconclusive, with the reason", () => {
  test.each<[string, string[], string | RegExp]>([
    ["wrong-order", ["Uses.v", "Common.v"], /^exit code 1, 0 of 2 files compiled: Error: Cannot find a physical path/],
    ["deadline", ["Common.v", "Slow.v"], "still running at its deadline of 5.0 s, 1 of 2 files compiled"],
    ["good", ["Common.v", "Uses.v", "Ed25519.v"], "exit code 0, but 2 of 3 files compiled"],
    ["good", ["Uses.v", "Common.v"], "exit code 0, but 2 of 2 files compiled"],
    ["good", [], "there is no file to compile"],
  ])("%s %j", (name, files, reason) => {
    const judged = judge(name, files);
    expect(judged.verdict).toBe("inconclusive");
    if (typeof reason === "string") expect(judged.reason).toBe(reason);
    else expect(judged.reason).toMatch(reason);
  });

  test("no coqc, an anomaly, garbage", () => {
    const options = { files: ["A.v"], allowedAdmitted: 0 };
    expect(judgeCoq(printed("sh: 1: coqc: not found", 91), options, [])).toMatchObject({
      verdict: "inconclusive",
      reason: "exit code 91, 0 of 1 files compiled: sh: 1: coqc: not found",
    });
    const anomaly =
      'File "./A.v", line 3, characters 0-4:\nError: Anomaly "Uncaught exception"\n\nkimtest-coqc 129 A.v';
    expect(judgeCoq(printed(anomaly, 129), options, []).verdict).toBe("inconclusive");
    expect(judgeCoq(printed("\0\0"), options, []).verdict).toBe("inconclusive");
  });
});

test("coqc exits 0 on a proof that was given up", () => {
  expect(recorded("coq-admitted").end.exitCode).toBe(0);
  const admitted = admittedIn(fixtureText("proofs/coq/Gap.v"), "Gap.v");
  expect(admitted).toEqual(["Gap.gap"]);
  expect(judge("admitted", ["Common.v", "Gap.v"], admitted)).toMatchObject({
    verdict: "inconclusive",
    reason: "admitted, not proved: Gap.gap",
  });
  expect(judge("admitted", ["Common.v", "Gap.v"], admitted, 1)).toMatchObject({
    verdict: "passed",
    scope: "not proved but admitted: Gap.gap",
  });
});

test("admitted proofs are counted from the sources, without comments", () => {
  const source =
    "Lemma a : True. Proof. exact I. Qed.\n(* Admitted. (* x *) Admitted. *)\nTheorem b' : False.\nProof.\nAdmitted .";
  expect(admittedIn(source, "K.v")).toEqual(["K.b'"]);
});

test("the command names files after the script", () => {
  const options = {
    folder: "/s",
    folderInside: "/source",
    library: "Kimberlite",
    files: ["A.v", "B.v"],
    allowedAdmitted: 0,
  };
  expect(coqCommand(options).slice(3)).toEqual(["sh", "/source", "Kimberlite", "A.v", "B.v"]);
});
