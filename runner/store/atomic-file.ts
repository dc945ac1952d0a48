/**
 * Files that are either the old or the new content, whatever is killed or unplugged in between.
 *
 * The order is the whole point: write a temporary file beside the target, fsync it, rename it over the
 * target, fsync the folder. Without the first fsync a crash can leave an empty file under the right name,
 * without the second it can bring back the old one after the caller was told that the new one is safe.
 */
import { constants } from "node:fs";
import { lstat, mkdir, open, readdir, rename, rm, unlink } from "node:fs/promises";
import { dirname, join } from "node:path";

import { KimtestError, systemCodeOf } from "../../contracts/errors.ts";
import { isOwnerDead, newOwnerToken } from "./process-identity.ts";

const TEMPORARY_PREFIX = ".tmp-";
/** A temporary file whose writer cannot be judged is left-over after this long. */
const TEMPORARY_MAX_AGE_MS = 24 * 60 * 60 * 1000;
const STATE_FILE_MAX_BYTES = 64 * 1024 * 1024;

export const isMissing = (error: unknown): boolean => ["ENOENT", "ENOTDIR"].includes(systemCodeOf(error) ?? "");

/** Makes the names in a folder (created, renamed, removed) survive a power cut. */
export async function syncFolder(path: string): Promise<void> {
  const handle = await open(path, constants.O_RDONLY | constants.O_DIRECTORY);
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** Creates a folder and its missing parents, durably. */
export async function ensureFolder(path: string): Promise<void> {
  const first = await mkdir(path, { recursive: true });
  if (first === undefined) return;
  const stop = dirname(first);
  for (let folder = path; folder !== stop; folder = dirname(folder)) await syncFolder(dirname(folder));
}

/** A new name in `folder` for a file that is not finished; cleaned by `removeStaleTemporaryFiles`. */
export const temporaryPath = (folder: string): string => join(folder, TEMPORARY_PREFIX + newOwnerToken());

/** Writes and fsyncs a file that must not exist; removes it again when that fails. */
export async function writeNewFile(path: string, chunks: readonly Buffer[]): Promise<void> {
  const handle = await open(path, "wx", 0o644);
  try {
    try {
      for (const chunk of chunks) await handle.writeFile(chunk);
      await handle.sync();
    } finally {
      await handle.close();
    }
  } catch (error) {
    await rm(path, { force: true });
    throw error;
  }
}

/** Replaces a file atomically and durably. Its folder must exist. */
export async function writeFileAtomic(path: string, data: Buffer | string): Promise<void> {
  const folder = dirname(path);
  const temporary = temporaryPath(folder);
  await writeNewFile(temporary, [Buffer.from(data)]);
  try {
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
  await syncFolder(folder);
}

/**
 * The content of a file, or undefined when there is none.
 *
 * @throws KimtestError `LIMIT_EXCEEDED` when it is larger than `maxBytes`.
 */
export async function readFileIfPresent(path: string, maxBytes = STATE_FILE_MAX_BYTES): Promise<Buffer | undefined> {
  let handle;
  try {
    handle = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
  try {
    const { size } = await handle.stat();
    if (size > maxBytes) {
      throw new KimtestError("LIMIT_EXCEEDED", `${path} has ${size} bytes, more than the ${maxBytes} that it may have`);
    }
    return await handle.readFile();
  } finally {
    await handle.close();
  }
}

/** Removes a file durably; false when there was none. */
export async function removeFile(path: string): Promise<boolean> {
  try {
    await unlink(path);
  } catch (error) {
    if (isMissing(error)) return false;
    throw error;
  }
  await syncFolder(dirname(path));
  return true;
}

/** Whether the name is that of an unfinished file or lock. */
export const isTemporaryName = (name: string): boolean => name.startsWith(TEMPORARY_PREFIX);

/** Removes what killed writers left in a folder: unfinished files whose writer is dead. Returns how many. */
export async function removeStaleTemporaryFiles(folder: string, nowMs: number): Promise<number> {
  let removed = 0;
  for (const name of await readdir(folder)) {
    if (!isTemporaryName(name)) continue;
    const path = join(folder, name);
    if (!isOwnerDead(name.slice(TEMPORARY_PREFIX.length))) {
      const modifiedMs = await modifiedMsOf(path);
      if (modifiedMs === undefined || nowMs - modifiedMs < TEMPORARY_MAX_AGE_MS) continue;
    }
    await rm(path, { recursive: true, force: true });
    removed++;
  }
  return removed;
}

async function modifiedMsOf(path: string): Promise<number | undefined> {
  try {
    return (await lstat(path)).mtimeMs;
  } catch (error) {
    if (isMissing(error)) return undefined; // finished or removed meanwhile
    throw error;
  }
}
