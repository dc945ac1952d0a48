/**
 * Brings one object into a folder: resumed where an earlier try ended, checked, and under its name only when whole.
 *
 * What has come is kept in `FOLDER/.fetching/`, under a name that stands for the object and its content (etag), so that
 * a later command goes on with it after a Ctrl-C, a kill -9 or a broken line. One process at a time works on a partial
 * file. The last step gives the finished file its name, which nothing else ever does.
 */
import { hash } from "node:crypto";
import { constants } from "node:fs";
import { link, lstat, mkdir, open, readdir, rename, rm, rmdir, type FileHandle } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { KimtestError, systemCodeOf } from "../../contracts/errors.ts";
import { systemClock } from "../../runner/platform/clock.ts";
import { isMissing, syncFolder } from "../../runner/store/atomic-file.ts";
import { takeFolderLock, type FolderLock } from "../../runner/store/folder-lock.ts";
import type { Checksum, ObjectHead, ObjectStore } from "../../runner/store/object-store.ts";
import { startSum, type Sum } from "./checksum.ts";

export interface DownloadRequest {
  readonly head: ObjectHead;
  /** Absolute; its folder is created. */
  readonly path: string;
  /** Replace a file that is there and differs. */
  readonly force: boolean;
  readonly onProgress: (bytes: number) => void;
}

export interface Downloaded {
  /** What the content was checked with; `size`: the store has nothing else. */
  readonly verified: Checksum["algorithm"] | "size";
  /** It was here already, the very same. */
  readonly isOld: boolean;
}

const SCRATCH = ".fetching";
/** Tries in a row that bring not a single byte. */
const MAX_BARREN_TRIES = 4;
const RETRY_PAUSE_MS = 500;
const MAX_LOCK_TRIES = 20;
const CHUNK_BYTES = 1024 * 1024;
/** A partial file of another content that nobody has touched for so long is of no use to anybody. */
const STALE_MS = 7 * 24 * 3_600_000;

type Source = Pick<ObjectStore, "url" | "openRead">;

/** @throws KimtestError `BAD_INPUT` when another file is there, `CORRUPT_DATA` when what came is not what is stored */
export async function download(store: Source, request: DownloadRequest): Promise<Downloaded> {
  const { head, path, force } = request;
  const verified = head.checksum?.algorithm ?? "size";
  const present = await whatIsAt(path, head);
  if (present === "same") return { verified, isOld: true };
  if (present === "other" && !force) throw isThere(path);
  const scratch = join(dirname(path), SCRATCH);
  const id = hash("sha256", `${store.url}\n${head.key}\n${head.etag}`, "hex").slice(0, 16);
  const partial = join(scratch, `${basename(path)}.${id}`);
  const lockPath = `${partial}.lock`;
  const lock = await lockIn(scratch, lockPath, `the download of ${head.key}`);
  try {
    await fill(store, request, partial);
    const isOld = await publish(partial, path, force);
    await removeStale(scratch, basename(path));
    return { verified, isOld };
  } finally {
    await lock.release();
    await removeIfEmpty(lockPath);
    await removeIfEmpty(scratch);
  }
}

/** Makes the folder as well. The last download in it takes it away, perhaps before ours is in it: once more then. */
async function lockIn(scratch: string, path: string, what: string): Promise<FolderLock> {
  for (let triesLeft = MAX_LOCK_TRIES - 1; ; triesLeft -= 1) {
    try {
      await mkdir(scratch, { recursive: true });
      return await takeFolderLock({ path, scratch, waitMs: 0, clock: systemClock, what });
    } catch (error) {
      if (!isMissing(error) || triesLeft === 0) throw error;
    }
  }
}

/** `same` only where the store's checksum says so. */
async function whatIsAt(path: string, head: ObjectHead): Promise<"nothing" | "same" | "other" | "maybe-same"> {
  const stat = await statOf(path);
  if (stat === undefined) return "nothing";
  if (!stat.isFile() || stat.size !== head.size) return "other";
  if (head.checksum === undefined) return "maybe-same";
  const handle = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  try {
    const sum = startSum(head.checksum.algorithm);
    await readInto(handle, head.size, sum);
    return sum.hex() === head.checksum.hex ? "same" : "other";
  } finally {
    await handle.close();
  }
}

async function fill(store: Source, request: DownloadRequest, partial: string): Promise<void> {
  const { head } = request;
  // A partial file that was damaged on this disk is begun anew, once.
  for (const isLastTry of [false, true]) {
    const handle = await openPartial(partial, head.size);
    let hadBytes: boolean;
    try {
      const sum = startSum(head.checksum?.algorithm ?? "sha256");
      const offset = (await handle.stat()).size;
      hadBytes = offset > 0;
      await readInto(handle, offset, sum);
      request.onProgress(offset);
      await fetchRest(store, request, handle, offset, sum);
      await handle.sync();
      if (head.checksum === undefined || sum.hex() === head.checksum.hex) return;
    } finally {
      await handle.close();
    }
    await rm(partial);
    if (isLastTry || !hadBytes) {
      throw new KimtestError("CORRUPT_DATA", `${head.key} came with another ${head.checksum.algorithm} than it has`, {
        hint: `nothing is kept of it; run it again, and if it stays so the object in ${store.url} is damaged`,
      });
    }
  }
}

