/** What each kind of statement does to the verdict of each kind of profile: the table of docs/benchmarks.md. */
import { expect, test } from "@jest/globals";
import { failed, inconclusive, PASSED, type Verdict } from "../../../contracts/verdict.ts";
import { benchmarkReport, type Statement } from "../../statistics/report.ts";
import { historyOf } from "../../statistics/runs.fixture.ts";
import { weighed } from "./weigh.ts";

const judgements = { change: failed("slower"), clean: PASSED };

test.each<[about: Statement["about"], criterion: Verdict, tinybench: Verdict]>([
  ["clean", "passed", "passed"],
  ["change", "failed", "failed"],
  ["young", "passed", "passed"],
  ["noise", "inconclusive", "passed"],
  ["gone", "inconclusive", "passed"],
  // Judged, and named, by whoever measured.
  ["missing", "passed", "passed"],
])("%s: %s with criterion, %s with tinybench", (about, criterion, tinybench) => {
  const judgement = about in judgements ? judgements[about as keyof typeof judgements] : inconclusive("why");
  const report = { ...benchmarkReport(historyOf({ runs: 1 }), undefined)!, statements: [{ about, judgement }] };
  expect(weighed("criterion", report)).toStrictEqual({
    verdict: criterion,
    reason: criterion === "passed" ? null : judgement.reason,
  });
  expect(weighed("tinybench", report)).toStrictEqual({
    verdict: tinybench,
    reason: tinybench === "passed" ? null : judgement.reason,
  });
});
