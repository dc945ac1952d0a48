/** `kimtest vopr-repro FILE`: runs an archived seed again, with the simulator of this checkout. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DETERMINISM } from "../../contracts/determinism.ts";
import { EXIT, type ExitCode } from "../../contracts/errors.ts";
import type { VoprFailure } from "../../contracts/failure.ts";
import type { BatchVerdict } from "../../runner/tools/vopr.ts";
import type { CliDeps } from "../deps.ts";
import type { ResultsChoice } from "../store.ts";
import { jsonOption } from "./options.ts";
import { readingCommand } from "./options-place.ts";

/** A place is only asked when the argument is no file but a key. */
interface VoprReproOptions extends ResultsChoice {
  readonly json?: true | undefined;
}

const DEADLINE_MS = 600_000;

export function voprReproCommand(deps: CliDeps) {
  return readingCommand("vopr-repro")
    .description("Reproduce an archived VOPR failure (exit code 1: reproduced, 0: it passes now).")
    .argument("<file>", "a file that fetch-failure brought, or a failure's key in the store")
    .addOption(jsonOption())
    .addHelpText(
      "after",
      "\nExamples:\n  kimtest vopr-repro .artifacts/aws-failures/seed-17-1700000000000.json\n" +
        "  kimtest vopr-repro vopr/seed-17-1700000000000.json --stack dev",
    )
    .action((file, options) => voprRepro(file, options, deps));
}

export async function voprRepro(file: string, options: VoprReproOptions, deps: CliDeps): Promise<void> {
  const [{ readFailure, reproFlags }, { embeddedProfile }, { shellQuoted }, { printableData }, { jsonText }] =
    await Promise.all([
      import("../failure-file.ts"),
      import("../../runner/profiles/embedded.ts"),
      import("../../runner/tools/shell.ts"),
      import("../../runner/phases/digest/printable.ts"),
      import("../json.ts"),
    ]);
  const failure = await readFailure(file, options, deps);
  const flags = reproFlags(failure);
  const { vopr } = embeddedProfile();
  const command = [...vopr.command, ...flags];
  const { verdict, seen } = await runSeed(failure.seed, command, deps.stop);
  if (deps.stop.aborted) {
    deps.setExitCode(EXIT.interrupted);
    deps.err("interrupted; nothing is known about this seed\n");
    return;
  }
  const outcome = outcomeOf(failure, verdict, seen);
  deps.setExitCode(EXIT_BY_OUTCOME[outcome]);
  // Not the record's own line, which may say anything: these flags were checked.
  const repro = [vopr.repro_command, ...flags.filter((flag) => flag !== "--json").map(shellQuoted), "-v"].join(" ");
  const reason = verdict.reason;
  const report = { outcome, reason, expected: failure.signature, seen: seen ?? null, command, repro };
  deps.out(options.json ? jsonText(report) : text(printableData(failure), printableData(report)));
}

interface Seen {
  readonly invariant: string;
  readonly message: string;
}

async function runSeed(
  seed: bigint,
  command: readonly string[],
  signal: AbortSignal,
): Promise<{ verdict: BatchVerdict; seen: Seen | undefined }> {
  const [{ createProcesses }, { runVopr }] = await Promise.all([
    import("../../runner/platform/processes.ts"),
    import("../../runner/tools/vopr-run.ts"),
  ]);
  const notes = await mkdtemp(join(tmpdir(), "kimtest-repro-"));
  let seen: Seen | undefined;
  try {
    const { verdict } = await runVopr(createProcesses(notes), {
      command,
      range: { startingSeed: seed, iterations: 1 },
      deadlineMs: DEADLINE_MS,
      signal,
      onRecord: (record) => {
        if (record.type === "iteration" && record.data.status === "failed") {
          seen = { invariant: record.data.invariant, message: record.data.message };
        }
        return undefined;
      },
    });
    return { verdict, seen };
  } finally {
    await rm(notes, { recursive: true, force: true });
  }
}

type Outcome = "reproduced" | "fails-differently" | "passes" | "inconclusive";
const EXIT_BY_OUTCOME: Record<Outcome, ExitCode> = {
  reproduced: EXIT.failuresFound,
  "fails-differently": EXIT.failuresFound,
  passes: EXIT.ok,
  inconclusive: EXIT.inconclusive,
};

/** What the archived seed does now, under the expectation of its scenario. */
export function outcomeOf(
  failure: Pick<VoprFailure, "expectation" | "invariant" | "record">,
  { verdict }: Pick<BatchVerdict, "verdict">,
  seen: Seen | undefined,
): Outcome {
  if (verdict === "inconclusive") return "inconclusive";
  if (failure.expectation === "must-detect") {
    const isBack = failure.invariant === DETERMINISM ? seen?.invariant === DETERMINISM : verdict === "passed";
    return isBack ? "reproduced" : "passes";
  }
  if (verdict === "passed") return "passes";
  // A determinism violation has no line of its own, then or now.
  return seen?.invariant === failure.invariant || failure.record === null ? "reproduced" : "fails-differently";
}

interface Report {
  readonly outcome: Outcome;
  readonly reason: string | null;
  readonly seen: Seen | null;
  readonly repro: string;
}

function text(failure: VoprFailure, { outcome, reason, seen, repro }: Report): string {
  const seed = `seed ${failure.seed.toString()} of ${failure.scenario}`;
  const archived = `archived: ${failure.signature} at commit ${failure.git_commit.slice(0, 12)}: ${failure.message}\n`;
  const now = seen === null ? "" : `now:      ${seen.invariant}: ${seen.message}\n`;
  switch (outcome) {
    case "reproduced":
      return `reproduced: ${seed} shows it again\n${archived}${now}look closer: ${repro}\n`;
    case "fails-differently":
      return `fails differently: ${seed} violates another invariant in this checkout\n${archived}${now}look closer: ${repro}\n`;
    case "passes":
      return `passes: ${seed} does not show it in this checkout\n${archived}${checkoutLine(failure.git_commit)}`;
    case "inconclusive":
      return `inconclusive: ${reason ?? ""}\n${archived}`;
  }
}

/** Only a commit is put into a line to paste. */
function checkoutLine(recorded: string): string {
  const commit = recorded.replace(/-dirty$/, "");
  return /^[0-9a-f]{7,64}$/.test(commit) ? `to see it at its commit: git checkout ${commit}\n` : "";
}
