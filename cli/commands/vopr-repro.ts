/** `kimtest vopr-repro FILE`: runs an archived failure again, with the simulator of this checkout. */
import type { BundleIdentity } from "../../contracts/bundle.ts";
import { EXIT, type ExitCode } from "../../contracts/errors.ts";
import type { VoprFailure } from "../../contracts/failure.ts";
import type { CliDeps } from "../deps.ts";
import type { ArchivedRecord } from "../failure-file.ts";
import type { Attempt, Outcome } from "../failures/reproduce.ts";
import type { ResultsChoice } from "../store.ts";
import { jsonOption } from "./options.ts";
import { readingCommand } from "./options-place.ts";

/** A place is only asked when the argument is no file but a key. */
interface VoprReproOptions extends ResultsChoice {
  readonly json?: true | undefined;
}

/** What is told of an archived failure. */
type Archived = Pick<VoprFailure, "seed" | "scenario" | "invariant" | "message" | "signature" | "git_commit">;

export function voprReproCommand(deps: CliDeps) {
  return readingCommand("vopr-repro")
    .description("Reproduce an archived VOPR failure (exit code 1: reproduced, 0: it passes now).")
    .argument("<file>", "a record or bundle that fetch-failure brought, or a failure's key in the store")
    .addOption(jsonOption())
    .addHelpText(
      "after",
      "\nA bundle (.kmb) is followed decision by decision; one beside the record, here or in the store, is preferred to\n" +
        "its seed.\n" +
        "\nExamples:\n  kimtest vopr-repro .artifacts/aws-failures/seed-17-1700000000000.json\n" +
        "  kimtest vopr-repro .artifacts/aws-failures/seed-17-1700000000000.kmb\n" +
        "  kimtest vopr-repro vopr/seed-17-1700000000000.json --stack dev",
    )
    .action((file, options) => voprRepro(file, options, deps));
}

export async function voprRepro(file: string, options: VoprReproOptions, deps: CliDeps): Promise<void> {
  const [{ isBundle, readIdentity }, { readFailure }, { printableData }, { jsonText }] = await Promise.all([
    import("../failures/bundle.ts"),
    import("../failure-file.ts"),
    import("../../runner/phases/digest/printable.ts"),
    import("../json.ts"),
  ]);
  const record = isBundle(file) ? undefined : await readFailure(file, options, deps);
  const failure = record?.failure ?? archivedIn(await readIdentity(file));
  const attempt = await attemptOf(file, failure, record, deps);
  if (deps.stop.aborted) {
    deps.setExitCode(EXIT.interrupted);
    deps.err("interrupted; nothing is known about this seed\n");
    return;
  }
  deps.setExitCode(EXIT_BY_OUTCOME[attempt.outcome]);
  deps.out(
    options.json
      ? jsonText({ ...attempt, expected: failure.signature })
      : text(printableData(failure), printableData(attempt)),
  );
}

/** What a bundle says of its failure, in the words of a record. */
function archivedIn({ seed, scenario, commit, failure: { invariant, message } }: BundleIdentity): Archived {
  return { seed, scenario, invariant, message, signature: `${invariant}:${scenario}`, git_commit: commit };
}

/** By the bundle when that was named, or lies beside the record and is of use; else by the seed. */
async function attemptOf(
  file: string,
  failure: Archived,
  record: ArchivedRecord | undefined,
  deps: CliDeps,
): Promise<Attempt> {
  const { byBundle, bySeed } = await import("../failures/reproduce.ts");
  if (record === undefined) return byBundle(file, failure, deps.stop);
  const attempt = await byBundleBeside(file, record, deps);
  if (attempt !== undefined) {
    if (attempt.outcome !== "inconclusive" || deps.stop.aborted) return attempt;
    deps.err(`the bundle beside it is of no use: ${attempt.reason ?? ""}; the seed is run instead\n`);
  }
  return bySeed(record.failure, deps.stop);
}

/** Undefined when there is no bundle beside the record. */
async function byBundleBeside(
  file: string,
  { failure, stored }: ArchivedRecord,
  deps: CliDeps,
): Promise<Attempt | undefined> {
  const [{ bundleBeside }, { byBundle, byStoredBundle }] = await Promise.all([
    import("../failures/bundle.ts"),
    import("../failures/reproduce.ts"),
  ]);
  if (stored === undefined) {
    const path = bundleBeside(file);
    return path === undefined ? undefined : byBundle(path, failure, deps.stop);
  }
  if (stored.bundle === undefined) return undefined;
  const { key, bytes } = stored.bundle;
  if (bytes !== undefined) return byStoredBundle({ recordKey: stored.key, key, bytes }, failure, deps.stop);
  deps.err(`its bundle ${key} is not in the store; the seed is run instead\n`);
  return undefined;
}

const EXIT_BY_OUTCOME: Record<Outcome, ExitCode> = {
  reproduced: EXIT.failuresFound,
  "fails-differently": EXIT.failuresFound,
  passes: EXIT.ok,
  inconclusive: EXIT.inconclusive,
};

function text(failure: Archived, { outcome, reason, seen, closer, bundle }: Attempt): string {
  const seed = `seed ${failure.seed.toString()} of ${failure.scenario}`;
  const how = bundle === null ? "" : ", by the decisions in its bundle";
  const archived = `archived: ${failure.signature} at commit ${failure.git_commit.slice(0, 12)}: ${failure.message}\n`;
  const now = seen === null ? "" : `now:      ${seen.invariant}: ${seen.message}\n`;
  switch (outcome) {
    case "reproduced":
      return `reproduced: ${seed} shows it again${how}\n${archived}${now}look closer: ${closer}\n`;
    case "fails-differently":
      return `fails differently: ${seed} violates another invariant in this checkout${how}\n${archived}${now}look closer: ${closer}\n`;
    case "passes":
      return `passes: ${seed} does not show it in this checkout${how}\n${archived}${checkoutLine(failure.git_commit)}`;
    case "inconclusive":
      return `inconclusive: ${reason ?? ""}\n${archived}`;
  }
}

/** Only a commit is put into a line to paste. */
function checkoutLine(recorded: string): string {
  const commit = recorded.replace(/-dirty$/, "");
  return /^[0-9a-f]{7,64}$/.test(commit) ? `to see it at its commit: git checkout ${commit}\n` : "";
}
