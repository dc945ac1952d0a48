/**
 * Remembers the newest commit of each branch whose simulator could be built. While the branch is red, that one is
 * tested. Kept in the state folder, and in the store for a machine that lost its disk.
 */
import { join } from "node:path";
import { LAST_GOOD_KEY } from "../../../contracts/bucket.ts";
import { KimtestError, reasonOf } from "../../../contracts/errors.ts";
import { stringifyJson } from "../../../contracts/json.ts";
import { lastGoodSchema, MAX_LAST_GOOD, type LastGood } from "../../../contracts/last-good.ts";
import type { Repository } from "../../../contracts/profile/source.ts";
import { isoAt } from "../../platform/clock.ts";
import { limited } from "../../platform/limited.ts";
import { readFileIfPresent, writeFileAtomic } from "../../store/atomic-file.ts";
import { decodeJson, readJson } from "../../store/read-json.ts";
import type { PhaseContext } from "../context.ts";

/** How long the store may take. */
const STORE_LIMIT_MS = 10_000;

const pathOf = (stateFolder: string): string => join(stateFolder, "last-good.json");
const isOf = ({ url, reference }: Repository, one: Repository): boolean =>
  one.url === url && one.reference === reference;

/** Undefined when none is known. What cannot be read is said. */
export async function lastGoodCommit(context: PhaseContext, repository: Repository): Promise<string | undefined> {
  const known = (await readLocal(context)) ?? (await readStored(context));
  return known?.commits.find((one) => isOf(repository, one))?.git_commit;
}

export async function rememberGood(context: PhaseContext, repository: Repository, commit: string): Promise<void> {
  const known = (await readLocal(context)) ?? (await readStored(context));
  const entry = { ...repository, git_commit: commit, at: isoAt(context.clock.nowMs()) };
  const others = known?.commits.filter((one) => !isOf(repository, one)) ?? [];
  const text = stringifyJson({ version: 1, commits: [...others, entry].slice(-MAX_LAST_GOOD) } satisfies LastGood);
  await writeFileAtomic(pathOf(context.stateFolder), text);
  await context.outbox.put(LAST_GOOD_KEY, text, { supersedes: true });
}

async function readLocal(context: PhaseContext): Promise<LastGood | undefined> {
  const path = pathOf(context.stateFolder);
  const file = await readFileIfPresent(path);
  if (file === undefined) return undefined;
  try {
    return decodeJson(file.toString("utf8"), path, lastGoodSchema);
  } catch (error) {
    context.warn(`the last good commit on this disk cannot be read, the store is asked: ${reasonOf(error)}`);
    return undefined;
  }
}

async function readStored(context: PhaseContext): Promise<LastGood | undefined> {
  const { store, signal } = context;
  try {
    const reading = readJson(store, LAST_GOOD_KEY, lastGoodSchema);
    return (await limited(reading, "asking for the last good commit", STORE_LIMIT_MS, signal))?.value;
  } catch (error) {
    if (!(error instanceof KimtestError)) throw error;
    if (!signal.aborted) context.warn(`the last good commit cannot be read from the store: ${reasonOf(error)}`);
    return undefined;
  }
}
