/** Prepare: which commit is tested, and whether the programs that test it are there. */
import { existsSync, statSync } from "node:fs";
import { join, resolve } from "node:path";
import { execa } from "execa";
import { RELEASE_COMMIT_FILE } from "../../contracts/defaults.ts";
import { reasonOf } from "../../contracts/errors.ts";
import type { PrepareResult } from "../../contracts/results.ts";
import { inconclusive, PASSED, worstOf, type Judgement } from "../../contracts/verdict.ts";
import { readFileIfPresent } from "../store/atomic-file.ts";
import { resultFrame, type PhaseContext } from "./context.ts";

const GIT_TIMEOUT_MS = 10_000;
const COMMIT = /^[0-9a-f]{40}(-dirty)?$/;
/** Stands for the commit of a work tree that is under no version control. */
export const UNVERSIONED = "unversioned";

export async function preparePhase(context: PhaseContext): Promise<PrepareResult | undefined> {
  const startedMs = context.clock.nowMs();
  context.live.activity = "reading the commit under test";
  const { commit, problem } = await readCommit(context.profile.work_tree, context.signal);
  if (context.signal.aborted) return undefined;
  context.state.change((now) => ({ ...now, git_commit: commit }));
  if (problem !== null) context.warn(problem);
  context.worked();
  return {
    phase: "prepare",
    ...worstOf([problem === null ? PASSED : inconclusive(problem), ...programJudgements(context)]),
    ...resultFrame(context, startedMs),
    toolchain: context.toolchain,
    versions: {},
    builds: [],
    red_commit: null,
    warnings: problem === null ? [] : [problem],
  };
}

/**
 * The commit of a work tree; `-dirty` is appended when tracked files differ from it. A release that was
 * delivered without its history says it in a file of its own.
 */
export async function readCommit(
  workTree: string,
  signal: AbortSignal,
): Promise<{ commit: string; problem: string | null }> {
  const released = await readFileIfPresent(join(workTree, RELEASE_COMMIT_FILE));
  const release = released?.toString("utf8").trim();
  if (release !== undefined && COMMIT.test(release)) return { commit: release, problem: null };
  const git = (...args: string[]) =>
    execa("git", args, { cwd: workTree, timeout: GIT_TIMEOUT_MS, cancelSignal: signal });
  try {
    const { stdout: commit } = await git("rev-parse", "HEAD");
    const { stdout: changes } = await git("status", "--porcelain", "--untracked-files=no");
    return { commit: changes === "" ? commit : `${commit}-dirty`, problem: null };
  } catch (error) {
    const reason = reasonOf(error).slice(0, 200);
    return {
      commit: UNVERSIONED,
      problem: `the commit under test is unknown, results cannot be traced to one: ${reason}`,
    };
  }
}

/** A program given by path must be there; one given by name is looked up when it is started. */
function programJudgements({ profile }: PhaseContext): Judgement[] {
  const { formal_verification, benchmarks, fuzz, vopr, work_tree: workTree } = profile;
  return [formal_verification, benchmarks, fuzz, vopr]
    .flatMap((workload) => ("command" in workload ? [workload.command] : []))
    .flatMap((command) => command.filter((word, index) => (index === 0 ? word.includes("/") : word.startsWith("/"))))
    .map((path) => resolve(workTree, path))
    .filter((path) => !existsSync(path) || !statSync(path).isFile())
    .map((path) => inconclusive(`${path} does not exist, it has to be built first`));
}
