/**
 * The cycle's state on disk: changed in memory, saved whole and atomically.
 *
 * `change` is synchronous, so two workers never lose each other's change; `save` resolves when everything
 * changed before the call is durable. Saves that wait for a running one are done together.
 */
import { stringifyJson } from "../../contracts/json.ts";
import type { CycleState } from "../../contracts/cycle.ts";
import { writeFileAtomic } from "../store/atomic-file.ts";

export class CycleStateFile {
  readonly path: string;
  #state: CycleState;
  /** The save that has been asked for and has not begun. */
  #next: Promise<void> | undefined;
  /** Settles, never rejects, when the newest save has ended. */
  #tail: Promise<unknown> = Promise.resolve();

  constructor(path: string, state: CycleState) {
    this.path = path;
    this.#state = state;
  }

  get(): CycleState {
    return this.#state;
  }

  change(next: (state: CycleState) => CycleState): void {
    this.#state = { ...next(this.#state), revision: this.#state.revision + 1 };
  }

  save(): Promise<void> {
    this.#next ??= this.#tail.then(() => {
      this.#next = undefined;
      return writeFileAtomic(this.path, stringifyJson(this.#state));
    });
    this.#tail = this.#next.catch(() => undefined); // whoever asked is told
    return this.#next;
  }
}
