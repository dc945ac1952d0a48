/**
 * git, on the clone that the runner keeps of a repository under test.
 *
 * Every command names the clone's own `.git`: the clone may lie inside somebody's work tree, and a clone that
 * is damaged must not make git work on that one. History is fetched one commit deep. Nothing is asked of a
 * person: a repository that wants a password is one that cannot be read.
 */
import { createHash } from "node:crypto";
import { mkdir, rm } from "node:fs/promises";
import { join } from "node:path";
import type { Processes } from "../platform/processes.ts";

/** For all that touches only the disk. */
const LOCAL_DEADLINE_MS = 10 * 60_000;
/** For one question to the other side, and for one fetch. */
const QUESTION_DEADLINE_MS = 2 * 60_000;
const FETCH_DEADLINE_MS = 20 * 60_000;

const SETTINGS = [
  "core.hooksPath=/dev/null",
  "advice.detachedHead=false",
  "gc.autoDetach=false", // what tidies up must not run on beside a benchmark
  "http.lowSpeedLimit=1000",
  "http.lowSpeedTime=60",
].flatMap((setting) => ["-c", setting]);

const ENVIRONMENT = { LC_ALL: "C", GIT_TERMINAL_PROMPT: "0", GIT_ASKPASS: "true", SSH_ASKPASS: "true" };

export const COMMIT_HASH = /^[0-9a-f]{40}$/;

export interface Clone {
  readonly processes: Processes;
  /** The work tree. */
  readonly folder: string;
  readonly url: string;
  readonly signal: AbortSignal;
}

export type Answer = { readonly text: string } | { readonly problem: string };

async function git(clone: Clone, deadlineMs: number, ...args: string[]): Promise<Answer> {
  const { processes, folder, signal } = clone;
  const end = await processes.run({
    command: ["git", "--git-dir", join(folder, ".git"), "--work-tree", folder, ...SETTINGS, ...args],
    cwd: folder,
    env: ENVIRONMENT,
    deadlineMs,
    signal,
  });
  if (end.ending === "exited" && end.exitCode === 0) return { text: end.stdout.trim() };
  const said = end.stderr.trim().split("\n").at(-1)?.trim() ?? "";
  return { problem: `git ${args[0] ?? ""}: ${end.description}${said === "" ? "" : `: ${said.slice(0, 300)}`}` };
}

const local = (clone: Clone, ...args: string[]): Promise<Answer> => git(clone, LOCAL_DEADLINE_MS, ...args);

/** Makes the clone a repository that knows where it comes from; undefined, or what is wrong. */
export async function openClone(clone: Clone): Promise<string | undefined> {
  await mkdir(clone.folder, { recursive: true });
  const there = await local(clone, "rev-parse", "--git-dir");
  if ("problem" in there) {
    if (clone.signal.aborted) return there.problem;
    // Only the history goes: what was built lies beside it and serves again.
    await rm(join(clone.folder, ".git"), { recursive: true, force: true });
    const begun = await local(clone, "init", "--quiet", "--template=");
    if ("problem" in begun) return begun.problem;
  }
  // Left by a git that was killed; nobody else works here.
  for (const name of ["index.lock", "shallow.lock", "HEAD.lock", "config.lock"])
    await rm(join(clone.folder, ".git", name), { force: true });
  const known = await local(clone, "remote", "get-url", "origin");
  const remote = "problem" in known ? "add" : "set-url";
  const set = await local(clone, "remote", remote, "--", "origin", clone.url);
  return "problem" in set ? set.problem : undefined;
}

/** Removes the history of a damaged clone; what was built stays. */
export const forgetHistory = (clone: Clone): Promise<void> =>
  rm(join(clone.folder, ".git"), { recursive: true, force: true });

/** Where the commit that a reference last meant is kept, so that it can be tested while the network is away. */
const keptReference = (url: string, reference: string): string =>
  `refs/kimtest/${createHash("sha256").update(`${url}\n${reference}`).digest("hex").slice(0, 16)}`;

