/**
 * For tests: watches fsync. Whether data is really synced shows only after a power cut; that it is asked for,
 * of what, and in which order is visible here.
 */
import { open, type FileHandle } from "node:fs/promises";

export interface SyncWatch {
  /** What `observe` returned at each fsync, in order. */
  readonly seen: string[];
  stop(): void;
}

/** `observe` is called before each fsync of this process with "file" or "folder". */
export async function watchSyncs(observe: (kind: "file" | "folder") => Promise<string>): Promise<SyncWatch> {
  const handle = await open("/dev/null");
  const prototype = Object.getPrototypeOf(handle) as Pick<FileHandle, "sync">;
  await handle.close();
  const original = Object.getOwnPropertyDescriptor(prototype, "sync");
  if (original === undefined) throw new Error("FileHandle has no sync of its own");
  const sync = original.value as (this: FileHandle) => Promise<void>;
  const seen: string[] = [];
  const watched = async function (this: FileHandle): Promise<void> {
    const kind = (await this.stat()).isDirectory() ? "folder" : "file";
    seen.push(await observe(kind));
    await sync.call(this);
  };
  Object.defineProperty(prototype, "sync", { ...original, value: watched });
  return {
    seen,
    stop() {
      Object.defineProperty(prototype, "sync", original);
    },
  };
}
