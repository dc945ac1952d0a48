/**
 * Prepare: which commit is tested, with which programs, and what cannot be run.
 *
 * A repository is fetched and built (repository.ts). Of a work tree that is somebody's own the commit is read,
 * and its build steps are run, if it has any. Then the simulator is asked for its scenarios, and compilers and
 * tools for their versions.
 */
import { existsSync, statSync } from "node:fs";
import { resolve } from "node:path";
import type { PrepareResult } from "../../../contracts/results.ts";
import { inconclusive, PASSED, worstOf, type Judgement } from "../../../contracts/verdict.ts";
import { askForScenarios } from "../../tools/vopr-scenarios.ts";
import { resultFrame, stopwatch, type PhaseContext } from "../context.ts";
import { NO_COMMIT, readCommit } from "./commit.ts";
import { cannotRunAfter, type Prepared, type PrepareOptions } from "./prepared.ts";
import { buildWorkTree, prepareRepository } from "./repository.ts";
import { compareScenarios } from "./scenarios.ts";
import { readVersions } from "./versions.ts";

/** Undefined when the runner was stopped under it. */
export async function preparePhase(context: PhaseContext, options: PrepareOptions): Promise<PrepareResult | undefined> {
  const started = stopwatch(context);
  const { repository } = context.profile;
  const done =
    repository === undefined
      ? await prepareWorkTree(context, options)
      : await prepareRepository(context, repository, options);
  if (done === undefined) return undefined;

  const cannotRun = cannotRunAfter(done);
  const hasSimulator = cannotRun.vopr === undefined && !options.skipped.has("vopr");
  const scenarios = hasSimulator ? await checkScenarios(context) : UNCHECKED;
  const versions = done.commit === NO_COMMIT ? {} : await readVersions(context);
  if (context.signal.aborted) return undefined;
  context.state.change((now) => ({ ...now, git_commit: done.commit }));
  const warnings = [...done.warnings, ...scenarios.warnings];
  for (const warning of warnings) context.warn(warning);
  context.worked();
  const builds = done.builds.map(({ result }) => result);
  const programs = done.nothing === null && builds.every(isPassed) ? programJudgements(context) : [];
  return {
    phase: "prepare",
    ...worstOf([PASSED, ...done.problems, ...builds, ...scenarios.problems, ...programs]),
    ...resultFrame(context, started),
    toolchain: { ...context.toolchain, versions },
    versions,
    builds,
    red_commit: done.redCommit,
    cannot_run: cannotRun,
    missing_scenarios: [...scenarios.missing],
    warnings,
  };
}

const isPassed = ({ verdict }: Judgement): boolean => verdict === "passed";

async function prepareWorkTree(context: PhaseContext, options: PrepareOptions): Promise<Prepared | undefined> {
  context.live.activity = "reading the commit under test";
  const { commit, problem } = await readCommit(context.profile.work_tree, context.signal);
  const done = await buildWorkTree(context, options, { commit, logSuffix: "", isEnough: () => false });
  if (done === undefined || problem === null) return done;
  return { ...done, problems: [inconclusive(problem)], warnings: [problem, ...done.warnings] };
}

interface CheckedScenarios {
  readonly missing: readonly string[];
  readonly problems: readonly Judgement[];
  readonly warnings: readonly string[];
}

const UNCHECKED: CheckedScenarios = { missing: [], problems: [], warnings: [] };

/** The simulator's own list against the profile's: neither side may lose a scenario unseen. */
async function checkScenarios({ processes, profile, signal }: PhaseContext): Promise<CheckedScenarios> {
  const question = profile.vopr.scenario_list;
  if (question === undefined) return UNCHECKED;
  const list = await askForScenarios(processes, profile.vopr, question, { cwd: profile.work_tree, signal });
  if ("problem" in list) return { ...UNCHECKED, problems: [inconclusive(list.problem)] };
  const { missing, unclaimed } = compareScenarios(profile.vopr, list.names);
  return {
    missing,
    problems:
      missing.length === 0 ? [] : [inconclusive(`the simulator has no scenario ${missing.join(", ")}: not run`)],
    warnings: unclaimed.length === 0 ? [] : [`nobody runs these scenarios of the simulator: ${unclaimed.join(", ")}`],
  };
}

/** A program given by path must be there; one given by name is looked up when it is started. */
function programJudgements({ profile }: PhaseContext): Judgement[] {
  const { formal_verification, benchmarks, fuzz, vopr, work_tree: workTree } = profile;
  return [formal_verification, benchmarks, fuzz, vopr]
    .flatMap((workload) => ("command" in workload ? [workload.command] : []))
    .concat(vopr.canary.command === undefined ? [] : [vopr.canary.command])
    .flatMap((command) => command.filter((word, index) => (index === 0 ? word.includes("/") : word.startsWith("/"))))
    .map((path) => resolve(workTree, path))
    .filter((path) => !existsSync(path) || !statSync(path).isFile())
    .map((path) => inconclusive(`${path} does not exist, it has to be built first`));
}
