/**
 * Test program: another process that writes to a folder store.
 * `count`: adds 1 to the object "counter" 40 times with putIf. `die-holding-lock`: takes every lock of the
 * store in turn and is killed while it holds the one of "counter".
 */
import { hash } from "node:crypto";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";

import { systemClock } from "../platform/clock.ts";
import { takeFolderLock } from "./folder-lock.ts";
import { FolderStore } from "./folder-store.ts";

const [root = "", kind = ""] = process.argv.slice(2);
const store = new FolderStore(root);

async function addOne(): Promise<void> {
  for (;;) {
    const present = await store.get("counter");
    const next = String(Number(present?.body.toString()) + 1);
    if ((await store.putIf("counter", next, { ifMatch: present?.etag ?? "" })) !== undefined) return;
  }
}

if (kind === "count") {
  for (let added = 0; added < 40; added++) await addOne();
  process.stdout.write("added 40\n");
} else {
  const scratch = join(root, ".tmp");
  await mkdir(scratch, { recursive: true });
  const number = hash("sha256", "counter", "buffer").readUInt8(0) % 64;
  const path = join(scratch, `lock-${String(number).padStart(2, "0")}`);
  await takeFolderLock({ path, scratch, waitMs: 10_000, clock: systemClock, what: "test" });
  process.kill(process.pid, "SIGKILL");
}
