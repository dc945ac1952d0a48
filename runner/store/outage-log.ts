/**
 * How long the store was unreachable, over restarts and kills.
 *
 * The start of an outage is written before the first retry and its end before the next delivery. Time in
 * which no process was running counts as part of an open outage: nothing showed that the store was back.
 * The total is since the folder was made; for one cycle take the difference of two readings.
 */
import { join } from "node:path";

import { z } from "zod";

import { parseJson } from "../../contracts/json.ts";
import { readFileIfPresent, writeFileAtomic } from "./atomic-file.ts";

const stateSchema = z.strictObject({
  /** Unix milliseconds; null when the store is reachable as far as we know. */
  sinceMs: z.number().nonnegative().nullable(),
  /** Of the outages that ended. */
  endedTotalMs: z.number().nonnegative(),
  lastReason: z.string().nullable(),
});

type State = z.infer<typeof stateSchema>;

const NONE: State = { sinceMs: null, endedTotalMs: 0, lastReason: null };
const MAX_FILE_BYTES = 64 * 1024;
const MAX_REASON_CHARACTERS = 500;

export interface Outage {
  /** Start of the present outage; undefined when there is none. */
  readonly since: Date | undefined;
  /** All outages together, the present one included, milliseconds. */
  readonly totalMs: number;
  readonly lastReason: string | undefined;
}

export class OutageLog {
  readonly #path: string;
  #state: State;
  #saving: Promise<void> = Promise.resolve();

  private constructor(path: string, state: State) {
    this.#path = path;
    this.#state = state;
  }

  /** `unreadable`: why the file that was found could not be used; the log then starts from nothing. */
  static async open(directory: string): Promise<{ log: OutageLog; unreadable: string | undefined }> {
    const path = join(directory, "outage.json");
    const file = await readFileIfPresent(path, MAX_FILE_BYTES);
    if (file === undefined) return { log: new OutageLog(path, NONE), unreadable: undefined };
    try {
      return { log: new OutageLog(path, stateSchema.parse(parseJson(file.toString(), path))), unreadable: undefined };
    } catch (error) {
      return { log: new OutageLog(path, NONE), unreadable: String(error) };
    }
  }

  get isOpen(): boolean {
    return this.#state.sinceMs !== null;
  }

  read(nowMs: number): Outage {
    const { sinceMs, endedTotalMs, lastReason } = this.#state;
    const presentMs = sinceMs === null ? 0 : Math.max(0, nowMs - sinceMs);
    return {
      since: sinceMs === null ? undefined : new Date(sinceMs),
      totalMs: endedTotalMs + presentMs,
      lastReason: lastReason ?? undefined,
    };
  }

  /** Begins an outage, or notes a new reason for the present one. Written only when it begins. */
  async failed(nowMs: number, reason: string): Promise<void> {
    const begins = !this.isOpen;
    this.#state = {
      ...this.#state,
      sinceMs: this.#state.sinceMs ?? nowMs,
      lastReason: reason.slice(0, MAX_REASON_CHARACTERS),
    };
    if (begins) await this.#save();
  }

  /** Ends the present outage. Returns how long it was. */
  async ended(nowMs: number): Promise<number> {
    const lastedMs = this.read(nowMs).totalMs - this.#state.endedTotalMs;
    this.#state = { ...this.#state, sinceMs: null, endedTotalMs: this.#state.endedTotalMs + lastedMs };
    await this.#save();
    return lastedMs;
  }

  /** One after the other, so that the last state is what stays on disk. */
  #save(): Promise<void> {
    const write = (): Promise<void> => writeFileAtomic(this.#path, JSON.stringify(this.#state));
    this.#saving = this.#saving.then(write, write);
    return this.#saving;
  }
}
