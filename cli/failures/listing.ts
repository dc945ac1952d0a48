/**
 * Archived failures, newest first, page by page.
 *
 * From the index as far back as it is whole (contracts/bucket.ts): its first page is the newest failures, however many
 * there are. What is older, or a store without an index, has to be listed to its end, for the archive's own keys begin
 * with the seed; that is done by many listings at once, and keeps no more than will be shown.
 */
import {
  FAILURE_INDEX_BEGINS_PREFIX,
  failureIndexPrefix,
  failuresPrefix,
  parseFailureIndexBeginsKey,
  parseFailureIndexKey,
  parseFailureKey,
  type FailureKey,
  type FailureKind,
} from "../../contracts/bucket.ts";
import type { ObjectStore } from "../../runner/store/object-store.ts";
import { NewestFirst } from "./newest-first.ts";

export interface FailureQuestion {
  readonly kinds: readonly FailureKind[];
  readonly sinceMs: number;
  /** Only failures of this finding (its id). */
  readonly finding?: string | undefined;
  readonly limit: number;
  /** False: as if there were none. */
  readonly useIndex: boolean;
}

/** `finding`: null where the index does not tell. */
export type FoundFailure = FailureKey & { readonly finding: string | null };

export interface Listed {
  readonly more: boolean;
  /** Older than the index, so that nothing tells whether they are of the finding that was asked for. */
  readonly unnamed: number;
}

type Reader = Pick<ObjectStore, "list">;
type Show = (page: readonly FoundFailure[]) => Promise<void>;

/** Small, so that the first one is on the screen at once. */
const PAGE = 50;
/** Of a bucket. */
const MAX_PAGE = 1_000;

export async function listNewest(store: Reader, question: FailureQuestion, show: Show): Promise<Listed> {
  const pages = new Pages(question.limit, show);
  const beginsMs = await readIndexed(store, question, pages);
  if (pages.isFull || question.sinceMs >= beginsMs) return { more: await pages.end(), unnamed: 0 };
  // Before the slow part.
  await pages.flush();
  const older = new NewestFirst(pages.left + 1);
  await scan(store, question, (failure) => {
    const atMs = failure.at.getTime();
    if (atMs >= question.sinceMs && atMs < beginsMs) older.add(failure);
  });
  if (question.finding !== undefined) return { more: await pages.end(), unnamed: older.total };
  for (const failure of older.failures()) await pages.add({ ...failure, finding: null });
  return { more: await pages.end(), unnamed: 0 };
}

/** Shows a page at a time, and no more than the limit. */
class Pages {
  readonly #show: Show;
  #page: FoundFailure[] = [];
  left: number;
  #more = false;

  constructor(limit: number, show: Show) {
    this.left = limit;
    this.#show = show;
  }

  /** There is more than may be shown: nothing else has to be looked for. */
  get isFull(): boolean {
    return this.#more;
  }

  async add(failure: FoundFailure): Promise<void> {
    if (this.left === 0) {
      this.#more = true;
      return;
    }
    this.left -= 1;
    this.#page.push(failure);
    if (this.#page.length === PAGE) await this.flush();
  }

  async flush(): Promise<void> {
    const page = this.#page;
    this.#page = [];
    if (page.length > 0) await this.#show(page);
  }

  async end(): Promise<boolean> {
    await this.flush();
    return this.#more;
  }
}

/** Returns the instant since which the index is whole; Infinity: it is not. */
async function readIndexed(store: Reader, question: FailureQuestion, pages: Pages): Promise<number> {
  if (!question.useIndex) return Infinity;
  const streams = question.kinds.map((kind) => indexed(store, kind, question));
  const [beginsMs, ...heads] = await Promise.all([indexBegins(store), ...streams.map(nextOf)]);
  const oldestMs = Math.max(question.sinceMs, beginsMs);
  for (;;) {
    const turn = newestHead(heads);
    const failure = heads[turn];
    if (failure === undefined || failure.at.getTime() < oldestMs) break;
    if (question.finding === undefined || failure.finding === question.finding) await pages.add(failure);
    // The next one may be on another page.
    if (pages.isFull) break;
    heads[turn] = await nextOf(streams[turn]!);
  }
  await Promise.all(streams.map((stream) => stream.return(undefined)));
  return beginsMs;
}

/** With the one more that tells that there is more. Of one finding, nobody knows how many have to be looked at. */
async function* indexed(
  store: Reader,
  kind: FailureKind,
  question: FailureQuestion,
): AsyncGenerator<FoundFailure, undefined> {
  const pageSize = question.finding === undefined ? Math.min(question.limit + 1, MAX_PAGE) : MAX_PAGE;
  for await (const { key } of store.list(failureIndexPrefix(kind), { pageSize })) {
    const failure = parseFailureIndexKey(key);
    if (failure !== undefined) yield failure;
  }
}

async function nextOf(stream: AsyncGenerator<FoundFailure, undefined>): Promise<FoundFailure | undefined> {
  return (await stream.next()).value;
}

/** -1: all have ended. */
function newestHead(heads: readonly (FoundFailure | undefined)[]): number {
  let newest = -1;
  heads.forEach((head, index) => {
    const best = heads[newest];
    if (head !== undefined && (best === undefined || head.at.getTime() > best.at.getTime())) newest = index;
  });
  return newest;
}

async function indexBegins(store: Reader): Promise<number> {
  for await (const { key } of store.list(FAILURE_INDEX_BEGINS_PREFIX, { pageSize: 1 })) {
    const beginsMs = parseFailureIndexBeginsKey(key);
    if (beginsMs !== undefined) return beginsMs;
  }
  return Infinity;
}

/** A listing for each first digit: pages of one come one after the other, and a bucket answers ten as fast. */
const FIRST_PARTS: Readonly<Record<FailureKind, readonly string[]>> = {
  vopr: Array.from({ length: 10 }, (_, digit) => `seed-${String(digit)}`),
  fuzz: [""],
};

/** Calls for every archived failure, in no order. */
export async function scan(
  store: Reader,
  { kinds }: Pick<FailureQuestion, "kinds">,
  found: (failure: FailureKey) => void,
): Promise<void> {
  const prefixes = kinds.flatMap((kind) => FIRST_PARTS[kind].map((part) => failuresPrefix(kind) + part));
  await Promise.all(
    prefixes.map(async (prefix) => {
      for await (const { key } of store.list(prefix)) {
        const failure = parseFailureKey(key);
        if (failure !== undefined) found(failure);
      }
    }),
  );
}
