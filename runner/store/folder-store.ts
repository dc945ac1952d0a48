/**
 * The object store in a folder: the embedded default, and what the tests compare S3 with.
 *
 * A key is a path: `digests/latest.json` is the file `ROOT/digests/latest.json`, so that people can look
 * around with the tools they have. Hidden beside them is `ROOT/.tmp` with unfinished files and locks.
 * Unlike a bucket, a folder cannot hold both `a` and `a/b`; such a put is refused with `BAD_INPUT`.
 *
 * Several processes of one machine may use the same root at once. Every write takes the lock of its key
 * for the moment between looking and renaming, which is what makes `putIf` decide correctly. Links inside
 * the root are never followed.
 */
import { createHash, hash } from "node:crypto";
import { constants, createWriteStream, type BigIntStats } from "node:fs";
import { lstat, mkdir, open, realpath, rename, rm, type FileHandle } from "node:fs/promises";
import { join } from "node:path";
import type { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";

import { KimtestError, reasonOf, systemCodeOf } from "../../contracts/errors.ts";
import { systemClock, type Clock } from "../platform/clock.ts";
import {
  ensureFolder,
  isMissing,
  removeFile,
  removeStaleTemporaryFiles,
  syncFolder,
  temporaryPath,
  writeNewFile,
} from "./atomic-file.ts";
import { bodyOf, limitedChunks, tooLarge } from "./body.ts";
import { walkFolder, type FoundFile } from "./folder-listing.ts";
import { takeFolderLock, type FolderLock } from "./folder-lock.ts";
import { assertKey, assertPrefix, SCRATCH_FOLDER } from "./keys.ts";
import {
  MAX_BODY_BYTES,
  type GetOptions,
  type ListOptions,
  type ListedObject,
  type ObjectHead,
  type ObjectInfo,
  type ObjectStore,
  type PutCondition,
  type ReadOptions,
  type StoredObject,
} from "./object-store.ts";

/** Locks are shared by keys with the same hash, so that there is a bounded number of them. */
const LOCK_COUNT = 64;
const LOCK_WAIT_MS = 10_000;
const HASH = "sha256";

export class FolderStore implements ObjectStore {
  readonly url: string;
  readonly #clock: Clock;
  /** Writers of this process wait for each other here, and only the first looks at the lock on disk. */
  readonly #lines = new Map<number, Promise<unknown>>();
  #prepared: Promise<void> | undefined;

  /** `root`: an absolute path; created by the first write. */
  constructor(root: string, clock: Clock = systemClock) {
    this.url = root;
    this.#clock = clock;
  }

  async get(key: string, options: GetOptions = {}): Promise<StoredObject | undefined> {
    const maxBytes = options.maxBytes ?? MAX_BODY_BYTES;
    return this.#doing(`read ${key}`, async () => {
      await using opened = await this.#open(key);
      if (opened === undefined) return undefined;
      const { handle, stat } = opened;
      if (stat.size > maxBytes) throw tooLarge(this.url, key, Number(stat.size), maxBytes);
      const body = await handle.readFile();
      return { ...infoOf(key, stat, hash(HASH, body, "hex")), body };
    });
  }

  async head(key: string): Promise<ObjectHead | undefined> {
    return this.#doing(`read ${key}`, async () => {
      await using opened = await this.#open(key);
      if (opened === undefined) return undefined;
      const hex = await etagOf(opened.handle);
      const checksum = { algorithm: HASH, hex } as const;
      return { ...infoOf(key, opened.stat, hex), checksum, availability: "ready", storageClass: "folder" };
    });
  }

  restore(): Promise<void> {
    // Nothing in a folder is archived.
    return Promise.resolve();
  }

  async openRead(
    key: string,
    { offset = 0, etag: wanted }: ReadOptions = {},
  ): Promise<{ info: ObjectInfo; stream: Readable } | undefined> {
    return this.#doing(`read ${key}`, async () => {
      const opened = await this.#open(key);
      if (opened === undefined) return undefined;
      try {
        const etag = await etagOf(opened.handle);
        if (wanted !== undefined && wanted !== etag) {
          await opened.handle.close();
          return undefined;
        }
        const stream = opened.handle.createReadStream({ start: offset });
        return { info: infoOf(key, opened.stat, etag), stream };
      } catch (error) {
        await opened.handle.close();
        throw error;
      }
    });
  }

  async put(key: string, body: Buffer | string): Promise<{ etag: string }> {
    const data = bodyOf(key, body);
    const result = await this.#doing(`write ${key}`, () => this.#replace(key, (path) => writeBody(path, data)));
    return result!; // without a condition there is always a result
  }

  async putIf(key: string, body: Buffer | string, condition: PutCondition): Promise<{ etag: string } | undefined> {
    const data = bodyOf(key, body);
    return this.#doing(`write ${key}`, () => this.#replace(key, (path) => writeBody(path, data), condition));
  }

  async writeFrom(key: string, source: Readable): Promise<{ etag: string }> {
    // It may break before it is read: who reads it is told then, and an error that nobody hears ends the process.
    source.on("error", () => undefined);
    const write = (path: string): Promise<string> => writeStream(path, source, key);
    const result = await this.#doing(`write ${key}`, () => this.#replace(key, write));
    return result!;
  }

  async *list(prefix: string, options: ListOptions = {}): AsyncGenerator<ListedObject> {
    assertPrefix(prefix);
    const folderKey = prefix.slice(0, prefix.lastIndexOf("/") + 1);
    const folder = await this.#doing(`list "${prefix}"`, () => this.#realFolder(folderKey));
    if (folder === undefined) return;
    const files = walkFolder(folder, folderKey, prefix, options.startAfter ?? "");
    for (;;) {
      const next = await this.#doing(`list "${prefix}"`, () => files.next());
      if (next.done === true) return;
      const listed = await this.#doing(`list "${prefix}"`, () => listedFile(next.value));
      if (listed !== undefined) yield listed;
    }
  }

  async remove(key: string): Promise<void> {
    await this.#doing(`remove ${key}`, async () => {
      assertKey(key);
      const cut = key.lastIndexOf("/") + 1;
      const folder = await this.#realFolder(key.slice(0, cut));
      if (folder === undefined) return;
      await this.#prepare(); // for the lock
      await this.#locked(key, () => removeFile(join(folder, key.slice(cut))));
    });
  }

  close(): void {
    // Nothing is held between calls.
  }

  /** Opens the object's file; undefined when there is none. */
  async #open(key: string): Promise<OpenFile | undefined> {
    assertKey(key);
    const cut = key.lastIndexOf("/") + 1;
    const folder = await this.#realFolder(key.slice(0, cut));
    return folder === undefined ? undefined : openFile(join(folder, key.slice(cut)));
  }

  /** Where the keys below `folderKey` are, links in the root's own path resolved; undefined when nowhere. */
  async #realFolder(folderKey: string): Promise<string | undefined> {
    const wanted = join(this.url, folderKey);
    try {
      const [root, folder] = [await realpath(this.url), await realpath(wanted)];
      if (folder !== join(root, folderKey).replace(/\/$/, "")) {
        throw new KimtestError("BAD_INPUT", `${wanted} is a symbolic link; the store does not follow links inside it`);
      }
      return folder;
    } catch (error) {
      if (isMissing(error)) return undefined;
      throw error;
    }
  }

  /** As `#realFolder`, created when missing: one level at a time, so that no link above is followed. */
  async #folderForWriting(folderKey: string): Promise<string> {
    const present = await this.#realFolder(folderKey);
    if (present !== undefined) return present;
    const cut = folderKey.lastIndexOf("/", folderKey.length - 2) + 1;
    const parent = await this.#folderForWriting(folderKey.slice(0, cut));
    try {
      await mkdir(join(parent, folderKey.slice(cut)));
      await syncFolder(parent);
    } catch (error) {
      // Another writer may have been faster; if it is no folder now, then something else is in its place.
      if (systemCodeOf(error) !== "EEXIST" || (await this.#realFolder(folderKey)) === undefined) throw error;
    }
    return join(parent, folderKey.slice(cut, -1));
  }

  /** Once per store: the scratch folder, and away with what killed writers left there. */
  async #prepare(): Promise<void> {
    const prepare = async (): Promise<void> => {
      const scratch = join(this.url, SCRATCH_FOLDER);
      await ensureFolder(scratch);
      await removeStaleTemporaryFiles(scratch, this.#clock.nowMs());
    };
    this.#prepared ??= prepare().catch((error: unknown) => {
      this.#prepared = undefined;
      throw error;
    });
    return this.#prepared;
  }

  /** Writes a temporary file and, if the condition holds, renames it to the object's path. */
  async #replace(
    key: string,
    write: (path: string) => Promise<string>,
    condition?: PutCondition,
  ): Promise<{ etag: string } | undefined> {
    assertKey(key);
    await this.#prepare();
    const cut = key.lastIndexOf("/") + 1;
    const temporary = temporaryPath(join(this.url, SCRATCH_FOLDER));
    try {
      const etag = await write(temporary);
      const folder = await this.#folderForWriting(key.slice(0, cut));
      const target = join(folder, key.slice(cut));
      const done = await this.#locked(key, async () => {
        if (condition !== undefined && !(await holds(condition, target))) return false;
        await rename(temporary, target);
        return true;
      });
      if (done) await syncFolder(folder);
      return done ? { etag } : undefined;
    } finally {
      await rm(temporary, { force: true });
    }
  }

  async #locked<Result>(key: string, action: () => Promise<Result>): Promise<Result> {
    const number = hash(HASH, key, "buffer").readUInt8(0) % LOCK_COUNT;
    const before = this.#lines.get(number) ?? Promise.resolve();
    const turn = before.then(async () => {
      const lock = await this.#takeLock(number, key);
      try {
        return await action();
      } finally {
        await lock.release();
      }
    });
    // The next in line waits for this one's end, however it ends; its error is this caller's.
    const settled = turn.then(
      () => undefined,
      () => undefined,
    );
    this.#lines.set(number, settled);
    try {
      return await turn;
    } finally {
      if (this.#lines.get(number) === settled) this.#lines.delete(number);
    }
  }

  async #takeLock(number: number, key: string): Promise<FolderLock> {
    const scratch = join(this.url, SCRATCH_FOLDER);
    const path = join(scratch, `lock-${String(number).padStart(2, "0")}`);
    try {
      return await takeFolderLock({
        path,
        scratch,
        waitMs: LOCK_WAIT_MS,
        clock: this.#clock,
        what: `${this.url}: ${key}`,
      });
    } catch (error) {
      if (!(error instanceof KimtestError)) throw error;
      const { message, hint } = error;
      throw new KimtestError("STORE_UNREACHABLE", message, { ...(hint === undefined ? {} : { hint }), cause: error });
    }
  }

  async #doing<Result>(what: string, action: () => Promise<Result>): Promise<Result> {
    try {
      return await action();
    } catch (error) {
      throw folderError(error, `${this.url}: cannot ${what}`);
    }
  }
}

