/**
 * A durable queue on disk in front of an object store: what was put is delivered, however long the store
 * is away and however often this process is killed.
 *
 * - `put` resolves when the entry is on disk (file and folder fsynced), not when it is delivered.
 * - Per key, puts reach the store in the order in which they were made, also over restarts: the sequence
 *   number is in the file name, and the next entry of a key starts after the one before is confirmed.
 * - A file is removed only after the store confirmed its put. A kill between the two delivers it again:
 *   the same body under the same key, before anything later of that key, so nothing changes.
 * - Nothing is dropped. Full means that `put` throws; a damaged file is moved aside and reported; an entry
 *   that the store refuses waits, is tried again in rounds, and holds up only its own key.
 *
 * What this cannot rule out: a request of a process that was killed, still under way in the network when
 * the next owner has delivered a later one. S3 keeps what it receives last; the next owner starts after
 * the dead one's connections are closed, so the window is the network's own delay.
 */
import { join } from "node:path";

import { KimtestError, reasonOf } from "../../contracts/errors.ts";
import { systemClock, type Clock } from "../platform/clock.ts";
import { ensureFolder, removeStaleTemporaryFiles } from "./atomic-file.ts";
import { backoffDelayMs, type Backoff } from "./backoff.ts";
import { bodyOf } from "./body.ts";
import { takeFolderLock, type FolderLock } from "./folder-lock.ts";
import { assertKey } from "./keys.ts";
import type { ObjectStore } from "./object-store.ts";
import { OutageLog, type Outage } from "./outage-log.ts";
import { encodeEntry } from "./outbox-entry.ts";
import { OutboxFiles } from "./outbox-files.ts";
import { OutboxQueue, type Entry } from "./outbox-queue.ts";
import { Signal } from "./signal.ts";

export type OutboxEvent =
  | { readonly type: "delivered"; readonly key: string; readonly sequence: number; readonly bytes: number }
  | { readonly type: "superseded"; readonly key: string; readonly sequence: number }
  | { readonly type: "refused"; readonly key: string; readonly reason: string }
  | { readonly type: "damaged"; readonly path: string; readonly reason: string }
  | { readonly type: "outage-started"; readonly reason: string }
  | { readonly type: "outage-ended"; readonly lastedMs: number }
  /** The outbox's own disk failed; the entry stays and is tried again. */
  | { readonly type: "disk-trouble"; readonly reason: string };

export interface OutboxOptions {
  /** Created when missing. */
  readonly directory: string;
  readonly store: Pick<ObjectStore, "put">;
  readonly clock?: Clock;
  /** In [0, 1); spreads retries. */
  readonly random?: () => number;
  /** Keys delivered at the same time; each holds one body in memory. Default 4. */
  readonly parallel?: number;
  /** Default 200,000. */
  readonly maxEntries?: number;
  /** Of the files on disk. Default 1 GiB. */
  readonly maxBytes?: number;
  /** Between attempts while the store is unreachable. Default 0.5 s to 60 s. */
  readonly retry?: Backoff;
  /** Between rounds over refused keys. Default 5 s to 10 min. */
  readonly refusedRetry?: Backoff;
  /** Called at once for each event; must not throw. */
  readonly onEvent?: (event: OutboxEvent) => void;
}

export interface RefusedKey {
  readonly key: string;
  readonly reason: string;
  readonly since: Date;
}

const DEFAULTS = {
  clock: systemClock,
  random: Math.random,
  parallel: 4,
  maxEntries: 200_000,
  maxBytes: 1024 * 1024 * 1024,
  retry: { firstMs: 500, maxMs: 60_000 },
  refusedRetry: { firstMs: 5_000, maxMs: 600_000 },
  onEvent: (): void => undefined,
};

/** While somebody waits in `flush`, pauses are no longer than this. */
const FLUSH_PAUSE_MS = 500;
/** Errors after which the same put may succeed later without anybody's doing. */
const UNREACHABLE_CODES = ["STORE_UNREACHABLE", "NOT_FOUND"];

const isUnreachable = (error: unknown): boolean =>
  error instanceof KimtestError && UNREACHABLE_CODES.includes(error.code);

export class Outbox {
  readonly #options: Required<OutboxOptions>;
  readonly #files: OutboxFiles;
  readonly #queue = new OutboxQueue();
  readonly #lock: FolderLock;
  readonly #outages: OutageLog;
  readonly #refused = new Map<string, RefusedKey>();
  readonly #closing = new AbortController();
  /** Something for the delivery loop to look at. */
  readonly #wake = new Signal();
  /** An entry went. */
  readonly #progress = new Signal();
  readonly #writes = new Set<Promise<unknown>>();
  readonly #deliveries = new Set<Promise<void>>();
  #loop: Promise<void> = Promise.resolve();
  #nextSequence = 1;
  #flushing = 0;
  /** Failures in a row, and until when (monotonic) to leave the store alone. */
  #failures = 0;
  #pausedUntilMs = 0;
  #lastFailureMs = -Infinity;
  #refusedRounds = 0;
  #refusedDueMs = Infinity;