export type Fetched =
  | { readonly commit: string }
  /** `isFinal`: the other side has answered, asking again changes nothing. */
  | { readonly problem: string; readonly isFinal: boolean };

/** Fetches what a branch, a tag or a commit hash means now. */
export async function fetchReference(clone: Clone, reference: string): Promise<Fetched> {
  return COMMIT_HASH.test(reference) ? fetchCommit(clone, reference) : fetchName(clone, reference);
}

async function fetchName(clone: Clone, reference: string): Promise<Fetched> {
  const names = [`refs/heads/${reference}`, `refs/tags/${reference}`];
  const listed = await git(clone, QUESTION_DEADLINE_MS, "ls-remote", "origin", ...names);
  if ("problem" in listed) return { ...listed, isFinal: false };
  const found = names.find((name) => listed.text.split("\n").some((line) => line.endsWith(`\t${name}`)));
  if (found === undefined)
    return { problem: `there is no branch and no tag ${reference} in ${clone.url}`, isFinal: true };
  const kept = keptReference(clone.url, reference);
  const fetched = await fetchFrom(clone, `+${found}:${kept}`);
  if ("problem" in fetched) return { ...fetched, isFinal: false };
  const commit = await local(clone, "rev-parse", "--verify", `${kept}^{commit}`);
  return "problem" in commit ? { ...commit, isFinal: false } : { commit: commit.text };
}

/** One commit by its hash: without the network when it is there already. */
export async function fetchCommit(clone: Clone, commit: string): Promise<Fetched> {
  if (await hasCommit(clone, commit)) return { commit };
  const shallow = await fetchFrom(clone, `+${commit}:${keptReference(clone.url, commit)}`);
  if ("problem" in shallow) {
    // Some servers give single commits to nobody: then all branches and tags are fetched, whole.
    const all = ["+refs/heads/*:refs/remotes/origin/*", "+refs/tags/*:refs/tags/*"];
    const whole = await git(clone, FETCH_DEADLINE_MS, "fetch", "--quiet", "origin", ...all);
    if ("problem" in whole) return { ...shallow, isFinal: false };
  }
  if (await hasCommit(clone, commit)) return { commit };
  return { problem: `there is no commit ${commit} in ${clone.url}`, isFinal: true };
}

const fetchFrom = (clone: Clone, refspec: string): Promise<Answer> =>
  git(clone, FETCH_DEADLINE_MS, "fetch", "--quiet", "--depth", "1", "--no-tags", "origin", refspec);

async function hasCommit(clone: Clone, commit: string): Promise<boolean> {
  return !("problem" in (await local(clone, "cat-file", "-e", `${commit}^{commit}`)));
}

/** What a reference meant when it was last fetched; undefined when it never was. */
export async function lastFetched(clone: Clone, reference: string): Promise<string | undefined> {
  const name = COMMIT_HASH.test(reference) ? reference : keptReference(clone.url, reference);
  const answer = await local(clone, "rev-parse", "--verify", `${name}^{commit}`);
  return "problem" in answer ? undefined : answer.text;
}

/** Puts a commit into the work tree: tracked files as in it, no other files but ignored ones and `kept` folders. */
export async function checkOut(clone: Clone, commit: string, kept: readonly string[]): Promise<string | undefined> {
  const changed = await local(clone, "checkout", "--quiet", "--force", "--detach", commit);
  if ("problem" in changed) return changed.problem;
  const exclude = kept.flatMap((folder) => ["--exclude", `/${folder.replace(/^(\.\/)+/, "")}`]);
  const cleaned = await local(clone, "clean", "--quiet", "-ffd", ...exclude);
  return "problem" in cleaned ? cleaned.problem : undefined;
}

/** The commit in the work tree, when its tracked files are as in it; else undefined. */
export async function checkedOut(clone: Clone): Promise<string | undefined> {
  const commit = await local(clone, "rev-parse", "--verify", "HEAD^{commit}");
  const changes = await local(clone, "status", "--porcelain", "--untracked-files=no");
  if ("problem" in commit || "problem" in changes || changes.text !== "") return undefined;
  return commit.text;
}