interface OpenFile extends AsyncDisposable {
  readonly handle: FileHandle;
  readonly stat: BigIntStats;
}

/** A regular file opened for reading; undefined for anything else under that name. */
async function openFile(path: string): Promise<OpenFile | undefined> {
  let handle: FileHandle;
  try {
    if (!(await lstat(path)).isFile()) return undefined;
    // O_NOFOLLOW and O_NONBLOCK: it may have become a link or a pipe since the look.
    handle = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
  return { handle, stat: await handle.stat({ bigint: true }), [Symbol.asyncDispose]: () => handle.close() };
}

/** Undefined when it was removed while we walked. */
async function listedFile({ key, path }: FoundFile): Promise<ListedObject | undefined> {
  try {
    const { size, mtime } = await lstat(path);
    return { key, size, modified: mtime };
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
}

function infoOf(key: string, stat: BigIntStats, etag: string): ObjectInfo {
  return { key, size: Number(stat.size), etag, modified: new Date(Number(stat.mtimeMs)) };
}

/** The etag is the hash of the content: it survives copies of the folder and edits by hand change it. */
async function etagOf(handle: FileHandle): Promise<string> {
  const sum = createHash(HASH);
  for await (const chunk of handle.createReadStream({ start: 0, autoClose: false, highWaterMark: 1024 * 1024 })) {
    sum.update(chunk as Buffer);
  }
  return sum.digest("hex");
}

async function writeBody(path: string, data: Buffer): Promise<string> {
  await writeNewFile(path, [data]);
  return hash(HASH, data, "hex");
}

async function writeStream(path: string, source: Readable, key: string): Promise<string> {
  const sum = createHash(HASH);
  const hashed = async function* (chunks: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
    for await (const chunk of chunks) {
      sum.update(chunk);
      yield chunk;
    }
  };
  await pipeline(limitedChunks(key, source), hashed, createWriteStream(path, { flags: "wx", flush: true }));
  return sum.digest("hex");
}

async function holds(condition: PutCondition, target: string): Promise<boolean> {
  await using present = await openFile(target);
  if ("ifAbsent" in condition) return present === undefined;
  return present !== undefined && (await etagOf(present.handle)) === condition.ifMatch;
}

/** A file that stands where a folder is needed, or the other way round. */
const CONFLICTS = ["EISDIR", "ENOTDIR", "EEXIST", "ENOTEMPTY"];
const REFUSALS = ["EACCES", "EPERM", "EROFS"];

function folderError(error: unknown, doing: string): unknown {
  const code = systemCodeOf(error);
  if (error instanceof KimtestError || code === undefined || !/^E[A-Z0-9]+$/.test(code)) return error;
  const message = `${doing}: ${reasonOf(error)}`;
  if (CONFLICTS.includes(code)) {
    return new KimtestError("BAD_INPUT", `${message} (a key cannot be an object and the folder of others)`, {
      cause: error,
    });
  }
  if (REFUSALS.includes(code)) {
    return new KimtestError("STORE_REFUSED", message, { hint: "check who owns the folder and its mode", cause: error });
  }
  return new KimtestError("STORE_UNREACHABLE", message, { hint: "check the disk (`df -h`)", cause: error });
}
