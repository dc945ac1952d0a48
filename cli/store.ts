/**
 * Where the reading commands read, and how: one place for all of them.
 *
 * The order: what somebody has said (cli/choice.ts), else the local store where there is one, else the bucket of the
 * deployed stack. So whoever has only run `kimtest cycle` gets their own results, without a call to AWS.
 */
import { DEFAULT_STORE } from "../contracts/defaults.ts";
import { KimtestError } from "../contracts/errors.ts";
import type { ObjectStore } from "../runner/store/object-store.ts";
import type { OpenStoreOptions } from "../runner/store/open-store.ts";
import type { FoundStack } from "./aws/stack.ts";
import type { Chosen, ResultsChoice } from "./choice.ts";
import type { CliDeps } from "./deps.ts";

export type { ResultsChoice } from "./choice.ts";

export interface Place {
  /** A folder, or s3://bucket[/prefix]. */
  readonly location: string;
  /** Who said so, for people: `--store`, `KIMTEST_STACK`, the path of a kimtest.json, … */
  readonly by: string;
  /** Of a bucket. */
  readonly region: string | undefined;
  readonly profile: string | undefined;
  /** The deployed stack that is meant; undefined where only a store is. */
  readonly stack: FoundStack | undefined;
}

/** After a stop: for who looks at it and says what is so now, and then for what is still under way. */
const SAY_MS = 500;
const END_MS = 500;

/** Opens the place, reads, and closes it; a stop ends it. On stderr: which it is, unless `--store` has said it. */
export async function withResults<T>(
  choice: ResultsChoice,
  deps: CliDeps,
  read: (store: ObjectStore) => Promise<T>,
): Promise<T> {
  const place = await findPlace(choice, deps);
  if (choice.store === undefined) deps.err(`reading ${place.location} (${place.by})\n`);
  const { location, region, profile } = place;
  return withStore(location, (store) => untilStopped(read(store), deps), { region, profile });
}

/** A signal that is taken over has to end the reading, also one that waits for an answer or for many of them. */
async function untilStopped<T>(work: Promise<T>, { stop, endWithin }: CliDeps): Promise<T> {
  const stopped = Promise.withResolvers<never>();
  let timer: NodeJS.Timeout | undefined;
  const onStop = (): void => {
    timer = setTimeout(() => {
      stopped.reject(new KimtestError("INTERRUPTED", "interrupted"));
    }, SAY_MS);
  };
  stop.addEventListener("abort", onStop);
  if (stop.aborted) onStop();
  try {
    return await Promise.race([work, stopped.promise]);
  } finally {
    stop.removeEventListener("abort", onStop);
    clearTimeout(timer);
    stopped.promise.catch(() => undefined); // nobody waits for the loser
    if (stop.aborted) endWithin(END_MS);
  }
}

/** A store for a command that reads: it must exist, and is closed again. */
export async function withStore<T>(
  location: string,
  read: (store: ObjectStore) => Promise<T>,
  options: Omit<OpenStoreOptions, "mustExist"> = {},
): Promise<T> {
  const { openStore } = await import("../runner/store/open-store.ts");
  const store = await openStore(location, { ...options, mustExist: true });
  try {
    return await read(store);
  } finally {
    store.close();
  }
}

export async function findPlace(choice: ResultsChoice, deps: Pick<CliDeps, "here" | "stop">): Promise<Place> {
  const { here } = deps;
  const [{ choose }, { readProjectFile }] = await Promise.all([import("./choice.ts"), import("./project-file.ts")]);
  const chosen = choose(choice, here.env, await readProjectFile(here.folder));
  const { results } = chosen;
  if (results.kind === "store") {
    const stack = results.withStack ? await stackOf(chosen, deps) : undefined;
    const { value: location, by } = results.store;
    const region = stack?.target.region ?? chosen.region?.value;
    return { location, by, region, profile: chosen.profile?.value, stack };
  }
  if (results.kind === "unsaid") {
    const local = await localStore(here.folder);
    if (local !== undefined) {
      return { location: local, by: "the local store", region: undefined, profile: undefined, stack: undefined };
    }
  }
  const stack = results.kind === "unsaid" ? await stackOrNothing(chosen, deps) : await stackOf(chosen, deps);
  const { parts, target, by } = stack;
  return { location: `s3://${parts.s3_bucket}`, by: `stack ${parts.stack}, ${by}`, ...target, stack };
}

async function stackOf(chosen: Chosen, { here, stop }: Pick<CliDeps, "here" | "stop">): Promise<FoundStack> {
  const [{ findChosenStack }, { interruptible }] = await Promise.all([
    import("./aws/stack.ts"),
    import("./aws/interruptible.ts"),
  ]);
  return interruptible(stop, findChosenStack(chosen, stop, here), () => "interrupted");
}

/** Nobody has said anything, and nothing is here: whoever never deployed anything must not be sent to AWS alone. */
async function stackOrNothing(chosen: Chosen, deps: Pick<CliDeps, "here" | "stop">): Promise<FoundStack> {
  try {
    return await stackOf(chosen, deps);
  } catch (error) {
    if (!(error instanceof KimtestError) || error.code === "INTERRUPTED") throw error;
    throw new KimtestError(error.code, `there is no local store (${DEFAULT_STORE}) here, and ${error.message}`, {
      hint: `\`npm run cycle\` makes a local one; --store names another; of a deployed stack: ${error.hint ?? ""}`,
      cause: error,
    });
  }
}

async function localStore(folder: string): Promise<string | undefined> {
  const [{ stat }, path] = await Promise.all([import("node:fs/promises"), import("node:path")]);
  const local = path.resolve(folder, DEFAULT_STORE);
  // A fault other than absence is the store's own to tell when it is opened.
  const found = await stat(local).catch((error: unknown) => error);
  return (found as { code?: unknown }).code === "ENOENT" ? undefined : local;
}
