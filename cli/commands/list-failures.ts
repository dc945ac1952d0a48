/** `kimtest list-failures`: what is archived, newest first, one by one or by finding. */
import { Option } from "@commander-js/extra-typings";
import type { ZodObject } from "zod";
import { KimtestError } from "../../contracts/errors.ts";
import type { ListedFailure, ListedFinding } from "../../contracts/reports.ts";
import type { ObjectStore } from "../../runner/store/object-store.ts";
import type { CliDeps } from "../deps.ts";
import type { FoundFailure } from "../failures/listing.ts";
import type { Rows } from "../failures/rows.ts";
import { parseSince } from "../typed-times.ts";
import { withResults, type ResultsChoice } from "../store.ts";
import type { InstantText } from "../times.ts";
import { fieldsOption, jsonOption, utcOption } from "./options.ts";
import { readingCommand } from "./options-place.ts";

interface ListFailuresOptions extends ResultsChoice {
  readonly json?: true | undefined;
  readonly fields?: string | undefined;
  readonly utc?: true | undefined;
  readonly kind?: "vopr" | "fuzz" | undefined;
  readonly byFinding?: true | undefined;
  readonly finding?: string | undefined;
  readonly since?: string | undefined;
  readonly limit: number;
  readonly index: boolean;
}

const DEFAULT_LIMIT = 50;

const HELP = `
A finding is what failures of one cause have in common; --by-finding shows their ids.
--json prints docs/schemas/FailureList.json, with --by-finding FindingList.json; --fields chooses among those of a row.

Examples:
  kimtest list-failures --kind vopr --since 2d --limit 10
  kimtest list-failures --by-finding
  kimtest list-failures --finding 0b6dbc3a2b0c
  kimtest list-failures --since 1d --json | jq -r '.failures[].key' | xargs kimtest fetch-failure`;

export function listFailuresCommand(deps: CliDeps) {
  return readingCommand("list-failures")
    .description("List archived failures, newest first.")
    .addOption(jsonOption())
    .addOption(fieldsOption())
    .addOption(utcOption())
    .addOption(new Option("--kind <kind>", "only these").choices(["vopr", "fuzz"]))
    .option("--by-finding", "one row for each finding, last seen first")
    .option("--finding <finding>", "only of this one: its id, its signature, or a part that fits no other")
    .option("--since <time>", "only from so long ago on (30m, 2h, 7d), or from an ISO instant on")
    .option("--limit <count>", "show at most so many", parseLimit, DEFAULT_LIMIT)
    .option("--no-index", "list the archive to its end, in case its index is damaged: slow")
    .addHelpText("after", HELP)
    .action((options) => listFailures(options, deps));
}

function parseLimit(text: string): number {
  if (/^[1-9]\d{0,5}$/.test(text)) return Number(text);
  throw new KimtestError("USAGE", `--limit is "${text}", but must be a whole number from 1 to 999999`);
}

export async function listFailures(options: ListFailuresOptions, deps: CliDeps): Promise<void> {
  const sinceMs = options.since === undefined ? 0 : parseSince(options.since, deps.now());
  await withResults(options, deps, (store) =>
    options.byFinding ? listByFinding(store, options, sinceMs, deps) : listOneByOne(store, options, sinceMs, deps),
  );
}

async function listOneByOne(
  store: ObjectStore,
  options: ListFailuresOptions,
  sinceMs: number,
  deps: CliDeps,
): Promise<void> {
  const [{ listNewest }, { Signatures }, { printable }, { keepMemorySmall }, { listedFailureSchema }] =
    await Promise.all([
      import("../failures/listing.ts"),
      import("../failures/signatures.ts"),
      import("../../runner/phases/digest/printable.ts"),
      import("../../runner/platform/memory.ts"),
      import("../../contracts/reports.ts"),
    ]);
  keepMemorySmall();
  const { limit, kind, finding: asked } = options;
  const finding = asked === undefined ? undefined : await findingIdOf(store, asked);
  const signatures = new Signatures(store);
  const rows = await rowsOf<ListedFailure>("failures", listedFailureSchema, options, deps, failureRow);
  const kinds = kind === undefined ? (["vopr", "fuzz"] as const) : [kind];
  const question = { kinds, sinceMs, finding, limit, useIndex: options.index };
  const { more, unnamed } = await listNewest(store, question, async (page) => {
    await signatures.read(page);
    rows.add(page.map((failure) => listed(failure, signatures.of(failure.finding))));
  });
  rows.end(more);
  if (rows.count === 0) deps.err(`no failures${conditions(options)} are archived in ${store.url}\n`);
  if (more) deps.err(`there are more; --limit ${String(limit * 2)} shows twice as many\n`);
  if (unnamed > 0) {
    deps.err(
      `${String(unnamed)} others may be of it: they are older than the index, and only the failure itself tells\n`,
    );
  }
  if (signatures.problem !== undefined) {
    const { EXIT } = await import("../../contracts/errors.ts");
    deps.err(`some signatures are missing: ${printable(signatures.problem)}\n`);
    deps.setExitCode(EXIT.inconclusive);
  }
}

