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
  #writing: Promise<void> | undefined;
  #next: Promise<void> | undefined;

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

  async save(): Promise<void> {
    if (this.#writing === undefined) {
      this.#writing = this.#write();
      return this.#writing;
    }
    // The running write may have taken its copy already: one more follows it, for all who ask now.
    this.#next ??= this.#writing.then(
      () => this.#follow(),
      () => this.#follow(),
    );
    return this.#next;
  }

  #follow(): Promise<void> {
    this.#next = undefined;
    this.#writing = this.#write();
    return this.#writing;
  }

  async #write(): Promise<void> {
    try {
      await writeFileAtomic(this.path, stringifyJson(this.#state));
    } finally {
      this.#writing = undefined;
    }
  }
}
