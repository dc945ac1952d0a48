/** Failures and findings that begin with what is typed, from the store that the typed line would read. */
import { FAILURES_PREFIX, parseFailureKey, type FailureKind } from "../../contracts/bucket.ts";
import { printable } from "../../runner/phases/digest/printable.ts";
import type { ObjectStore } from "../../runner/store/object-store.ts";
import { readFindings } from "../failures/findings.ts";
import { listNewest } from "../failures/listing.ts";
import type { Candidate } from "./expectation.ts";

/** More would only fill the screen. */
const MAX_CANDIDATES = 100;
const KINDS: readonly FailureKind[] = ["vopr", "fuzz"];

/** The newest; once something of a name is typed, those that begin with it. */
export async function failureCandidates(store: ObjectStore, typed: string): Promise<Candidate[]> {
  const keys: string[] = [];
  const name = typed.startsWith(FAILURES_PREFIX) ? typed.slice(FAILURES_PREFIX.length) : typed;
  if (KINDS.some((kind) => name.startsWith(`${kind}/`))) {
    for await (const { key } of store.list(FAILURES_PREFIX + name, { pageSize: MAX_CANDIDATES })) {
      if (parseFailureKey(key) !== undefined) keys.push(key);
      if (keys.length === MAX_CANDIDATES) break;
    }
  } else {
    const question = { kinds: KINDS, sinceMs: 0, limit: MAX_CANDIDATES, useIndex: true };
    await listNewest(store, question, (page) => {
      keys.push(...page.map(({ key }) => key));
      return Promise.resolve();
    });
  }
  const before = typed.startsWith(FAILURES_PREFIX) ? "" : FAILURES_PREFIX;
  return keys
    .map((key) => ({ value: key.slice(before.length), description: "" }))
    .filter(({ value }) => value.startsWith(typed));
}

export async function findingCandidates(store: ObjectStore, typed: string): Promise<Candidate[]> {
  return (await readFindings(store))
    .filter(({ id }) => id.startsWith(typed))
    .slice(0, MAX_CANDIDATES)
    .map(({ id, signature }) => ({ value: id, description: printable(signature) }));
}