async function openPartial(path: string, size: number): Promise<FileHandle> {
  const handle = await open(
    path,
    constants.O_RDWR | constants.O_CREAT | constants.O_NOFOLLOW | constants.O_NONBLOCK,
    0o644,
  );
  const stat = await handle.stat();
  if (!stat.isFile() || stat.nlink !== 1) {
    await handle.close();
    throw new KimtestError("BAD_INPUT", `${path} is no plain file of ours`, { hint: "remove it" });
  }
  if (stat.size > size) await handle.truncate(0);
  return handle;
}

async function fetchRest(
  store: Source,
  { head, onProgress }: DownloadRequest,
  handle: FileHandle,
  from: number,
  sum: Sum,
): Promise<void> {
  let offset = from;
  let barrenTries = 0;
  while (offset < head.size) {
    const before = offset;
    try {
      const source = await store.openRead(head.key, { offset, etag: head.etag });
      if (source === undefined) throw changed(head.key, store.url);
      for await (const chunk of source.stream as AsyncIterable<Buffer>) {
        await writeAll(handle, chunk, offset);
        sum.update(chunk);
        offset += chunk.length;
        onProgress(offset);
      }
    } catch (error) {
      if (!(error instanceof KimtestError) || error.code !== "STORE_UNREACHABLE") throw error;
      barrenTries = offset > before ? 0 : barrenTries + 1;
      if (barrenTries === MAX_BARREN_TRIES) throw resumable(error, offset, head.size);
      await delay(RETRY_PAUSE_MS);
    }
  }
}

/** A disk that is nearly full takes a part, and says so only when it is asked for the rest. */
async function writeAll(handle: FileHandle, chunk: Buffer, offset: number): Promise<void> {
  for (let written = 0; written < chunk.length;) {
    const { bytesWritten } = await handle.write(chunk, written, chunk.length - written, offset + written);
    written += bytesWritten;
  }
}

/** True when the same content was there already. */
async function publish(partial: string, path: string, force: boolean): Promise<boolean> {
  if (force) await rename(partial, path);
  else if (!(await linkNew(partial, path))) {
    if (!(await isSameFile(partial, path))) throw isThere(path);
    await rm(partial);
    return true;
  }
  await syncFolder(dirname(path));
  return false;
}

/** False when the name is taken. */
async function linkNew(partial: string, path: string): Promise<boolean> {
  try {
    await link(partial, path);
  } catch (error) {
    if (systemCodeOf(error) === "EEXIST") return false;
    // File systems without hard links.
    if (!["EPERM", "ENOTSUP", "EOPNOTSUPP", "ENOSYS"].includes(systemCodeOf(error) ?? "")) throw error;
    if ((await statOf(path)) !== undefined) return false;
    await rename(partial, path);
    return true;
  }
  await rm(partial);
  return true;
}

async function isSameFile(one: string, other: string): Promise<boolean> {
  const [first, second] = await Promise.all([one, other].map(sha256Of));
  return first !== undefined && first === second;
}

/** undefined for anything but a plain file. */
async function sha256Of(path: string): Promise<string | undefined> {
  const stat = await statOf(path);
  if (stat?.isFile() !== true) return undefined;
  const handle = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  try {
    const sum = startSum("sha256");
    await readInto(handle, stat.size, sum);
    return sum.hex();
  } finally {
    await handle.close();
  }
}

/** The first `size` bytes. */
async function readInto(handle: FileHandle, size: number, sum: Sum): Promise<void> {
  const buffer = Buffer.allocUnsafe(Math.min(CHUNK_BYTES, size));
  for (let offset = 0; offset < size;) {
    const { bytesRead } = await handle.read(buffer, 0, Math.min(buffer.length, size - offset), offset);
    if (bytesRead === 0) return;
    sum.update(buffer.subarray(0, bytesRead));
    offset += bytesRead;
  }
}

async function statOf(path: string) {
  try {
    return await lstat(path);
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
}

/** Partial files of older contents of the same object. */
async function removeStale(scratch: string, name: string): Promise<void> {
  for (const entry of await readdir(scratch)) {
    if (!entry.startsWith(`${name}.`) || entry.endsWith(".lock")) continue;
    const stat = await statOf(join(scratch, entry));
    if (stat !== undefined && Date.now() - stat.mtimeMs > STALE_MS) await rm(join(scratch, entry), { force: true });
  }
}

async function removeIfEmpty(folder: string): Promise<void> {
  try {
    await rmdir(folder);
  } catch (error) {
    if (!["ENOTEMPTY", "EEXIST", "ENOENT"].includes(systemCodeOf(error) ?? "")) throw error;
  }
}

const isThere = (path: string): KimtestError =>
  new KimtestError("BAD_INPUT", `${path} is there already, and is not what is stored`, {
    hint: "--force replaces it; --to FOLDER puts it elsewhere",
  });

const changed = (key: string, url: string): KimtestError =>
  new KimtestError("CORRUPT_DATA", `${key} in ${url} was replaced or removed while it was fetched`, {
    hint: "run it again",
  });

const resumable = (error: KimtestError, bytes: number, size: number): KimtestError =>
  new KimtestError(error.code, `${error.message} (${String(bytes)} of ${String(size)} bytes are here)`, {
    hint: "the same command goes on from there",
    cause: error,
  });
