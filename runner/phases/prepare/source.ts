/**
 * The commit to test, in the runner's clone of the repository.
 *
 * A branch is followed from cycle to cycle, never within one: a cycle that is resumed asks for its commit by
 * its hash. While the network is away, what was fetched last is tested.
 */
import type { Repository } from "../../../contracts/profile/source.ts";
import {
  checkOut,
  checkedOut,
  fetchCommit,
  fetchReference,
  forgetHistory,
  lastFetched,
  openClone,
  type Clone,
  type Fetched,
} from "../../tools/git.ts";
import type { PhaseContext } from "../context.ts";

const FIRST_PAUSE_MS = 1_000;
const MAX_PAUSE_MS = 60_000;
/** Attempts when an older commit could be tested instead; without one, as many as fit into half of the phase. */
const ATTEMPTS_WITH_OLDER = 4;
const MAX_ATTEMPTS = 60;

export const cloneOf = ({ processes, profile, signal }: PhaseContext, { url }: Repository): Clone => ({
  processes,
  folder: profile.work_tree,
  url,
  signal,
});

export type Found =
  /** `note`: why it may not be the newest. */
  | { readonly commit: string; readonly note: string | null; readonly isReferenceGone: boolean }
  | { readonly problem: string };

/** The commit that the profile's reference means now, or meant last. */
export async function newestCommit(context: PhaseContext, clone: Clone, reference: string): Promise<Found> {
  const opened = await openClone(clone);
  if (opened !== undefined) return { problem: opened };
  const older = await lastFetched(clone, reference);
  const fetched = await persistently(context, older !== undefined, () => fetchReference(clone, reference));
  if ("commit" in fetched) return { commit: fetched.commit, note: null, isReferenceGone: false };
  if (older === undefined) return { problem: fetched.problem };
  const note = `${reference} could not be fetched, ${older} is tested, which it was before: ${fetched.problem}`;
  return { commit: older, note, isReferenceGone: fetched.isFinal };
}

/** The commit that this cycle tests, on whatever machine. */
export async function sameCommit(context: PhaseContext, clone: Clone, commit: string): Promise<Found> {
  const opened = await openClone(clone);
  if (opened !== undefined) return { problem: opened };
  const fetched = await persistently(context, false, () => fetchCommit(clone, commit));
  return "commit" in fetched ? { commit, note: null, isReferenceGone: false } : { problem: fetched.problem };
}

async function persistently(context: PhaseContext, hasOlder: boolean, fetch: () => Promise<Fetched>): Promise<Fetched> {
  const { clock, signal } = context;
  const attempts = hasOlder ? ATTEMPTS_WITH_OLDER : MAX_ATTEMPTS;
  const lastMs = clock.monotonicMs() + context.leftMs() / 2;
  for (let attempt = 1; ; attempt += 1) {
    const fetched = await fetch();
    if ("commit" in fetched || fetched.isFinal || signal.aborted) return fetched;
    const pauseMs = Math.min(MAX_PAUSE_MS, FIRST_PAUSE_MS * 2 ** (attempt - 1));
    if (attempt >= attempts || clock.monotonicMs() + pauseMs > lastMs) return fetched;
    context.live.activity = `the repository cannot be reached (${String(attempt)} attempts)`;
    await clock.sleep(pauseMs, signal);
  }
}

/** Undefined, or why the commit is not in the work tree. A clone that is damaged is made anew, once. */
export async function checkOutCommit(
  context: PhaseContext,
  clone: Clone,
  commit: string,
  kept: readonly string[],
): Promise<string | undefined> {
  const problem = await tryCheckOut(clone, commit, kept);
  if (problem === undefined || context.signal.aborted) return problem;
  context.warn(`the clone was damaged and is made anew: ${problem}`);
  await forgetHistory(clone);
  const fetched = await sameCommit(context, clone, commit);
  return "problem" in fetched ? fetched.problem : tryCheckOut(clone, commit, kept);
}

async function tryCheckOut(clone: Clone, commit: string, kept: readonly string[]): Promise<string | undefined> {
  const problem = await checkOut(clone, commit, kept);
  if (problem !== undefined) return problem;
  const actual = await checkedOut(clone);
  return actual === commit ? undefined : `the work tree is at ${actual ?? "no clean commit"} instead of ${commit}`;
}
