/**
 * Digests on their way to people: kept on disk, one file each, until the notifier has really taken them.
 *
 * A digest whose message could not be sent is tried again every few minutes, also by later cycles and later
 * processes. It is sent once, but for one window: a process that is killed after the notifier took it and
 * before its file is gone sends it again. Critical news does not wait here: an hour later it is none.
 */
import { readdir, rename } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { reasonOf } from "../../contracts/errors.ts";
import {
  ensureFolder,
  isTemporaryName,
  readFileIfPresent,
  removeFile,
  removeStaleTemporaryFiles,
  writeFileAtomic,
} from "../store/atomic-file.ts";
import { decodeJson } from "../store/read-json.ts";
import type { Clock } from "./clock.ts";
import { limited } from "./limited.ts";
import type { Log } from "./log.ts";
import type { Metrics } from "./metrics.ts";
import type { Notice, Notifier } from "./notifier.ts";

/** Between two attempts that nobody asked for. */
const RETRY_MS = 5 * 60_000;
/** More do not wait: the oldest is given up, its digest is in the store. */
const MAX_WAITING = 50;
/** In one round. */
const MAX_FAILURES = 3;

const noticeSchema = z.object({ kind: z.enum(["digest", "critical"]), subject: z.string(), body: z.string() });

export interface NoticesOptions {
  /** Created when missing. */
  readonly folder: string;
  readonly notifier: Notifier;
  readonly clock: Clock;
  readonly log: Log;
  readonly metrics: Metrics;
}

export class Notices {
  readonly #options: NoticesOptions;
  /** Names of files, the oldest first. */
  #waiting: readonly string[];
  /** Taken by the notifier, though the file could not be removed: not sent again by this process. */
  readonly #sent = new Set<string>();
  /** One round at a time. */
  #round: Promise<void> = Promise.resolve();
  #triedMs = -Infinity;

  private constructor(options: NoticesOptions, waiting: readonly string[]) {
    this.#options = options;
    this.#waiting = waiting;
  }

  static async open(options: NoticesOptions): Promise<Notices> {
    await ensureFolder(options.folder);
    await removeStaleTemporaryFiles(options.folder, options.clock.nowMs());
    const names = (await readdir(options.folder)).filter((name) => name.endsWith(".json") && !isTemporaryName(name));
    return new Notices(options, names.sort());
  }

  /** How many have not been taken yet. */
  get waiting(): number {
    return this.#waiting.length;
  }

  /** Durable when it resolves. One with the same number takes the place of the earlier one. */
  async put(cycle: number, notice: Notice): Promise<void> {
    const name = nameOf(cycle);
    await writeFileAtomic(join(this.#options.folder, name), JSON.stringify(notice));
    this.#sent.delete(name);
    this.#waiting = [...new Set([...this.#waiting, name])].sort();
    for (const oldest of this.#waiting.slice(0, -MAX_WAITING)) {
      this.#options.log.error({ notice: oldest }, "too many digests wait to be sent: the oldest is given up");
      await this.#done(oldest);
    }
  }

  /**
   * Sends what waits, the oldest first, and after `withinMs` begins with no other. Never rejects.
   *
   * @param beforeCycle - only those of earlier cycles
   */
  async deliver(withinMs: number, signal: AbortSignal, beforeCycle?: number): Promise<void> {
    const over = new AbortController();
    const stop = AbortSignal.any([signal, over.signal]);
    // Not with a round that is under way: it has not what was put since it began.
    this.#round = this.#round.then(() => this.#deliverAll(signal, stop, beforeCycle));
    try {
      await limited(this.#round, "sending the digest", withinMs, signal);
    } catch (error) {
      this.#options.log.warn({ reason: reasonOf(error), waiting: this.waiting }, "not every digest was sent");
    } finally {
      over.abort();
    }
  }

  /** The same, if something waits and the last attempt is long enough ago; nobody has to wait for it. */
  deliverIfDue(withinMs: number, signal: AbortSignal, beforeCycle?: number): void {
    const nowMs = this.#options.clock.monotonicMs();
    if (this.#due(beforeCycle).length === 0 || signal.aborted || nowMs - this.#triedMs < RETRY_MS) return;
    this.#triedMs = nowMs;
    void this.deliver(withinMs, signal, beforeCycle); // never rejects
  }

  #due(beforeCycle: number | undefined): readonly string[] {
    return beforeCycle === undefined ? this.#waiting : this.#waiting.filter((name) => name < nameOf(beforeCycle));
  }

  /** `stop`: no other is begun. */
  async #deliverAll(signal: AbortSignal, stop: AbortSignal, beforeCycle: number | undefined): Promise<void> {
    const { notifier, clock, log, metrics } = this.#options;
    this.#triedMs = clock.monotonicMs();
    let failures = 0;
    for (const name of this.#due(beforeCycle)) {
      // One that is refused does not hold up the others; several in a row, and nobody is there to take them.
      if (stop.aborted || failures >= MAX_FAILURES) return;
      try {
        const notice = this.#sent.has(name) ? undefined : await this.#read(name);
        if (notice !== undefined) {
          await notifier.notify(notice, signal);
          this.#sent.add(name);
          metrics.count("DigestSent", 1);
          log.info({ notice: name }, "the digest was sent");
        }
        await this.#done(name);
      } catch (error) {
        log.error(
          { notice: name, reason: reasonOf(error) },
          "the digest could not be sent, it is kept and tried again",
        );
        failures += 1;
      }
    }
  }

  /** Undefined when there is nothing that could be sent. */
  async #read(name: string): Promise<Notice | undefined> {
    const path = join(this.#options.folder, name);
    const file = await readFileIfPresent(path);
    if (file === undefined) return undefined;
    try {
      return decodeJson(file.toString("utf8"), path, noticeSchema);
    } catch (error) {
      await rename(path, `${path}.damaged`);
      this.#options.log.error({ reason: reasonOf(error) }, "a digest that waited to be sent is damaged: moved aside");
      return undefined;
    }
  }

  async #done(name: string): Promise<void> {
    await removeFile(join(this.#options.folder, name));
    this.#waiting = this.#waiting.filter((one) => one !== name);
  }
}

const nameOf = (cycle: number): string => `digest-${String(cycle).padStart(6, "0")}.json`;