  private constructor(options: Required<OutboxOptions>, files: OutboxFiles, lock: FolderLock, outages: OutageLog) {
    this.#options = options;
    this.#files = files;
    this.#lock = lock;
    this.#outages = outages;
  }

  /**
   * Takes the directory, reads what waits there and starts delivering.
   *
   * @throws KimtestError `ALREADY_RUNNING` when a living process owns the directory.
   */
  static async open(given: OutboxOptions): Promise<Outbox> {
    const options = { ...DEFAULTS, ...given };
    const { directory, clock } = options;
    await ensureFolder(directory);
    const path = join(directory, "owner");
    const lock = await takeFolderLock({ path, scratch: directory, waitMs: 0, clock, what: `outbox ${directory}` });
    try {
      await removeStaleTemporaryFiles(directory, clock.nowMs());
      const { log, unreadable } = await OutageLog.open(directory);
      const files = new OutboxFiles(directory);
      const { entries, damaged } = await files.scan();
      const outbox = new Outbox(options, files, lock, log);
      for (const entry of damaged) options.onEvent({ type: "damaged", ...entry });
      if (unreadable !== undefined) {
        options.onEvent({ type: "damaged", path: join(directory, "outage.json"), reason: unreadable });
      }
      outbox.#start(entries);
      return outbox;
    } catch (error) {
      await lock.release();
      throw error;
    }
  }

  /**
   * Resolves when the entry is durable on local disk.
   *
   * @param options.supersedes - this put may be replaced by, and replaces, other such puts of the same key
   *   that still wait; for states of which only the last one matters.
   * @throws KimtestError `BAD_INPUT` for the key, `LIMIT_EXCEEDED` when the outbox is full.
   */
  async put(key: string, body: Buffer | string, options: { supersedes?: boolean } = {}): Promise<void> {
    if (this.#closing.signal.aborted) throw new KimtestError("INTERRUPTED", `the outbox is closed: ${key} not stored`);
    assertKey(key);
    const data = bodyOf(key, body);
    const header = {
      sequence: this.#nextSequence,
      key,
      supersedes: options.supersedes ?? false,
      bodyBytes: data.length,
    };
    const bytes = encodeEntry(header, Buffer.alloc(0)).reduce((sum, part) => sum + part.length, data.length);
    const entry: Entry = { sequence: header.sequence, key, bytes, supersedes: header.supersedes };
    this.#admit(entry);
    this.#nextSequence++;
    this.#queue.add(entry);
    await this.#tracked(
      this.#writes,
      this.#store(entry, () => this.#files.write(header, data)),
    );
  }

