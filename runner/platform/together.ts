/** Runs several tasks side by side; when one fails the others are told to stop and waited for. */

/**
 * Unlike `Promise.all`, nothing goes on behind the caller's back: it settles when every task has settled.
 *
 * @param stop called once, on the first failure
 * @throws the first failure
 */
export async function together<T>(tasks: readonly Promise<T>[], stop: () => void): Promise<T[]> {
  let failure: { readonly error: unknown } | undefined;
  const watched = tasks.map(async (task) => {
    try {
      return await task;
    } catch (error) {
      if (failure === undefined) {
        failure = { error };
        stop();
      }
      throw error;
    }
  });
  const settled = await Promise.allSettled(watched);
  if (failure !== undefined) throw failure.error;
  return settled.flatMap((one) => (one.status === "fulfilled" ? [one.value] : []));
}
