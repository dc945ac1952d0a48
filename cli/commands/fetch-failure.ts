/** `kimtest fetch-failure FAILURE…`: brings archived failures here and says how to reproduce them. */
import { basename, join, resolve } from "node:path";
import type { FailureKey } from "../../contracts/bucket.ts";
import { DEFAULT_FETCH_FOLDER } from "../../contracts/defaults.ts";
import { KimtestError } from "../../contracts/errors.ts";
import type { FetchedFailure, FetchedFile } from "../../contracts/reports.ts";
import type { ObjectStore } from "../../runner/store/object-store.ts";
import type { CliDeps } from "../deps.ts";
import type { DownloadScreen } from "../failures/progress.ts";
import { withResults, type ResultsChoice } from "../store.ts";
import { parseDuration } from "../typed-times.ts";
import { jsonOption } from "./options.ts";
import { readingCommand } from "./options-place.ts";

export interface FetchFailureOptions extends ResultsChoice {
  readonly json?: true | undefined;
  readonly to: string;
  readonly force?: true | undefined;
  readonly extract?: true | undefined;
  readonly restore?: true | undefined;
  readonly wait?: number | undefined;
}

/** Between two looks at a restore that takes hours. */
const POLL_MS = 60_000;
const AT_ONCE = 3;

const HELP = `
With the record of a seed comes its bundle (.kmb), where there is one: \`kimtest vopr show\`, \`timeline\`, \`bisect\` and
\`minimize\` take it.

A failure is named by its key, by its finding (the newest archived failure of it is fetched), or by a part of
either that fits only one. What was fetched in part is kept and gone on with. --json prints
docs/schemas/FetchedFailures.json.

Examples:
  kimtest fetch-failure vopr/seed-17-1700000000000.json
  kimtest fetch-failure 0b6dbc3a2b0c seed-17-1700 --to /tmp/failures
  kimtest fetch-failure fuzz/json-1700000001000.tar.gz --extract
  kimtest fetch-failure vopr/seed-17-1700000000000.json --restore --wait 12h`;

export function fetchFailureCommand(deps: CliDeps) {
  return readingCommand("fetch-failure")
    .description("Fetch archived failures.")
    .argument("<failure...>", "keys as list-failures shows them, findings, or parts of either")
    .addOption(jsonOption())
    .option("--to <folder>", "where to put them", DEFAULT_FETCH_FOLDER)
    .option("--force", "replace files that are there and differ")
    .option("--extract", "unpack fuzz archives beside them")
    .option("--restore", "ask for a copy of what is in Glacier")
    .option("--wait <time>", "wait for the copy, at most so long: 30m, 12h", parseDuration("--wait"))
    .addHelpText("after", HELP)
    .action((failures, options) => fetchFailure(failures, options, deps));
}

export async function fetchFailure(
  typed: readonly string[],
  options: FetchFailureOptions,
  deps: CliDeps,
  pollMs = POLL_MS,
): Promise<void> {
  const [{ resolveFailures }, { openDownloadScreen }, { eachOf }, { jsonText }] = await Promise.all([
    import("../failures/resolve.ts"),
    import("../failures/progress.ts"),
    import("../../runner/platform/together.ts"),
    import("../json.ts"),
  ]);
  await withResults(options, deps, async (store) => {
    const failures = await resolveFailures(store, typed);
    const screen = await openDownloadScreen(deps);
    const fetched: FetchedFailure[] = [];
    const problems: Problem[] = [];
    try {
      await eachOf(failures, AT_ONCE, deps.stop, async (failure) => {
        try {
          const one = await fetchOne(store, failure, options, { deps, screen, pollMs });
          fetched.push(one);
          if (!options.json) say(one, deps);
        } catch (error) {
          if (!(error instanceof KimtestError)) throw error;
          problems.push({ failure, error });
        }
      });
    } finally {
      screen.close();
    }
    const done = fetched.length + problems.length;
    if (done < failures.length) {
      throw new KimtestError(
        "INTERRUPTED",
        `interrupted: ${String(done)} of ${String(failures.length)} were looked at`,
        {
          hint: "the same command goes on from there",
        },
      );
    }
    // They end in any order.
    const asked = failures.map(({ key }) => key);
    fetched.sort((a, b) => asked.indexOf(a.key) - asked.indexOf(b.key));
    problems.sort((a, b) => asked.indexOf(a.failure.key) - asked.indexOf(b.failure.key));
    if (options.json) deps.out(jsonText({ fetched, failed: problems.map(jsonProblem) }));
    assertNoProblem(problems, asked.length);
  });
}