  /** The newest body of the key that waits; undefined when none does (then the store has the newest). */
  async read(key: string): Promise<Buffer | undefined> {
    for (;;) {
      const entry = this.#queue.newest(key);
      if (entry === undefined) return undefined;
      try {
        const body = await this.#files.read(entry.sequence);
        if (body !== undefined) return body;
        if (this.#queue.newest(key)?.sequence === entry.sequence) return undefined; // just delivered
      } catch (error) {
        if (!(error instanceof KimtestError) || error.code !== "CORRUPT_DATA") throw error;
        this.#queue.markUnreadable(entry.sequence); // and delivery, when its turn comes, sets it aside
      }
    }
  }

  /** Entries that are not confirmed by the store. */
  waiting(): number {
    return this.#queue.size;
  }

  waitingBytes(): number {
    return this.#queue.bytes;
  }

  /** What can be made again, or done without, had better not be put now. */
  isHalfFull(): boolean {
    const { maxEntries, maxBytes } = this.#options;
    return this.#queue.size * 2 > maxEntries || this.#queue.bytes * 2 > maxBytes;
  }

  outage(): Outage {
    return this.#outages.read(this.#options.clock.nowMs());
  }

  /** Keys that the store answers with a refusal (permissions, credentials): somebody has to do something. */
  refused(): RefusedKey[] {
    return [...this.#refused.values()];
  }

  /**
   * Tries again at once and waits until what was put before this call is delivered, at most `withinMs`.
   *
   * @returns `waiting`: all entries that still wait, later ones included.
   */
  async flush(withinMs: number): Promise<{ delivered: boolean; waiting: number }> {
    const { clock } = this.#options;
    const deadlineMs = clock.monotonicMs() + withinMs;
    const last = this.#nextSequence - 1;
    this.#flushing++;
    this.#pausedUntilMs = 0;
    if (this.#queue.refusedCount > 0) this.#refusedDueMs = 0;
    this.#wake.notify();
    try {
      while (this.#queue.oldestSequence <= last && !this.#closing.signal.aborted) {
        const leftMs = deadlineMs - clock.monotonicMs();
        if (leftMs <= 0) break;
        await this.#progress.wait(leftMs, clock);
      }
    } finally {
      this.#flushing--;
    }
    return { delivered: this.#queue.oldestSequence > last, waiting: this.#queue.size };
  }

  /**
   * Stops delivering and keeps what waits. Puts under way become durable; deliveries under way are waited
   * for at most `withinMs`. If one is still out then, the directory stays locked until this process ends,
   * so that no other owner can overtake it.
   */
  async close(withinMs = 10_000): Promise<void> {
    if (this.#closing.signal.aborted) return;
    this.#closing.abort();
    this.#wake.notify();
    this.#progress.notify();
    await Promise.allSettled(this.#writes);
    await this.#loop;
    const timer = new AbortController();
    const ended = Promise.all(this.#deliveries).then(() => true);
    const late = this.#options.clock.sleep(withinMs, timer.signal).then(() => false);
    const isQuiet = await Promise.race([ended, late]);
    timer.abort();
    if (isQuiet) await this.#lock.release();
  }

  #start(entries: readonly Entry[]): void {
    for (const entry of entries) {
      this.#queue.add(entry);
      this.#queue.markDurable(entry.sequence);
      this.#nextSequence = entry.sequence + 1;
    }
    this.#loop = this.#deliverAll();
  }

  /** @throws KimtestError `LIMIT_EXCEEDED` when there is no room for the entry. */
  #admit(entry: Entry): void {
    const { maxEntries, maxBytes, directory } = this.#options;
    const replaced = this.#queue.supersededBy(entry);
    const entries = this.#queue.size + 1 - replaced.length;
    const bytes = this.#queue.bytes + entry.bytes - replaced.reduce((sum, { bytes: each }) => sum + each, 0);
    if (entries <= maxEntries && bytes <= maxBytes) return;
    const { lastReason } = this.outage();
    const why = lastReason === undefined ? "" : `; the store: ${lastReason}`;
    throw new KimtestError(
      "LIMIT_EXCEEDED",
      `outbox ${directory} is full with ${this.#queue.size} entries of ${this.#queue.bytes} bytes ` +
        `(limits ${maxEntries} and ${maxBytes}): ${entry.key} not stored${why}`,
      { hint: "make the store reachable again; what waits is delivered by itself then" },
    );
  }

  /** Makes the entry durable, replaces older ones, and only then lets it be delivered. */
  async #store(entry: Entry, write: () => Promise<void>): Promise<void> {
    try {
      await write();
    } catch (error) {
      this.#queue.remove(entry.sequence);
      this.#progress.notify();
      throw new KimtestError("LIMIT_EXCEEDED", `cannot write ${entry.key} to the outbox: ${reasonOf(error)}`, {
        hint: `check the disk of ${this.#options.directory} (\`df -h\`)`,
        cause: error,
      });
    }
    this.#queue.markReadable(entry.sequence);
    // Before this entry can be delivered and removed: an older one that came back after a power cut
    // when the newer is gone would be delivered as if it were the newest.
    for (const older of this.#queue.supersededBy(entry)) await this.#replace(older);
    this.#queue.markDurable(entry.sequence);
    this.#wake.notify();
  }

  async #replace(older: Entry): Promise<void> {
    this.#queue.hold(older.sequence);
    try {
      await this.#files.remove(older.sequence);
    } catch (error) {
      this.#options.onEvent({ type: "disk-trouble", reason: reasonOf(error) });
      this.#queue.markDurable(older.sequence); // the file is still there, so it goes the ordinary way
      return;
    }
    this.#queue.noteRemoval(older.key);
    this.#queue.remove(older.sequence);
    this.#progress.notify();
    this.#options.onEvent({ type: "superseded", key: older.key, sequence: older.sequence });
  }

  async #deliverAll(): Promise<void> {
    const { clock } = this.#options;
    while (!this.#closing.signal.aborted) {
      const nowMs = clock.monotonicMs();
      if (this.#refusedDueMs <= nowMs) {
        this.#refusedDueMs = Infinity;
        this.#queue.readmitRefused();
      }
      if (this.#pausedUntilMs <= nowMs) this.#startDeliveries();
      const dueMs = Math.min(this.#refusedDueMs, this.#pausedUntilMs > nowMs ? this.#pausedUntilMs : Infinity);
      await this.#wake.wait(dueMs - nowMs, clock);
    }
  }

  #startDeliveries(): void {
    // In an outage one delivery at a time asks whether the store is back.
    const parallel = this.#outages.isOpen ? 1 : this.#options.parallel;
    while (this.#deliveries.size < parallel) {
      const entry = this.#queue.take();
      if (entry === undefined) return;
      void this.#tracked(this.#deliveries, this.#deliver(entry)).finally(() => {
        this.#wake.notify();
        this.#progress.notify();
      });
    }
  }

  async #deliver(entry: Entry): Promise<void> {
    const startedMs = this.#options.clock.monotonicMs();
    try {
      const body = await this.#bodyToDeliver(entry);
      if (body !== undefined) {
        await this.#options.store.put(entry.key, body);
        await this.#confirmed(entry);
      }
      this.#queue.finish(entry);
    } catch (error) {
      if (isUnreachable(error)) {
        this.#queue.putBack(entry, false);
        await this.#unreachable(reasonOf(error), startedMs);
      } else {
        if (!(error instanceof KimtestError)) this.#options.onEvent({ type: "disk-trouble", reason: reasonOf(error) });
        this.#queue.putBack(entry, true);
        await this.#refusal(entry, reasonOf(error));
      }
    }
  }

  /** undefined when the file was damaged and is set aside. */
  async #bodyToDeliver(entry: Entry): Promise<Buffer | undefined> {
    try {
      const body = await this.#files.read(entry.sequence);
      if (body === undefined) throw new KimtestError("CORRUPT_DATA", `the file of ${entry.key} is gone`);
      return body;
    } catch (error) {
      if (!(error instanceof KimtestError) || error.code !== "CORRUPT_DATA") throw error;
      await this.#setAside(entry, error.message);
      return undefined;
    }
  }