async function listByFinding(
  store: ObjectStore,
  options: ListFailuresOptions,
  sinceMs: number,
  deps: CliDeps,
): Promise<void> {
  const [{ readFindings, matchingFindings }, { listedFindingSchema }] = await Promise.all([
    import("../failures/findings.ts"),
    import("../../contracts/reports.ts"),
  ]);
  const { limit, kind, finding: asked } = options;
  const all = await readFindings(store);
  const findings = (asked === undefined ? all : matchingFindings(all, asked)).filter(
    ({ workload, last_seen_at: at }) => (kind === undefined || workload === kind) && Date.parse(at) >= sinceMs,
  );
  const rows = await rowsOf<ListedFinding>("findings", listedFindingSchema, options, deps, findingRow);
  rows.add(findings.slice(0, limit));
  rows.end(findings.length > limit);
  if (findings.length === 0) deps.err(`no findings${conditions(options)} are on record in ${store.url}\n`);
  const left = findings.length - limit;
  if (left > 0) deps.err(`${String(left)} more; --limit ${String(findings.length)} shows them\n`);
}

type RowText<T> = (row: T, instant: InstantText, printable: (text: string) => string) => string;

async function rowsOf<T extends object>(
  name: string,
  schema: ZodObject,
  options: ListFailuresOptions,
  deps: CliDeps,
  text: RowText<T>,
): Promise<Rows<T>> {
  const [{ openRows }, { fieldsOf }, { instantText }, { printable }] = await Promise.all([
    import("../failures/rows.ts"),
    import("../fields.ts"),
    import("../times.ts"),
    import("../../runner/phases/digest/printable.ts"),
  ]);
  const { pick } = fieldsOf(options.fields, schema);
  const instant = instantText(deps.timeZone, options.utc);
  // On a terminal a row is a line; elsewhere nothing is cut.
  const width = deps.board === undefined ? Infinity : deps.columns;
  const line = (row: T): string => {
    const whole = text(row, instant, printable);
    return whole.length > width ? `${whole.slice(0, width - 1)}…` : whole;
  };
  const isJson = options.json === true || options.fields !== undefined;
  return openRows<T>(name, deps.out, isJson ? { json: pick } : { line });
}

/** An id is taken as it is: its finding may be too young for the registry. */
async function findingIdOf(store: ObjectStore, text: string): Promise<string> {
  const [{ FINDING_ID }, { theOnlyFinding }] = await Promise.all([
    import("../../contracts/bucket.ts"),
    import("../failures/findings.ts"),
  ]);
  return FINDING_ID.test(text) ? text : (await theOnlyFinding(store, text)).id;
}

function listed(failure: FoundFailure, signature: string | null): ListedFailure {
  const { key, kind, at, finding } = failure;
  const own = failure.kind === "vopr" ? { seed: failure.seed } : { target: failure.target };
  return { key, kind, at: at.toISOString(), ...own, finding, signature };
}

/** Wide enough for most seeds. */
const KEY_WIDTH = 36;
const NO_FINDING = "-".padEnd(12);

const failureRow: RowText<ListedFailure> = ({ at, key, finding, signature }, instant, printable) => {
  const name = key.slice("failures/".length).padEnd(KEY_WIDTH);
  return `${instant(at)}  ${name}  ${finding ?? NO_FINDING}  ${printable(signature ?? "")}`.trimEnd();
};

const findingRow: RowText<ListedFinding> = (finding, instant, printable) => {
  const { id, state, count, last_seen_at: at, signature } = finding;
  return `${id}  ${instant(at)}  ${state.padEnd(12)}  ${String(count).padStart(7)}  ${printable(signature)}`;
};

function conditions({ kind, since, finding }: ListFailuresOptions): string {
  const given = { "of kind": kind, "of finding": finding, since };
  return Object.entries(given)
    .flatMap(([name, value]) => (value === undefined ? [] : ` ${name} ${value}`))
    .join("");
}
