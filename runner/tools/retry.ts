/**
 * What becomes of the seeds of an inconclusive batch: each is retried once.
 *
 * The seed the program was at when it ended is retried alone, so that one poisonous seed neither takes
 * the verdict of its neighbours along nor hides among them.
 */
import type { Batch } from "../../contracts/checkpoint.ts";

/** The retries of a first attempt, in seed order; none for a second attempt. They keep the batch's id. */
export function retriesOf(batch: Batch, suspect: bigint, countedFailures: readonly bigint[]): Batch[] {
  if (batch.attempt === 2) return [];
  const end = batch.starting_seed + BigInt(batch.iterations);
  const part = (from: bigint, to: bigint): Batch[] =>
    from >= to
      ? []
      : [
          {
            ...batch,
            starting_seed: from,
            iterations: Number(to - from),
            attempt: 2,
            counted_failures: countedFailures.filter((seed) => seed >= from && seed < to),
          },
        ];
  if (suspect < batch.starting_seed || suspect >= end) return part(batch.starting_seed, end);
  return [...part(batch.starting_seed, suspect), ...part(suspect, suspect + 1n), ...part(suspect + 1n, end)];
}
