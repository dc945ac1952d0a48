/**
 * The corpora of the targets in the course of the phase. Whatever the store does, fuzzing goes on with what is on
 * the disk; what went wrong is said once.
 */
import { mkdir } from "node:fs/promises";
import { dirname } from "node:path";
import { KimtestError, reasonOf } from "../../../contracts/errors.ts";
import { minimizedNote } from "../../platform/folders.ts";
import { limited } from "../../platform/limited.ts";
import { readFileIfPresent, writeFileAtomic } from "../../store/atomic-file.ts";
import { isMinimizeDue, minimizeCorpus } from "../../tools/corpus-minimize.ts";
import type { PhaseContext } from "../context.ts";
import type { FuzzTarget } from "./fuzz-target.ts";

const RESTORE_LIMIT_MS = 5 * 60_000;
const MINIMIZE_LIMIT_MS = 10 * 60_000;
/** Beyond the time in which transfers begin, for those that are under way. */
const UNDER_WAY_MS = 5_000;

export class Corpora {
  readonly #context: PhaseContext;
  readonly #said = new Set<string>();

  constructor(context: PhaseContext) {
    this.#context = context;
  }

  /** `limitMs`: of the time of the phase. */
  async restore({ name, corpus }: FuzzTarget, limitMs: number): Promise<void> {
    const { log, signal } = this.#context;
    const ms = Math.min(RESTORE_LIMIT_MS, limitMs);
    const stop = AbortSignal.any([signal, AbortSignal.timeout(Math.ceil(ms))]);
    await this.#trying("restored", "targets are fuzzed with what is on the disk", async () => {
      const restored = await limited(
        corpus.restore(stop),
        `restoring the corpus of ${name}`,
        ms + UNDER_WAY_MS,
        signal,
      );
      log.info({ target: name, ...restored }, "corpus restored");
      const { left, refused } = restored;
      if (left > 0 && !signal.aborted)
        this.#context.warn(`${name}: ${String(left)} inputs of its corpus stayed in the store`);
      if (refused > 0) {
        this.#context.warn(
          `${name}: ${String(refused)} inputs in the store are not what their names say and are not used`,
        );
      }
    });
  }

  /** Until all are saved, the store fails, or the time is over: then the rest stays on the disk for the next time. */
  async save(targets: readonly FuzzTarget[], limitMs: number, signal: AbortSignal): Promise<void> {
    const stop = AbortSignal.any([signal, AbortSignal.timeout(Math.ceil(limitMs))]);
    const longestMs = limitMs + Math.min(limitMs, UNDER_WAY_MS);
    await this.#trying("saved", "they stay on the disk and are offered again", async () => {
      for (const { name, corpus } of targets) {
        if (stop.aborted) return;
        const saved = await limited(corpus.save(stop), `saving the corpus of ${name}`, longestMs, signal);
        if (saved.uploaded > 0) this.#context.log.info({ target: name, ...saved }, "corpus saved");
      }
    });
  }

  /** When it has doubled since the last time. No process of the target may run. */
  async minimizeIfDue(target: FuzzTarget, limitMs: number): Promise<void> {
    const { clock, log, processes, signal, stateFolder, store } = this.#context;
    const path = minimizedNote(stateFolder, target.name);
    const afterLast = Number((await readFileIfPresent(path))?.toString("utf8") ?? 0);
    const inputs = (await target.corpus.local()).length;
    if (signal.aborted || !isMinimizeDue(inputs, afterLast)) return;
    await this.#trying("minimised", "they are used as they are", async () => {
      const minimized = await minimizeCorpus(processes, store, target.corpus, {
        forOneInput: target.forOneInput,
        deadlineMs: Math.min(MINIMIZE_LIMIT_MS, limitMs),
        nowMs: clock.nowMs(),
        signal,
      });
      if (signal.aborted) return;
      target.minimized = minimized;
      log.info({ target: target.name, ...minimized }, "corpus minimised");
      if (minimized.reason !== null) {
        this.#context.warn(`${target.name}: its corpus was not minimised: ${minimized.reason}`);
        return;
      }
      await mkdir(dirname(path), { recursive: true });
      await writeFileAtomic(path, String(minimized.inputs_after));
    });
  }

  async #trying(done: string, consequence: string, work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      if (isStop(error)) return;
      this.#context.log.warn({ error }, `corpora could not be ${done}`);
      if (this.#said.has(done)) return;
      this.#said.add(done);
      this.#context.warn(`corpora could not be ${done}, ${consequence}: ${reasonOf(error)}`);
    }
  }
}

const isStop = (error: unknown): boolean => error instanceof KimtestError && error.code === "INTERRUPTED";
