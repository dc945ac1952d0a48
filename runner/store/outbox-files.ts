/**
 * The outbox on disk: one file per waiting put, complete or not there.
 *
 * ```
 * DIRECTORY/owner/              the lock of the owning process
 * DIRECTORY/entries/0000000000000042.entry
 * DIRECTORY/damaged/            what could not be read, for a person to look at; never deleted by us
 * DIRECTORY/outage.json
 * ```
 */
import { open, readdir, rename, rm, unlink } from "node:fs/promises";
import { join } from "node:path";

import { KimtestError, reasonOf } from "../../contracts/errors.ts";
import {
  ensureFolder,
  isMissing,
  isTemporaryName,
  readFileIfPresent,
  syncFolder,
  temporaryPath,
  writeNewFile,
} from "./atomic-file.ts";
import { MAX_BODY_BYTES } from "./object-store.ts";
import type { Entry } from "./outbox-queue.ts";
import {
  decodeEntry,
  decodeHeader,
  encodeEntry,
  entryFileName,
  MAX_HEADER_BYTES,
  sequenceOf,
  type EntryHeader,
} from "./outbox-entry.ts";

const READ_AT_ONCE = 16;

export interface Damaged {
  /** Where the file is now. */
  readonly path: string;
  readonly reason: string;
}

/** One fsync of a folder for all who ask while the one before is running (group commit). */
class FolderSync {
  readonly #folder: string;
  #running: Promise<void> | undefined;
  #next: Promise<void> | undefined;

  constructor(folder: string) {
    this.#folder = folder;
  }

  /** Resolves when what was done in the folder before this call is durable. */
  sync(): Promise<void> {
    if (this.#next !== undefined) return this.#next;
    if (this.#running === undefined) return this.#start();
    const start = (): Promise<void> => {
      this.#next = undefined;
      return this.#start();
    };
    this.#next = this.#running.then(start, start);
    return this.#next;
  }

  #start(): Promise<void> {
    const running = syncFolder(this.#folder).finally(() => {
      if (this.#running === running) this.#running = undefined;
    });
    this.#running = running;
    return running;
  }
}

export class OutboxFiles {
  readonly #entries: string;
  readonly #damaged: string;
  readonly #sync: FolderSync;

  constructor(directory: string) {
    this.#entries = join(directory, "entries");
    this.#damaged = join(directory, "damaged");
    this.#sync = new FolderSync(this.#entries);
  }

  /**
   * What waits, ascending. Only the owner may call this: unfinished files are removed. Files that cannot be
   * read are moved aside.
   */
  async scan(): Promise<{ entries: Entry[]; damaged: Damaged[] }> {
    await ensureFolder(this.#entries);
    const names = (await readdir(this.#entries)).sort();
    for (const name of names.filter(isTemporaryName)) await rm(join(this.#entries, name), { force: true });
    const sequences = names.map(sequenceOf).filter((sequence) => sequence !== undefined);
    const entries: Entry[] = [];
    const damaged: Damaged[] = [];
    for (let start = 0; start < sequences.length; start += READ_AT_ONCE) {
      const batch = sequences.slice(start, start + READ_AT_ONCE);
      for (const result of await Promise.all(batch.map((sequence) => this.#scanOne(sequence)))) {
        if ("reason" in result) damaged.push(result);
        else entries.push(result);
      }
    }
    return { entries, damaged };
  }

  /** Resolves when the entry is durable. */
  async write(header: EntryHeader, body: Buffer): Promise<void> {
    const temporary = temporaryPath(this.#entries);
    await writeNewFile(temporary, encodeEntry(header, body));
    const path = this.#pathOf(header.sequence);
    try {
      await rename(temporary, path);
      await this.#sync.sync();
    } catch (error) {
      // The put fails, so no later owner may find and deliver it: later puts of the key may have gone by then.
      await rm(temporary, { force: true });
      await rm(path, { force: true });
      throw error;
    }
  }

  /** The body, or undefined when the entry is gone. @throws KimtestError `CORRUPT_DATA`. */
  async read(sequence: number): Promise<Buffer | undefined> {
    const path = this.#pathOf(sequence);
    const file = await readFileIfPresent(path, MAX_BODY_BYTES + MAX_HEADER_BYTES);
    if (file === undefined) return undefined;
    const { header, body } = decodeEntry(file, path);
    if (header.sequence !== sequence) throw new KimtestError("CORRUPT_DATA", `${path} holds another entry`);
    return body;
  }

  /** Not durable before `sync`. */
  async remove(sequence: number): Promise<void> {
    try {
      await unlink(this.#pathOf(sequence));
    } catch (error) {
      if (!isMissing(error)) throw error;
    }
  }

  sync(): Promise<void> {
    return this.#sync.sync();
  }

  /** Moves a file that cannot be delivered out of the way. */
  async setAside(sequence: number, reason: string, nowMs: number): Promise<Damaged> {
    await ensureFolder(this.#damaged);
    // Sequence numbers start again when the outbox was empty; the time keeps names apart.
    const path = join(this.#damaged, `${String(nowMs)}-${entryFileName(sequence)}`);
    try {
      await rename(this.#pathOf(sequence), path);
    } catch (error) {
      if (isMissing(error)) return { path: this.#pathOf(sequence), reason };
      throw error;
    }
    await syncFolder(this.#damaged);
    await this.#sync.sync();
    return { path, reason };
  }

  async #scanOne(sequence: number): Promise<Entry | Damaged> {
    const path = this.#pathOf(sequence);
    try {
      const handle = await open(path, "r");
      try {
        const { size } = await handle.stat();
        const start = Buffer.alloc(Math.min(MAX_HEADER_BYTES, size));
        const { bytesRead } = await handle.read(start, 0, start.length, 0);
        const { header, bodyOffset } = decodeHeader(start.subarray(0, bytesRead), path);
        if (header.sequence !== sequence || bodyOffset + header.bodyBytes !== size) {
          throw new KimtestError("CORRUPT_DATA", `${path} is cut short or not in its place`);
        }
        return { sequence, key: header.key, bytes: size, supersedes: header.supersedes };
      } finally {
        await handle.close();
      }
    } catch (error) {
      return this.setAside(sequence, reasonOf(error), Date.now());
    }
  }

  #pathOf(sequence: number): string {
    return join(this.#entries, entryFileName(sequence));
  }
}
