/** Objects in Glacier: what is so, the restore that brings a readable copy, and the waiting for it. */
import { setTimeout as delay } from "node:timers/promises";
import { KimtestError } from "../../contracts/errors.ts";
import type { ObjectHead, ObjectStore } from "../../runner/store/object-store.ts";

export interface ThawOptions {
  /** Ask for a restore. */
  readonly restore: boolean;
  /** How long to wait for one; undefined: not at all. */
  readonly waitMs: number | undefined;
  readonly pollMs: number;
}

type Store = Pick<ObjectStore, "url" | "head" | "restore">;

/** The copy stays so long beside the archived object, and is billed. */
const DAYS = 7;
const HOURS: Readonly<Record<string, string>> = { GLACIER: "3 to 5 hours", DEEP_ARCHIVE: "up to 12 hours" };
const hoursOf = ({ storageClass }: ObjectHead): string => HOURS[storageClass] ?? "hours";

/**
 * The object once it can be read. `tell` is called with what is waited for.
 *
 * @throws KimtestError `NOT_READY` when it cannot be read yet, `INTERRUPTED`, `NOT_FOUND` when it goes meanwhile
 */
export async function readable(
  store: Store,
  head: ObjectHead,
  options: ThawOptions,
  stop: AbortSignal,
  tell: (text: string) => void,
): Promise<ObjectHead> {
  if (head.availability === "ready") return head;
  if (head.availability === "archived") {
    if (!options.restore) throw archived(head);
    await store.restore(head.key, DAYS);
    tell(`${head.key}: a restore from ${head.storageClass} was asked for; it takes ${hoursOf(head)}`);
  }
  return options.waitMs === undefined ? await look(store, head) : await wait(store, head, options, stop, tell);
}

/** A small restore may be over at once. */
async function look(store: Store, head: ObjectHead): Promise<ObjectHead> {
  const now = await headOf(store, head.key);
  if (now.availability === "ready") return now;
  throw new KimtestError("NOT_READY", `${head.key} is being restored from ${head.storageClass}`, {
    hint: `it takes ${hoursOf(head)}: run the same command later, or add --wait 12h`,
  });
}

async function wait(
  store: Store,
  head: ObjectHead,
  { waitMs = 0, pollMs }: ThawOptions,
  stop: AbortSignal,
  tell: (text: string) => void,
): Promise<ObjectHead> {
  const deadlineMs = performance.now() + waitMs;
  tell(`${head.key}: waiting for its restore`);
  for (;;) {
    const now = await headOf(store, head.key);
    if (now.availability === "ready") return now;
    const leftMs = deadlineMs - performance.now();
    if (leftMs <= 0) {
      throw new KimtestError("NOT_READY", `${head.key} is still not restored from ${head.storageClass}`, {
        hint: "S3 goes on with it: run the same command later",
      });
    }
    try {
      await delay(Math.min(pollMs, leftMs), undefined, { signal: stop });
    } catch (error) {
      if (!stop.aborted) throw error;
      throw new KimtestError("INTERRUPTED", `interrupted; S3 goes on restoring ${head.key}`, { cause: error });
    }
  }
}

export async function headOf(store: Pick<ObjectStore, "url" | "head">, key: string): Promise<ObjectHead> {
  const head = await store.head(key);
  if (head !== undefined) return head;
  throw new KimtestError("NOT_FOUND", `${key} is not in ${store.url}`, {
    hint: "`kimtest list-failures` shows what is; one that it shows may still wait on the machine's disk",
  });
}

const archived = (head: ObjectHead): KimtestError =>
  new KimtestError("NOT_READY", `${head.key} is in ${head.storageClass} and cannot be read at once`, {
    hint: `--restore asks for a copy for ${String(DAYS)} days (billed; it takes ${hoursOf(head)}), --wait 12h waits for it`,
  });
