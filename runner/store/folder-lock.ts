/**
 * A lock between processes of one machine that a kill -9 of its holder cannot leave shut.
 *
 * The lock is a folder with one file in it, named after its holder. It is taken by renaming a prepared
 * folder onto it, which the kernel does only if the target is missing or empty (rename(2)), and given back
 * by removing the file. A dead holder's file is removed by its own name, so that two processes that find
 * it dead at the same time cannot remove the lock of a third that was faster: that file has another name.
 * (A lock file that is unlinked when stale has exactly this race.)
 */
import { mkdir, readdir, rename, rm, unlink, writeFile } from "node:fs/promises";
import { basename, join } from "node:path";

import { KimtestError, systemCodeOf } from "../../contracts/errors.ts";
import type { Clock } from "../platform/clock.ts";
import { isMissing, temporaryPath } from "./atomic-file.ts";
import { isOwnerDead, ownerPidOf } from "./process-identity.ts";

const FIRST_PAUSE_MS = 1;
const MAX_PAUSE_MS = 25;
/** Past the deadline, how often to lose the race for a free lock before giving up. */
const MAX_LOST_RACES = 100;

export interface FolderLock {
  release(): Promise<void>;
}

export interface LockOptions {
  /** The lock itself; only this module writes there. */
  readonly path: string;
  /** An existing folder on the same file system for the prepared folder. */
  readonly scratch: string;
  /** 0: do not wait for a living holder. */
  readonly waitMs: number;
  readonly clock: Pick<Clock, "monotonicMs" | "sleep">;
  /** What is locked, for the message. */
  readonly what: string;
}

async function tryRename(from: string, to: string): Promise<boolean> {
  try {
    await rename(from, to);
    return true;
  } catch (error) {
    if (["ENOTEMPTY", "EEXIST"].includes(systemCodeOf(error) ?? "")) return false;
    throw error;
  }
}

async function removeIfPresent(path: string): Promise<void> {
  try {
    await unlink(path);
  } catch (error) {
    if (!isMissing(error)) throw error;
  }
}

/** The living holder's token, after the dead ones were removed; undefined when nobody holds the lock. */
async function livingHolder(path: string): Promise<string | undefined> {
  let names: string[];
  try {
    names = await readdir(path);
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
  for (const name of names) {
    if (!isOwnerDead(name)) return name;
    await removeIfPresent(join(path, name));
  }
  return undefined;
}

/**
 * Takes the lock, waiting at most `waitMs` for a living holder.
 *
 * @throws KimtestError `ALREADY_RUNNING` naming the holder.
 */
export async function takeFolderLock(options: LockOptions): Promise<FolderLock> {
  const { path, clock } = options;
  const prepared = temporaryPath(options.scratch);
  const token = basename(prepared).replace(/^\.tmp-/, "");
  await mkdir(prepared);
  try {
    await writeFile(join(prepared, token), "");
    const deadlineMs = clock.monotonicMs() + options.waitMs;
    let lostRaces = 0;
    for (let pauseMs = FIRST_PAUSE_MS; ; pauseMs = Math.min(pauseMs * 2, MAX_PAUSE_MS)) {
      if (await tryRename(prepared, path)) break;
      const holder = await livingHolder(path);
      if (holder === undefined) lostRaces++;
      const mayWait = holder === undefined ? lostRaces < MAX_LOST_RACES : clock.monotonicMs() < deadlineMs;
      if (!mayWait) throw heldError(options, holder ?? "changing processes");
      if (holder !== undefined) await clock.sleep(pauseMs);
    }
  } catch (error) {
    await rm(prepared, { recursive: true, force: true });
    throw error;
  }
  return { release: () => removeIfPresent(join(path, token)) };
}

function heldError(options: LockOptions, holder: string): KimtestError {
  const pid = ownerPidOf(holder);
  const who = pid === undefined ? `"${holder}"` : `process ${String(pid)}`;
  return new KimtestError("ALREADY_RUNNING", `${options.what} is in use by ${who}`, {
    hint: `wait for it or stop it; if no such process runs on any machine that shares the folder, remove ${options.path}`,
  });
}
