/**
 * What a comparison with the history does to the verdict of the phase: pure.
 *
 * - A change of the code fails it, everywhere.
 * - A history that begins (fewer than 12 runs) is said and does nothing: there is no way to have one at once, and
 *   the cycles until then would all be inconclusive, which nobody would read any more.
 * - Noise, a benchmark that is gone, and a change of the machine make it inconclusive where a machine is there for
 *   measuring (criterion). A developer's machine (tinybench) is never quiet for long: there it is said, the phase stands
 *   on what it has measured and on its planted slowdown, which is compared within one run.
 */
import type { BenchmarkTool } from "../../../contracts/benchmark-history.ts";
import { PASSED, worstOf, type Judgement } from "../../../contracts/verdict.ts";
import type { BenchmarkReport, Statement } from "../../statistics/report.ts";

/** What is missing is judged by who measured, and named there. */
const WEIGHING: Readonly<Record<BenchmarkTool, readonly Statement["about"][]>> = {
  criterion: ["change", "noise", "gone"],
  tinybench: ["change"],
};

export function weighed(tool: BenchmarkTool, { statements }: BenchmarkReport): Judgement {
  return worstOf([
    PASSED,
    ...statements.filter(({ about }) => WEIGHING[tool].includes(about)).map(({ judgement }) => judgement),
  ]);
}
