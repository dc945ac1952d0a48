/** Benchmarks: that each program or suite measures what it should and can be read. Figures so short mean nothing. */
import type { CriterionProfile, TinybenchProfile } from "../../contracts/profile/benchmarks.ts";
import type { BenchRun } from "../../contracts/programs.ts";
import { inconclusive, PASSED, worstOf } from "../../contracts/verdict.ts";
import { runSuite } from "../phases/benchmarks/criterion.ts";
import { judgeCanary, problemsOf, runBench } from "../phases/benchmarks/tinybench.ts";
import { isoAt } from "../platform/clock.ts";
import { criterionCommand } from "../tools/criterion.ts";
import type { JsonProgramRun } from "../tools/json-program.ts";
import { byHand, canaryShown, shown, type Smoke } from "./smoke.ts";

const PART = "benchmarks";
const MEASURING_MS = 1_000;
/** Two samples a benchmark, in all files that the adapter reads; with --test Criterion writes none. */
const QUICK = "--quick";

export function smokeBenchmarks(smoke: Smoke): Promise<void> {
  const profile = smoke.profile.benchmarks;
  switch (profile.tool) {
    case "tinybench":
      return smokeTinybench(smoke, profile);
    case "criterion":
      return smokeCriterion(smoke, profile);
  }
}

async function smokeTinybench(smoke: Smoke, profile: TinybenchProfile): Promise<void> {
  const hint = byHand([...profile.command, "--json", "--seconds", "1"]);
  const measured: { run: JsonProgramRun<BenchRun> | undefined } = { run: undefined };
  await smoke.check(PART, profile.tool, async (context) => {
    const { value, problem } = (measured.run = await runBench(context, profile, MEASURING_MS));
    const benchmarks = value?.benchmarks ?? [];
    const problems = problemsOf(benchmarks, problem).map(({ benchmark, reason }) =>
      inconclusive(`${benchmark}: ${reason}`),
    );
    return shown(worstOf([PASSED, ...problems]), `${String(benchmarks.length)} benchmarks measured`, hint);
  });
  // Measured in the same run.
  await smoke.check(PART, "canary planted-slowdown", ({ clock }) => {
    const { value, problem = "nothing was measured" } = measured.run ?? {};
    return canaryShown(judgeCanary(value, problem, isoAt(clock.nowMs())), hint);
  });
}

/** Its canary is of the history of many runs, which a smoke test has not. */
async function smokeCriterion(smoke: Smoke, profile: CriterionProfile): Promise<void> {
  const quick = { ...profile, arguments: [...profile.arguments, QUICK] };
  for (const suite of Object.keys(profile.suites)) {
    await smoke.check(PART, suite, async (context) => {
      const { result, measurements } = await runSuite(context, quick, suite, context.leftMs());
      const seen = `${String(measurements.length)} benchmarks measured`;
      return shown(result, seen, byHand(criterionCommand(quick, suite)));
    });
  }
}
