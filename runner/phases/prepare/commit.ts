/** Which commit a work tree is at. */
import { join } from "node:path";
import { execa } from "execa";
import { RELEASE_COMMIT_FILE } from "../../../contracts/defaults.ts";
import { reasonOf } from "../../../contracts/errors.ts";
import { readFileIfPresent } from "../../store/atomic-file.ts";

const GIT_TIMEOUT_MS = 10_000;
const COMMIT = /^[0-9a-f]{40}(-dirty)?$/;
/** Stands for the commit of a work tree that is under no version control. */
export const UNVERSIONED = "unversioned";
/** Stands for the commit when there is nothing to test. */
export const NO_COMMIT = "unknown";

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
