/** Ctrl-C while AWS is asked or waited for: the SDK throws an error of its own; ours says what is so now. */
import { KimtestError } from "../../contracts/errors.ts";

export async function interruptible<T>(stop: AbortSignal, work: Promise<T>, said: () => string): Promise<T> {
  try {
    return await work;
  } catch (error) {
    const isSaid = error instanceof KimtestError && error.code === "INTERRUPTED";
    if (!stop.aborted || isSaid) throw error;
    throw new KimtestError("INTERRUPTED", said(), { cause: error });
  }
}
