/** An archived VOPR failure, from a file or from the store, and what of its command may be run here. */
import { constants } from "node:fs";
import { open } from "node:fs/promises";
import { failureKeyFrom, FAILURES_PREFIX, parseFailureKey, voprBundleKey } from "../contracts/bucket.ts";
import { MAX_BUNDLE_BYTES } from "../contracts/bundle-file.ts";
import { KimtestError, reasonOf, systemCodeOf } from "../contracts/errors.ts";
import { voprFailureSchema, type VoprFailure } from "../contracts/failure.ts";
import { embeddedProfile } from "../runner/profiles/embedded.ts";
import type { ObjectStore } from "../runner/store/object-store.ts";
import { decodeJson, readJson } from "../runner/store/read-json.ts";
import type { CliDeps } from "./deps.ts";
import { withResults, type ResultsChoice } from "./store.ts";

const MAX_FILE_BYTES = 64 * 1024 * 1024;

export interface ArchivedRecord {
  readonly failure: VoprFailure;
  /** Where it was read when that was a store; undefined for a file. */
  readonly stored: { readonly key: string; readonly bundle: StoredBundle | undefined } | undefined;
}

/** The bundle that a record in a store names; `bytes` are undefined when the store does not have it. */
export interface StoredBundle {
  readonly key: string;
  readonly bytes: Buffer | undefined;
}

/** @throws KimtestError `NOT_FOUND`, `USAGE` for another kind of file, `CORRUPT_DATA`, `LIMIT_EXCEEDED`. */
export async function readFailure(named: string, choice: ResultsChoice, deps: CliDeps): Promise<ArchivedRecord> {
  if (named.endsWith(".tar.gz")) {
    throw new KimtestError("USAGE", `${named} is not an archived seed`, {
      hint: "vopr-repro takes failures/vopr/seed-SEED-TS.json or its bundle (.kmb); a fuzz archive holds its own repro line in failure.json",
    });
  }
  const text = await readTextFile(named);
  if (text !== undefined) return { failure: decodeJson(text, named, voprFailureSchema), stored: undefined };
  const typed = named.startsWith(FAILURES_PREFIX) ? named : `${FAILURES_PREFIX}${named}`;
  if (parseFailureKey(typed) === undefined) {
    throw new KimtestError("NOT_FOUND", `there is no file ${named}`, {
      hint: "fetch one first: kimtest fetch-failure KEY",
    });
  }
  return withResults(choice, deps, async (store) => {
    const { key } = failureKeyFrom(named);
    const failure = (await readJson(store, key, voprFailureSchema))?.value;
    if (failure === undefined) {
      throw new KimtestError("NOT_FOUND", `${named} is neither a file here nor in ${store.url}`, {
        hint: "`kimtest list-failures` shows what is",
      });
    }
    return { failure, stored: { key, bundle: await storedBundle(store, key, failure) } };
  });
}

async function storedBundle(store: ObjectStore, key: string, failure: VoprFailure): Promise<StoredBundle | undefined> {
  if (failure.bundle_key === null) return undefined;
  // Not the key that the record says, which may be anything.
  const bundleKey = voprBundleKey(key);
  const found = await store.get(bundleKey, { maxBytes: MAX_BUNDLE_BYTES });
  return { key: bundleKey, bytes: found?.body };
}

/** Undefined when there is no such file. */
async function readTextFile(path: string): Promise<string | undefined> {
  let handle;
  try {
    // Without O_NONBLOCK a named pipe would be waited for.
    handle = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
  } catch (error) {
    if (["ENOENT", "ENOTDIR"].includes(systemCodeOf(error) ?? "")) return undefined;
    throw new KimtestError("BAD_INPUT", `${path} cannot be read: ${reasonOf(error)}`, {
      hint: "check the path and its permissions",
      cause: error,
    });
  }
  try {
    const stat = await handle.stat();
    if (!stat.isFile()) {
      throw new KimtestError("USAGE", `${path} is not a file`, { hint: "name the file that fetch-failure brought" });
    }
    if (stat.size > MAX_FILE_BYTES) {
      throw new KimtestError("LIMIT_EXCEEDED", `${path} is larger than ${String(MAX_FILE_BYTES)} bytes`, {
        hint: "a failure's record is far smaller; look at what this file is",
      });
    }
    return await handle.readFile("utf8");
  } finally {
    await handle.close();
  }
}

/** Flags that change what a seed does or how much is said about it. None of them names a file or ends the program. */
const SWITCHES: ReadonlySet<string> = new Set([
  "--json",
  "--no-faults",
  "--check-determinism",
  "--no-trace-on-failure",
  "--no-enhanced-workloads",
  "--no-failure-diagnosis",
  "--vsr-mode",
  "--core-invariants-only",
  "--enable-vsr-invariants",
  "--disable-vsr-invariants",
]);
const WITH_VALUE: ReadonlySet<string> = new Set([
  "--scenario",
  "--seed",
  "-n",
  "--iterations",
  "--faults",
  "--max-events",
  "--max-time",
  "--workload-ops-per-tick",
  "--workload-tick-ms",
  "--enable-invariant",
  "--disable-invariant",
  "--canary",
]);

/**
 * The flags of the archived command; its program is replaced by the one of this checkout.
 *
 * A list of what is allowed: a record from elsewhere must not choose what this machine writes or runs.
 *
 * @throws KimtestError `BAD_INPUT` for another flag, and for a record that this simulator did not make.
 */
export function reproFlags(failure: VoprFailure): string[] {
  const { name } = embeddedProfile();
  // Another program's seed run by ours would pass or fail for no reason at all.
  if (failure.profile !== name) {
    throw new KimtestError("BAD_INPUT", `the record is of profile ${failure.profile}, not of the embedded simulator`, {
      hint: `after a look at it, run its own line in that project's checkout: ${failure.repro}`,
    });
  }
  const start = failure.command.indexOf("--json");
  if (start < 0) throw unsafe("it has no --json");
  const flags = failure.command.slice(start);
  for (let index = 0; index < flags.length; index += 1) {
    const flag = flags[index] ?? "";
    if (SWITCHES.has(flag)) continue;
    if (!WITH_VALUE.has(flag)) throw unsafe(flag);
    index += 1;
    const value = flags[index];
    if (value === undefined || value.startsWith("-")) throw unsafe(`${flag} has no value`);
  }
  return flags;
}

function unsafe(what: string): KimtestError {
  return new KimtestError("BAD_INPUT", `the record's command cannot be run safely: ${what}`, {
    hint: "look at the file, then run its repro line by hand",
  });
}
