/** `kimtest list-failures`: what is archived, newest first. */
import { Command, Option } from "@commander-js/extra-typings";
import type { FailureKey } from "../../contracts/bucket.ts";
import { KimtestError } from "../../contracts/errors.ts";
import type { CliDeps } from "../deps.ts";
import { withStore } from "../store.ts";
import { jsonOption, storeOption } from "./options.ts";

interface ListFailuresOptions {
  readonly store: string;
  readonly json?: true | undefined;
  readonly kind?: "vopr" | "fuzz" | undefined;
  readonly limit: number;
}

type ListedFailure = FailureKey & { readonly size: number };

const DEFAULT_LIMIT = 50;

export function listFailuresCommand(deps: CliDeps) {
  return new Command("list-failures")
    .description("List archived failures, newest first.")
    .addOption(storeOption())
    .addOption(jsonOption())
    .addOption(new Option("--kind <kind>", "only these").choices(["vopr", "fuzz"]))
    .option("--limit <count>", "show at most so many", parseLimit, DEFAULT_LIMIT)
    .addHelpText(
      "after",
      "\nExamples:\n  kimtest list-failures --kind vopr --limit 10\n  kimtest fetch-failure $(kimtest list-failures --json | jq -r '.failures[0].key')",
    )
    .action((options) => listFailures(options, deps));
}

function parseLimit(text: string): number {
  if (/^[1-9]\d{0,5}$/.test(text)) return Number(text);
  throw new KimtestError("USAGE", `--limit is "${text}", but must be a whole number from 1 to 999999`);
}

export async function listFailures(options: ListFailuresOptions, deps: CliDeps): Promise<void> {
  const [{ FAILURES_PREFIX, failuresPrefix, parseFailureKey }, { jsonText }] = await Promise.all([
    import("../../contracts/bucket.ts"),
    import("../json.ts"),
  ]);
  await withStore(options.store, async (store) => {
    const prefix = options.kind === undefined ? FAILURES_PREFIX : failuresPrefix(options.kind);
    const newest = new NewestFirst(options.limit);
    for await (const { key, size } of store.list(prefix)) {
      const parsed = parseFailureKey(key);
      if (parsed !== undefined) newest.add({ ...parsed, size });
    }
    const failures = newest.failures();
    if (options.json) {
      deps.out(jsonText({ total: newest.total, failures }));
      return;
    }
    if (newest.total === 0) deps.err(`no failures are archived in ${store.url}\n`);
    deps.out(failures.map((failure) => `${row(failure)}\n`).join(""));
    if (newest.total > failures.length) {
      deps.err(`${String(newest.total - failures.length)} more; --limit ${String(newest.total)} shows them\n`);
    }
  });
}

function row({ key, kind, at, size }: ListedFailure): string {
  const when = at.toISOString().replace("T", " ").slice(0, 19);
  return `${when}  ${kind.padEnd(4)}  ${`${String(size)} B`.padStart(9)}  ${key.slice("failures/".length)}`;
}

/** Keeps the newest of many: memory grows with the limit, not with the bucket. */
export class NewestFirst {
  readonly #limit: number;
  #kept: ListedFailure[] = [];
  total = 0;

  constructor(limit: number) {
    this.#limit = limit;
  }

  add(failure: ListedFailure): void {
    this.total += 1;
    this.#kept.push(failure);
    if (this.#kept.length >= 2 * this.#limit + 1_000) this.#kept = this.failures();
  }

  /** How many are in memory. */
  get kept(): number {
    return this.#kept.length;
  }

  failures(): ListedFailure[] {
    return this.#kept
      .toSorted((a, b) => b.at.getTime() - a.at.getTime() || (a.key < b.key ? -1 : 1))
      .slice(0, this.#limit);
  }
}
