/** A store of which some methods do something else. */
import type { ObjectStore } from "./object-store.ts";

export const storeWith = (store: ObjectStore, change: Partial<ObjectStore>): ObjectStore => ({
  url: store.url,
  get: store.get.bind(store),
  put: store.put.bind(store),
  putIf: store.putIf.bind(store),
  list: store.list.bind(store),
  openRead: store.openRead.bind(store),
  head: store.head.bind(store),
  restore: store.restore.bind(store),
  writeFrom: store.writeFrom.bind(store),
  remove: store.remove.bind(store),
  close: store.close.bind(store),
  ...change,
});