interface Problem {
  readonly failure: FailureKey;
  readonly error: KimtestError;
}

interface Around {
  readonly deps: CliDeps;
  readonly screen: DownloadScreen;
  readonly pollMs: number;
}

async function fetchOne(
  store: ObjectStore,
  { key, kind }: FailureKey,
  options: FetchFailureOptions,
  around: Around,
): Promise<FetchedFailure> {
  const [{ extract }, { shellQuoted }] = await Promise.all([
    import("../failures/extract.ts"),
    import("../../runner/tools/shell.ts"),
  ]);
  const file = await fetchObject(store, key, options, around);
  const { path } = file;
  const bundle = kind === "vopr" ? await fetchBundle(store, { key, path }, options, around) : null;
  const folder = options.extract === true && kind === "fuzz" ? await extract(path, options.force ?? false) : null;
  const next =
    kind === "vopr"
      ? `npx kimtest vopr-repro ${shellQuoted(path)}`
      : folder === null
        ? `tar -xzOf ${shellQuoted(path)} failure.json`
        : `cat ${shellQuoted(join(folder, "failure.json"))}`;
  return { key, ...file, bundle, extracted: folder, next };
}

/**
 * The bundle that the record names; null when it names none, or is no record (vopr-repro says what it is).
 *
 * @throws KimtestError that says that the record is here all the same.
 */
async function fetchBundle(
  store: ObjectStore,
  record: { readonly key: string; readonly path: string },
  options: FetchFailureOptions,
  around: Around,
): Promise<FetchedFile | null> {
  const [{ hasBundle }, { voprBundleKey }] = await Promise.all([
    import("../failures/bundle.ts"),
    import("../../contracts/bucket.ts"),
  ]);
  if (!(await hasBundle(record.path))) return null;
  try {
    return await fetchObject(store, voprBundleKey(record.key), options, around);
  } catch (error) {
    if (!(error instanceof KimtestError)) throw error;
    const hint =
      error.code === "NOT_FOUND"
        ? "it may still be on its way to the store; without it vopr-repro runs the seed"
        : error.hint;
    throw new KimtestError(error.code, `${record.path} is here, its bundle is not: ${error.message}`, {
      ...(hint === undefined ? {} : { hint }),
      cause: error,
    });
  }
}

async function fetchObject(
  store: ObjectStore,
  key: string,
  options: FetchFailureOptions,
  { deps, screen, pollMs }: Around,
): Promise<FetchedFile> {
  const [{ headOf, readable }, { download }] = await Promise.all([
    import("../failures/thaw.ts"),
    import("../failures/download.ts"),
  ]);
  const thaw = { restore: options.restore ?? false, waitMs: options.wait, pollMs };
  const tell = (text: string): void => {
    deps.err(`${text}\n`);
  };
  const head = await readable(store, await headOf(store, key), thaw, deps.stop, tell);
  // A parsed key holds a seed or a target name and digits: its last part cannot lead out of the folder.
  const path = join(resolve(options.to), basename(key));
  const onProgress = (bytes: number): void => {
    screen.show(key, bytes, head.size);
  };
  const force = options.force ?? false;
  const { verified, isOld } = await download(store, { head, path, force, onProgress }).finally(() => {
    screen.done(key);
  });
  return { path, size: head.size, verified, new: !isOld };
}

function say({ key, path, extracted, verified, new: isNew, bundle, next }: FetchedFailure, deps: CliDeps): void {
  deps.out(`${extracted ?? path}\n`);
  if (!isNew) deps.err("it was here already, the same\n");
  else if (verified === "size") deps.err("only its size was checked: the store has no checksum of it\n");
  if (bundle !== null) deps.err(`its bundle: ${bundle.path}\n`);
  deps.err(`${key.startsWith("failures/vopr/") ? "reproduce it" : "look at it"}: ${next}\n`);
}

const jsonProblem = ({ failure, error: { code, message, hint } }: Problem) => ({
  key: failure.key,
  code,
  message,
  hint: hint ?? null,
});

/** @throws KimtestError the only one as it is; of several, with the code of the first */
function assertNoProblem(problems: readonly Problem[], asked: number): void {
  const [first, ...others] = problems;
  if (first === undefined) return;
  if (others.length === 0) throw first.error;
  const lines = problems.map(
    ({ error: { message, hint } }) => `- ${message}${hint === undefined ? "" : `\n      ${hint}`}`,
  );
  throw new KimtestError(
    first.error.code,
    `${String(problems.length)} of ${String(asked)} failures could not be fetched`,
    { hint: lines.join("\n  "), cause: first.error },
  );
}