  async #setAside(entry: Entry, reason: string): Promise<void> {
    const damaged = await this.#files.setAside(entry.sequence, `${entry.key}: ${reason}`, this.#options.clock.nowMs());
    this.#options.onEvent({ type: "damaged", ...damaged });
  }

  /** The store has it: now, and only now, the file may go. */
  async #confirmed(entry: Entry): Promise<void> {
    const { key, sequence, bytes } = entry;
    // An earlier removal of the same key must not be undone by a power cut that keeps this one.
    if (this.#queue.takeUnsyncedRemoval(key)) await this.#files.sync();
    await this.#files.remove(sequence);
    this.#queue.noteRemoval(key);
    this.#failures = 0;
    if (this.#refused.delete(key)) this.#refusedRounds = 0;
    await this.#storeAnswered();
    this.#options.onEvent({ type: "delivered", key, sequence, bytes });
  }

  async #unreachable(reason: string, startedMs: number): Promise<void> {
    const { clock, retry, random, onEvent } = this.#options;
    // Several that were under way at the same time fail together: that is one failure.
    if (startedMs >= this.#lastFailureMs) {
      this.#lastFailureMs = clock.monotonicMs();
      this.#failures++;
      const delayMs = backoffDelayMs(retry, this.#failures, random());
      this.#pausedUntilMs = this.#lastFailureMs + (this.#flushing > 0 ? Math.min(delayMs, FLUSH_PAUSE_MS) : delayMs);
    }
    if (!this.#outages.isOpen) onEvent({ type: "outage-started", reason });
    await this.#noted(() => this.#outages.failed(clock.nowMs(), reason));
  }

  async #refusal(entry: Entry, reason: string): Promise<void> {
    const { clock, refusedRetry, random, onEvent } = this.#options;
    const known = this.#refused.get(entry.key);
    this.#refused.set(entry.key, {
      key: entry.key,
      reason,
      since: known?.since ?? new Date(clock.nowMs()),
    });
    if (known?.reason !== reason) onEvent({ type: "refused", key: entry.key, reason });
    if (this.#refusedDueMs === Infinity) {
      this.#refusedRounds++;
      const delayMs = backoffDelayMs(refusedRetry, this.#refusedRounds, random());
      this.#refusedDueMs = clock.monotonicMs() + (this.#flushing > 0 ? Math.min(delayMs, FLUSH_PAUSE_MS) : delayMs);
    }
    await this.#storeAnswered();
  }

  /** It did something or refused to: either way it is there. */
  async #storeAnswered(): Promise<void> {
    if (!this.#outages.isOpen) return;
    const { clock, onEvent } = this.#options;
    await this.#noted(async () => {
      const lastedMs = await this.#outages.ended(clock.nowMs());
      onEvent({ type: "outage-ended", lastedMs });
    });
  }

  /** The record of outages is worth less than going on without it. */
  async #noted(write: () => Promise<unknown>): Promise<void> {
    try {
      await write();
    } catch (error) {
      this.#options.onEvent({ type: "disk-trouble", reason: reasonOf(error) });
    }
  }

  async #tracked<Result>(set: Set<Promise<Result>>, work: Promise<Result>): Promise<Result> {
    set.add(work);
    try {
      return await work;
    } finally {
      set.delete(work);
    }
  }
}
