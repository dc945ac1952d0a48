/**
 * From what people type to archived failures: a key, a finding (its id or signature; its newest archived failure is
 * meant), or a part of either that fits only one. What fits several is listed, and never guessed.
 */
import { FAILURES_PREFIX, parseFailureKey, type FailureKey } from "../../contracts/bucket.ts";
import { KimtestError } from "../../contracts/errors.ts";
import type { ListedFinding } from "../../contracts/reports.ts";
import type { ObjectStore } from "../../runner/store/object-store.ts";
import { matchingFindings, readFindings } from "./findings.ts";
import { scan } from "./listing.ts";
import { NewestFirst } from "./newest-first.ts";

/** Shown of those that fit. */
const SHOWN = 10;
const MAX_LENGTH = 500;

/** @throws KimtestError `USAGE`, `NOT_FOUND` */
export async function resolveFailures(store: ObjectStore, typed: readonly string[]): Promise<FailureKey[]> {
  const keys = typed.map(keyIn);
  const parts = typed.filter((_, index) => keys[index] === undefined);
  for (const part of parts) assertSearchable(part);
  const found = parts.length === 0 ? new Map<string, FailureKey>() : await search(store, parts);
  const failures = typed.map((text, index) => keys[index] ?? found.get(text)!);
  return [...new Map(failures.map((failure) => [failure.key, failure])).values()];
}

const keyIn = (typed: string): FailureKey | undefined =>
  parseFailureKey(typed.startsWith(FAILURES_PREFIX) ? typed : `${FAILURES_PREFIX}${typed}`);

/** A mistake, or worse: nothing that is archived has it in its name. */
function assertSearchable(text: string): void {
  const isPath = text.startsWith("/") || text.split("/").some((segment) => segment === ".." || segment === ".");
  if (text !== "" && text.length <= MAX_LENGTH && !isPath && !/[\p{Cc}\\]/u.test(text)) return;
  throw new KimtestError("USAGE", `"${text.slice(0, MAX_LENGTH)}" is neither a failure nor a finding`, {
    hint: "keys look like vopr/seed-17-1700000000000.json; `kimtest list-failures` shows them, --by-finding the findings",
  });
}

async function search(store: ObjectStore, parts: readonly string[]): Promise<Map<string, FailureKey>> {
  const findings = await readFindings(store);
  const found = new Map<string, FailureKey>();
  const open: string[] = [];
  for (const part of parts) {
    const exact = findings.find(({ id, signature }) => id === part || signature === part);
    if (exact === undefined) open.push(part);
    else found.set(part, failureOf(exact));
  }
  const matches = await searchKeys(store, open);
  for (const part of open) found.set(part, theOnly(part, matchingFindings(findings, part), matches.get(part)!));
  return found;
}

async function searchKeys(store: ObjectStore, parts: readonly string[]): Promise<Map<string, NewestFirst>> {
  const matches = new Map(parts.map((part) => [part, new NewestFirst(SHOWN)]));
  if (parts.length === 0) return matches;
  await scan(store, { kinds: ["vopr", "fuzz"] }, (failure) => {
    for (const [part, newest] of matches) if (failure.key.includes(part)) newest.add(failure);
  });
  return matches;
}

function theOnly(part: string, findings: readonly ListedFinding[], newest: NewestFirst): FailureKey {
  const failures = newest.failures();
  const count = findings.length + newest.total;
  const [finding] = findings;
  const [failure] = failures;
  if (count === 1 && finding !== undefined) return failureOf(finding);
  if (count === 1 && failure !== undefined) return failure;
  if (count === 0) {
    throw new KimtestError("NOT_FOUND", `nothing that is archived has ${part} in its key, finding id or signature`, {
      hint: "`kimtest list-failures` shows what is archived, --by-finding the findings",
    });
  }
  const candidates = [
    ...findings.map(({ id, signature }) => `${id}  ${signature}`),
    ...failures.map(({ key }) => key.slice(FAILURES_PREFIX.length)),
  ].slice(0, SHOWN);
  throw new KimtestError("USAGE", `${String(count)} fit ${part}`, {
    hint: ["say which:", ...candidates, ...(count > candidates.length ? ["…"] : [])].join("\n  "),
  });
}

function failureOf({ id, signature, workload, failure_key: key }: ListedFinding): FailureKey {
  const failure = parseFailureKey(key);
  if (failure !== undefined) return failure;
  throw new KimtestError("NOT_FOUND", `finding ${id} (${signature}) has no archived failure`, {
    hint: workload === "formal-verification" ? `its evidence is ${key} in the store` : "its registry entry is damaged",
  });
}
