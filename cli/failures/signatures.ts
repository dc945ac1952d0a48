/** The signatures behind finding ids: each is read once, from the index entry of any of its failures. */
import { failureIndexKey, findingId } from "../../contracts/bucket.ts";
import { KimtestError, reasonOf } from "../../contracts/errors.ts";
import { failureIndexEntrySchema } from "../../contracts/failure.ts";
import type { ObjectStore } from "../../runner/store/object-store.ts";
import { readJson } from "../../runner/store/read-json.ts";
import type { FoundFailure } from "./listing.ts";

const AT_ONCE = 16;

export class Signatures {
  readonly #store: ObjectStore;
  /** null: it cannot be read. */
  readonly #known = new Map<string, string | null>();
  /** Why one could not be read; the first such reason. */
  problem: string | undefined;

  constructor(store: ObjectStore) {
    this.#store = store;
  }

  async read(failures: readonly FoundFailure[]): Promise<void> {
    const unknown = new Map<string, FoundFailure>();
    for (const failure of failures) {
      if (failure.finding !== null && !this.#known.has(failure.finding)) unknown.set(failure.finding, failure);
    }
    const left = [...unknown];
    const work = async (): Promise<void> => {
      for (let next = left.pop(); next !== undefined; next = left.pop()) {
        this.#known.set(next[0], await this.#signatureOf(...next));
      }
    };
    await Promise.all(Array.from({ length: AT_ONCE }, work));
  }

  of(finding: string | null): string | null {
    return finding === null ? null : (this.#known.get(finding) ?? null);
  }

  async #signatureOf(finding: string, failure: FoundFailure): Promise<string | null> {
    const key = failureIndexKey(failure, finding);
    try {
      const entry = await readJson(this.#store, key, failureIndexEntrySchema);
      const signature = entry?.value.signature;
      if (signature !== undefined && findingId(signature) === finding) return signature;
      this.problem ??= signature === undefined ? `${key} is gone` : `${key} holds another signature than its name says`;
    } catch (error) {
      if (!(error instanceof KimtestError)) throw error;
      this.problem ??= reasonOf(error);
    }
    return null;
  }
}
