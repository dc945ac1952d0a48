/** A store for a command that reads: it must exist, and is closed again. */
import type { ObjectStore } from "../runner/store/object-store.ts";

export async function withStore<T>(location: string, read: (store: ObjectStore) => Promise<T>): Promise<T> {
  const { openStore } = await import("../runner/store/open-store.ts");
  const store = await openStore(location, { mustExist: true });
  try {
    return await read(store);
  } finally {
    store.close();
  }
}
