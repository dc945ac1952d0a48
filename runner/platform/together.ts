/** Runs several tasks side by side; when one fails the others are told to stop and waited for. */

/**
 * Unlike `Promise.all`, nothing goes on behind the caller's back: it settles when every task has settled.
 *
 * @param stop called once, on the first failure
 * @throws the first failure
 */
export async function together<Tasks extends readonly Promise<unknown>[] | []>(
  tasks: Tasks,
  stop: () => void,
): Promise<{ -readonly [Index in keyof Tasks]: Awaited<Tasks[Index]> }> {
  let failure: { readonly error: unknown } | undefined;
  const watched = tasks.map(async (task) => {
    try {
      await task;
    } catch (error) {
      if (failure === undefined) {
        failure = { error };
        stop();
      }
    }
  });
  await Promise.all(watched);
  if (failure !== undefined) throw failure.error;
  return Promise.all(tasks);
}

/**
 * Does the work for each item, at most `parallel` at a time, in order. No item is begun after `stop`, or once one
 * has failed.
 *
 * @throws the first failure, when all that was begun has ended
 */
export async function eachOf<T>(
  items: readonly T[],
  parallel: number,
  stop: AbortSignal,
  work: (item: T) => Promise<void>,
): Promise<void> {
  const failed = new AbortController();
  let next = 0;
  async function worker(): Promise<void> {
    while (next < items.length && !stop.aborted && !failed.signal.aborted) {
      const item = items[next]!;
      next += 1;
      await work(item);
    }
  }
  await together(Array.from({ length: Math.min(parallel, items.length) }, worker), () => {
    failed.abort();
  });
}
