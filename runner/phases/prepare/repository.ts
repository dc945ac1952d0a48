/**
 * The commit of a repository, in the runner's clone and built.
 *
 * A branch is followed from cycle to cycle, never within one. When the simulator of its newest commit does not
 * build ("a red branch"), the last good commit is built in its place. Without one, whatever of the red commit
 * can be built is tested.
 */
import type { CycleState } from "../../../contracts/cycle.ts";
import type { Build, BuildStep, Repository } from "../../../contracts/profile/source.ts";
import { inconclusive } from "../../../contracts/verdict.ts";
import type { Clone } from "../../tools/git.ts";
import type { PhaseContext } from "../context.ts";
import { runBuild, type Built } from "./build.ts";
import { forgetBuilt, neededSteps, noteBuilt } from "./built.ts";
import { NO_COMMIT } from "./commit.ts";
import { freeBytesOf, makeRoom, roomText } from "./disk.ts";
import { lastGoodCommit, rememberGood } from "./last-good.ts";
import { prepared, type Prepared, type PrepareOptions } from "./prepared.ts";
import { checkOutCommit, cloneOf, newestCommit, sameCommit } from "./source.ts";

/** A build may take this share of what is left of the cycle: a cycle that only builds shows nothing. */
const BUILD_SHARE = 0.5;
const LAST_GOOD_SUFFIX = "-last-good";

const isForSimulator = ({ needed_by: by, required }: BuildStep): boolean => by.includes("vopr") && required !== false;
const isRedSimulator = ({ isRed, step }: Built): boolean => isRed && isForSimulator(step);

/** The commit that this cycle tests already; undefined while that is not decided. */
export function pinnedCommit(state: CycleState): { commit: string; redCommit: string | null } | undefined {
  const earlier = state.results.find((one) => one.phase === "prepare");
  if (earlier === undefined || earlier.git_commit === NO_COMMIT) return undefined;
  return { commit: earlier.git_commit, redCommit: earlier.red_commit };
}

/** Undefined when the runner was stopped under it. */
export async function prepareRepository(
  context: PhaseContext,
  repository: Repository,
  options: PrepareOptions,
): Promise<Prepared | undefined> {
  const pinned = pinnedCommit(context.state.get());
  const clone = cloneOf(context, repository);
  await forgetBuilt(context.stateFolder);
  const done =
    pinned === undefined
      ? await prepareNewest(context, repository, clone, options)
      : await prepareAgain(context, clone, options, pinned);
  if (done === undefined || context.signal.aborted) return undefined;
  const names = done.builds.map(({ step }) => step.name);
  if (done.nothing === null) await noteBuilt(context.stateFolder, done.commit, names);
  return done;
}

/** A resumed cycle on a machine that lost its clone: the same commit, whatever the branch means now. */
async function prepareAgain(
  context: PhaseContext,
  clone: Clone,
  options: PrepareOptions,
  pinned: { readonly commit: string; readonly redCommit: string | null },
): Promise<Prepared | undefined> {
  const { commit, redCommit } = pinned;
  context.live.activity = `fetching ${commit} again`;
  const found = await sameCommit(context, clone, commit);
  if ("problem" in found)
    return nothingToTest(commit, `the commit of this cycle cannot be had again: ${found.problem}`);
  const done = await buildCommit(context, clone, options, { commit, logSuffix: "", isEnough: () => false });
  if (done === undefined || redCommit === null) return done;
  return { ...done, redCommit, problems: [inconclusive(redText("the branch", redCommit, commit)), ...done.problems] };
}

