/** For tests: a store that records what reaches it, in order, and fails when told to. */
import { setImmediate, setTimeout } from "node:timers/promises";
import { KimtestError, type ErrorCode } from "../../contracts/errors.ts";

export class RecordingStore {
  readonly received: { readonly key: string; readonly body: string }[] = [];
  /** The error of the next put of this key, or undefined to let it through. */
  failure: (key: string) => ErrorCode | "cut" | undefined = () => undefined;
  /** How long a put takes; as little as possible by default. */
  lastsMs = 0;
  inFlight = 0;
  mostInFlight = 0;
  /** Keys put twice at the same time, which must never happen. */
  readonly overlaps: string[] = [];
  readonly #busy = new Set<string>();

  bodiesOf(key: string): string[] {
    return this.received.filter((put) => put.key === key).map(({ body }) => body);
  }

  async put(key: string, body: Buffer | string): Promise<{ etag: string }> {
    if (this.#busy.has(key)) this.overlaps.push(key);
    this.#busy.add(key);
    this.inFlight++;
    this.mostInFlight = Math.max(this.mostInFlight, this.inFlight);
    try {
      await (this.lastsMs === 0 ? setImmediate() : setTimeout(this.lastsMs));
      const failure = this.failure(key);
      if (failure !== undefined && failure !== "cut") throw new KimtestError(failure, `${key}: ${failure}`);
      this.received.push({ key, body: body.toString() });
      // "cut": it was done, and the answer got lost.
      if (failure === "cut") throw new KimtestError("STORE_UNREACHABLE", `${key}: the answer was lost`);
      return { etag: "recorded" };
    } finally {
      this.inFlight--;
      this.#busy.delete(key);
    }
  }
}

/** The sequence without immediate repetitions: what at-least-once delivery in order may look like. */
export function withoutRepeats(bodies: readonly string[]): string[] {
  return bodies.filter((body, index) => body !== bodies[index - 1]);
}
