/**
 * Keeps the inputs of one fuzz target on the disk and in the store in step, by the plans of corpus-plan.ts.
 *
 * Inputs are put into the store directly, not through the outbox: a corpus has thousands of them, each is on
 * the disk anyway, and what the store did not take now it is offered again with the next save, in this life or
 * the next. Their names are their SHA-1 on both sides; what is not what its name says is not let in.
 */
import { hash } from "node:crypto";
import { lstat, mkdir, readdir, readFile, rename, rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { corpusInputKey, corpusPrefix, parseCorpusInputKey } from "../../contracts/bucket.ts";
import { KimtestError } from "../../contracts/errors.ts";
import { eachOf } from "../platform/together.ts";
import { isMissing } from "../store/atomic-file.ts";
import type { ObjectStore } from "../store/object-store.ts";
import { MAX_INPUT_BYTES, planRestore, planSave, type CorpusInput } from "./corpus-plan.ts";

/** Inputs of one target that are looked at in the store. */
const MAX_STORED_INPUTS = 100_000;
/** That are fetched in one restore; the smallest come first. */
const MAX_RESTORED_BYTES = 1024 * 1024 * 1024;
/** Larger files are nothing that a fuzzer wrote. */
const MAX_FILE_BYTES = 64 * 1024 * 1024;
/** Objects under way at the same time. */
const PARALLEL = 8;
const HASH_NAME = /^[0-9a-f]{40}$/;

export interface Restored {
  readonly downloaded: number;
  /** In the store, but not what their names say. */
  readonly refused: number;
  /** That a stop or the limit left in the store. */
  readonly left: number;
}

export interface Saved {
  readonly uploaded: number;
  /** That a stop left on the disk. */
  readonly left: number;
  /** Too large for the store. */
  readonly tooLarge: number;
}

export class CorpusSync {
  readonly target: string;
  readonly folder: string;
  readonly #store: ObjectStore;
  /** What the store is known to hold; undefined before it was asked. */
  #stored: Map<string, CorpusInput> | undefined;

  /** `folder`: where the inputs lie on this disk; made when it is missing. */
  constructor(store: ObjectStore, target: string, folder: string) {
    this.#store = store;
    this.target = target;
    this.folder = folder;
  }

  /** The inputs on the disk. An empty one is none: libFuzzer does not look at it. */
  async local(): Promise<CorpusInput[]> {
    const inputs: CorpusInput[] = [];
    for (const name of (await unlessMissing(readdir(this.folder))) ?? []) {
      if (!HASH_NAME.test(name)) continue;
      const found = await unlessMissing(lstat(join(this.folder, name)));
      if (found?.isFile() === true && found.size > 0) inputs.push({ hash: name, bytes: found.size });
    }
    return inputs;
  }

  /**
   * Adds what the store has and the disk has not; no new download begins after `stop`.
   *
   * @throws what the store throws; what came until then stays.
   */
  async restore(stop: AbortSignal): Promise<Restored> {
    await this.#tidy();
    const stored = await this.stored();
    const { download } = planRestore(await this.local(), stored);
    const incoming = `${this.folder}.incoming`;
    await rm(incoming, { recursive: true, force: true });
    await mkdir(incoming, { recursive: true });
    let bytes = 0;
    const wanted = download.filter((input) => (bytes += input.bytes) <= MAX_RESTORED_BYTES);
    let [downloaded, refused] = [0, 0];
    await eachOf(wanted, PARALLEL, stop, async ({ hash: name }) => {
      const body = await this.#download(name);
      if (body === undefined || hash("sha1", body) !== name) {
        refused += 1;
        return;
      }
      // Not into the corpus at once: a file that is half there would be an input, too.
      await writeFile(join(incoming, name), body);
      await rename(join(incoming, name), join(this.folder, name));
      downloaded += 1;
    });
    await rm(incoming, { recursive: true, force: true });
    return { downloaded, refused, left: download.length - downloaded - refused };
  }

  /**
   * Adds what the disk has and the store has not; no new upload begins after `stop`.
   *
   * @throws what the store throws; what it took until then is not offered again.
   */
  async save(stop: AbortSignal): Promise<Saved> {
    const { upload, tooLarge } = planSave(await this.local(), [...(await this.#known()).values()]);
    const uploaded = await this.upload(upload, stop);
    return { uploaded, left: upload.length - uploaded, tooLarge: tooLarge.length };
  }

  /**
   * Returns how many the store took. A file that is not (or not yet) what its name says is left for later; one that is
   * gone since it was listed, libFuzzer has replaced by a smaller one: it runs beside this.
   */
  async upload(inputs: readonly CorpusInput[], stop: AbortSignal): Promise<number> {
    const known = await this.#known();
    let uploaded = 0;
    await eachOf(inputs, PARALLEL, stop, async (input) => {
      const body = await unlessMissing(readFile(join(this.folder, input.hash)));
      if (body === undefined || hash("sha1", body) !== input.hash) return;
      await this.#store.put(corpusInputKey(this.target, input.hash), body);
      known.set(input.hash, input);
      uploaded += 1;
    });
    return uploaded;
  }

  /** Only for what minimising has backed up (corpus-minimize.ts). */
  async removeStored(inputs: readonly CorpusInput[], stop: AbortSignal): Promise<void> {
    const known = await this.#known();
    await eachOf(inputs, PARALLEL, stop, async ({ hash: name }) => {
      await this.#store.remove(corpusInputKey(this.target, name));
      known.delete(name);
    });
  }

  /** Asks the store anew. Keys that are no inputs of this target are passed over. */
  async stored(): Promise<CorpusInput[]> {
    const stored = new Map<string, CorpusInput>();
    for await (const { key, size } of this.#store.list(corpusPrefix(this.target))) {
      const parsed = parseCorpusInputKey(key);
      if (parsed?.target !== this.target || size === 0 || size > MAX_INPUT_BYTES) continue;
      stored.set(parsed.sha1, { hash: parsed.sha1, bytes: size });
      if (stored.size >= MAX_STORED_INPUTS) break;
    }
    this.#stored = stored;
    return [...stored.values()];
  }

  async #known(): Promise<Map<string, CorpusInput>> {
    if (this.#stored === undefined) await this.stored();
    return this.#stored!;
  }

  /** Undefined when it is gone, or larger than it was in the listing. */
  async #download(name: string): Promise<Buffer | undefined> {
    try {
      const object = await this.#store.get(corpusInputKey(this.target, name), { maxBytes: MAX_INPUT_BYTES });
      return object?.body;
    } catch (error) {
      if (error instanceof KimtestError && error.code === "LIMIT_EXCEEDED") return undefined;
      throw error;
    }
  }

  /**
   * Gives each file the name of its content: a process that was killed while it wrote leaves half an input,
   * which is an input as well, but another one. Before any process of the target runs.
   */
  async #tidy(): Promise<void> {
    await mkdir(this.folder, { recursive: true });
    for (const entry of await readdir(this.folder, { withFileTypes: true })) {
      const path = join(this.folder, entry.name);
      if (!entry.isFile() || (await stat(path)).size > MAX_FILE_BYTES) continue;
      const name = hash("sha1", await readFile(path));
      if (name !== entry.name) await rename(path, join(this.folder, name));
    }
  }
}

function unlessMissing<T>(reading: Promise<T>): Promise<T | undefined> {
  return reading.catch((error: unknown) => {
    if (isMissing(error)) return undefined;
    throw error;
  });
}