async function prepareNewest(
  context: PhaseContext,
  repository: Repository,
  clone: Clone,
  options: PrepareOptions,
): Promise<Prepared | undefined> {
  context.live.activity = `fetching ${repository.reference}`;
  const found = await newestCommit(context, clone, repository.reference);
  if ("problem" in found) return nothingToTest(NO_COMMIT, found.problem);
  context.worked();
  const { commit, note, isReferenceGone } = found;
  const good = await lastGoodCommit(context, repository);
  const hasOther = good !== undefined && good !== commit;
  const isEnough = (built: Built): boolean => hasOther && isRedSimulator(built);
  const newest = await buildCommit(context, clone, options, { commit, logSuffix: "", isEnough });
  if (newest === undefined) return undefined;
  const red = newest.builds.find(isRedSimulator);
  const done =
    red === undefined || !hasOther
      ? newest
      : await buildLastGood(context, repository, clone, options, { red, redCommit: commit, good });
  if (red === undefined && isSimulatorBuilt(newest)) await rememberGood(context, repository, commit);
  if (done === undefined || note === null) return done;
  return isReferenceGone
    ? { ...done, problems: [...done.problems, inconclusive(note)] }
    : { ...done, warnings: [note, ...done.warnings] };
}

async function buildLastGood(
  context: PhaseContext,
  repository: Repository,
  clone: Clone,
  options: PrepareOptions,
  { red, redCommit, good }: { readonly red: Built; readonly redCommit: string; readonly good: string },
): Promise<Prepared | undefined> {
  const { reason, log_key: log } = red.result;
  const why = `${redText(repository.reference, redCommit, good)}: ${reason ?? ""} (${log ?? "no log"})`;
  const found = await sameCommit(context, clone, good);
  if ("problem" in found) return nothingToTest(NO_COMMIT, `${why}; but ${found.problem}`);
  const build = { commit: good, logSuffix: LAST_GOOD_SUFFIX, isEnough: () => false };
  const done = await buildCommit(context, clone, options, build);
  return done === undefined ? undefined : { ...done, redCommit, problems: [inconclusive(why), ...done.problems] };
}

const redText = (reference: string, red: string, good: string): string =>
  `${reference} is red: ${red} does not build, its last good commit ${good} is tested`;

const isSimulatorBuilt = ({ builds, nothing }: Prepared): boolean => {
  const simulators = builds.filter(({ step }) => isForSimulator(step));
  return nothing === null && simulators.length > 0 && simulators.every(({ result }) => result.verdict === "passed");
};

interface CommitBuild {
  readonly commit: string;
  readonly logSuffix: string;
  readonly isEnough: (built: Built) => boolean;
}

async function buildCommit(
  context: PhaseContext,
  clone: Clone,
  options: PrepareOptions,
  { commit, logSuffix, isEnough }: CommitBuild,
): Promise<Prepared | undefined> {
  const problem = await checkOutCommit(context, clone, commit, context.profile.build?.prune ?? []);
  if (context.signal.aborted) return undefined;
  if (problem !== undefined) return nothingToTest(commit, `${commit} cannot be checked out: ${problem}`);
  context.worked();
  return buildWorkTree(context, options, { commit, logSuffix, isEnough });
}

/** Builds what is in the work tree. */
export async function buildWorkTree(
  context: PhaseContext,
  { skipped, cycleLeftMs, freeBytes = freeBytesOf }: PrepareOptions,
  { commit, logSuffix, isEnough }: CommitBuild,
): Promise<Prepared | undefined> {
  const { profile } = context;
  const { build } = profile;
  if (build === undefined) return prepared(commit);
  const warnings: string[] = [];
  const roomFor = async (wanted: Build): Promise<boolean> => {
    const room = await makeRoom({ workTree: profile.work_tree, stateFolder: context.stateFolder }, wanted, freeBytes);
    const text = roomText(room, wanted);
    if (text !== null) warnings.push(text);
    return room.pruned.length > 0;
  };
  await roomFor(build);
  const builds = await runBuild(context, {
    steps: neededSteps(profile, skipped),
    limitMs: () => Math.max(context.leftMs(), cycleLeftMs() * BUILD_SHARE),
    logSuffix,
    isEnough,
    makeRoom: () => roomFor(build),
  });
  return builds === undefined ? undefined : prepared(commit, { builds, warnings: [...new Set(warnings)] });
}

const nothingToTest = (commit: string, reason: string): Prepared =>
  prepared(commit, { problems: [inconclusive(reason)], nothing: reason });
