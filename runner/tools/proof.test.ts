import { expect, test } from "@jest/globals";
import { proofResultSchema } from "../../contracts/proofs.ts";
import { formalVerificationResultSchema } from "../../contracts/results.ts";
import { counted, findingSignature, notRun, proofRun, proved, refuted, toolEntry } from "./proof.ts";
import { printed } from "./recordings.fixture.ts";

const about = { tool: "tlc" as const, subject: "VSR.tla with VSR_Small.cfg", command: ["java", "tlc2.TLC"] };
const entrySchema = formalVerificationResultSchema.shape.tools.valueType;

test("a run becomes a record, and an entry in the result of the phase", () => {
  const evidence = { counted: { distinct_states: 51_000, depth: 20 }, scope: "checked: Agreement" };
  const { result, log } = proofRun(about, printed("the log"), proved(evidence));
  expect(proofResultSchema.parse(result)).toEqual({
    ...about,
    verdict: "passed",
    reason: null,
    duration_seconds: 1,
    ...evidence,
    findings: [],
  });
  expect(log).toBe("the log");
  expect(entrySchema.parse(toolEntry(result, null))).toEqual({
    verdict: "passed",
    reason: null,
    duration_seconds: 1,
    states: 51_000,
    depth: 20,
    scope: "checked: Agreement",
    counterexample: null,
    log_key: null,
  });
});

test("a finding keeps its trace, and its identity does not depend on it", () => {
  const finding = { property: "Agreement", message: "violated", file: null, line: null, trace: ["State 1", "State 2"] };
  const { result } = proofRun(about, printed("", 12), refuted([finding]));
  expect(result).toMatchObject({ verdict: "failed", reason: "tlc: Agreement: violated" });
  expect(toolEntry(result, "cycles/000001/logs/formal-verification/a.txt").counterexample).toEqual([
    "State 1",
    "State 2",
  ]);
  expect(findingSignature("tlc-vsr", finding)).toBe("formal-verification:tlc-vsr:Agreement");
});

test("a trace without end keeps how it began and how it ended", () => {
  const state = (index: number): string => `State ${String(index)}: ${"x".repeat(1_000)}`;
  const trace = Array.from({ length: 1_000 }, (_, index) => state(index));
  const finding = { property: "Agreement", message: "violated", file: null, line: null, trace };
  const [only] = proofRun(about, printed("", 12), refuted([finding])).result.findings;
  const kept = only!.trace;
  expect(kept[0]).toBe(state(0));
  expect(kept.at(-1)).toBe(state(999));
  expect(kept.join("").length).toBeLessThan(140_000);
  const gap = kept.findIndex((entry) => entry.startsWith("[…"));
  expect(kept[gap]).toBe(`[… ${String(1_000 - (kept.length - 1))} left out, see the log …]`);
  expect(kept[gap - 1]).toBe(state(gap - 1));

  const many = Array.from({ length: 60 }, () => ({ ...finding, trace: ["y".repeat(1_000_000), "z"] }));
  const { findings } = proofRun(about, printed("", 12), refuted(many)).result;
  expect(findings).toHaveLength(50);
  expect(JSON.stringify(findings).length).toBeLessThan(200_000);
  expect(findings[0]?.trace[0]).toMatch(/^y+…$/);
});

test("a tool that cannot run here is inconclusive", () => {
  const reason = "image coqorg/coq:8.18 is for linux/amd64, but linux/arm64 is needed";
  expect(notRun({ ...about, tool: "coq" }, reason)).toMatchObject({
    result: { verdict: "inconclusive", reason: `coq: ${reason}`, counted: {}, duration_seconds: 0 },
    log: "",
  });
});

test("counts with and without separators", () => {
  expect(["51,234", "7", undefined, "x"].map(counted)).toEqual([51_234, 7, 0, 0]);
});
