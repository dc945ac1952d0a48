/** `kimtest vopr-repro FILE`: runs an archived seed again, with the simulator of this checkout. */
import { mkdtemp, open, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Command } from "@commander-js/extra-typings";
import { EXIT, KimtestError, reasonOf, systemCodeOf, type ExitCode } from "../../contracts/errors.ts";
import type { VoprFailure } from "../../contracts/failure.ts";
import type { CliDeps } from "../deps.ts";
import { jsonOption, storeOption } from "./options.ts";

interface VoprReproOptions {
  readonly json?: true | undefined;
  /** Taken so that all reading commands have it; a file needs no store. */
  readonly store: string;
}

/** Flags whose value is a path: a record from elsewhere must not choose where this machine writes. */
const PATH_FLAGS: ReadonlySet<string> = new Set(["--checkpoint-file", "--trace-out", "--output", "-o"]);
const MAX_FILE_BYTES = 64 * 1024 * 1024;
const DEADLINE_MS = 600_000;

export function voprReproCommand(deps: CliDeps) {
  return new Command("vopr-repro")
    .description("Reproduce an archived VOPR failure (exit code 1: reproduced, 0: it passes now).")
    .argument("<file>", "a file that fetch-failure brought, or a failure's key in the store")
    .addOption(storeOption())
    .addOption(jsonOption())
    .addHelpText("after", "\nExample:\n  kimtest vopr-repro .artifacts/aws-failures/seed-17-1700000000000.json")
    .action((file, options) => voprRepro(file, options, deps));
}

export async function voprRepro(file: string, options: VoprReproOptions, deps: CliDeps): Promise<void> {
  const failure = await readFailure(file, options.store);
  const [{ embeddedProfile }, { createProcesses }, { BatchReader }, { stringifyJson }] = await Promise.all([
    import("../../runner/profiles/embedded.ts"),
    import("../../runner/platform/processes.ts"),
    import("../../runner/tools/vopr.ts"),
    import("../../contracts/json.ts"),
  ]);
  const notes = await mkdtemp(join(tmpdir(), "kimtest-repro-"));
  const reader = new BatchReader({ startingSeed: failure.seed, iterations: 1 });
  let seen: { invariant: string; message: string } | undefined;
  const command = [...embeddedProfile().vopr.command, ...flagsOf(failure)];
  const end = await createProcesses(notes)
    .run({
      command,
      deadlineMs: DEADLINE_MS,
      signal: deps.stop,
      onLine: (line) => {
        const { next, record } = reader.take(line);
        if (record?.type === "iteration" && record.data.status === "failed") seen = record.data;
        return next;
      },
    })
    .finally(() => rm(notes, { recursive: true, force: true }));
  const verdict = reader.judge(end);
  const outcome = outcomeOf(failure, verdict.verdict, seen);
  deps.setExitCode(EXIT_BY_OUTCOME[outcome]);
  if (options.json) {
    deps.out(
      `${stringifyJson({ outcome, reason: verdict.reason, expected: failure.signature, seen: seen ?? null, command })}\n`,
    );
    return;
  }
  deps.out(text(failure, outcome, seen, verdict.reason));
}

type Outcome = "reproduced" | "fails-differently" | "passes" | "inconclusive";
const EXIT_BY_OUTCOME: Record<Outcome, ExitCode> = {
  reproduced: EXIT.failuresFound,
  "fails-differently": EXIT.failuresFound,
  passes: EXIT.ok,
  inconclusive: EXIT.inconclusive,
};

function outcomeOf(failure: VoprFailure, verdict: string, seen: { invariant: string } | undefined): Outcome {
  if (verdict === "inconclusive") return "inconclusive";
  if (verdict === "passed") return failure.expectation === "must-detect" ? "reproduced" : "passes";
  if (failure.expectation === "must-detect") return "passes";
  return seen?.invariant === failure.invariant || failure.record === null ? "reproduced" : "fails-differently";
}

function text(
  failure: VoprFailure,
  outcome: Outcome,
  seen: { invariant: string; message: string } | undefined,
  reason: string | null,
): string {
  const seed = `seed ${failure.seed.toString()} of ${failure.scenario}`;
  const archived = `archived: ${failure.signature} at commit ${failure.git_commit.slice(0, 12)}: ${failure.message}\n`;
  const now = seen === undefined ? "" : `now:      ${seen.invariant}: ${seen.message}\n`;
  switch (outcome) {
    case "reproduced":
      return `reproduced: ${seed} fails again\n${archived}${now}look closer: ${failure.repro}\n`;
    case "fails-differently":
      return `fails differently: ${seed} violates another invariant in this checkout\n${archived}${now}look closer: ${failure.repro}\n`;
    case "passes":
      return `passes: ${seed} does not fail in this checkout\n${archived}to see it at its commit: git checkout ${failure.git_commit.replace("-dirty", "")}\n`;
    case "inconclusive":
      return `inconclusive: ${reason ?? ""}\n${archived}`;
  }
}

/** The flags of the archived command; its program is replaced by the one of this checkout. */
function flagsOf(failure: VoprFailure): string[] {
  const flags = failure.command.slice(failure.command.indexOf("--json"));
  const bad = failure.command.includes("--json")
    ? flags.find((flag) => PATH_FLAGS.has(flag.split("=")[0] ?? ""))
    : "no --json";
  if (bad === undefined) return flags;
  throw new KimtestError("BAD_INPUT", `the record's command cannot be run safely (${bad})`, {
    hint: "look at it, then run its repro line by hand",
  });
}

async function readFailure(file: string, storeLocation: string): Promise<VoprFailure> {
  const [{ decodeJson, readJson }, { voprFailureSchema }, { parseFailureKey, failureKeyFrom, FAILURES_PREFIX }] =
    await Promise.all([
      import("../../runner/store/read-json.ts"),
      import("../../contracts/failure.ts"),
      import("../../contracts/bucket.ts"),
    ]);
  if (file.endsWith(".tar.gz") || file.endsWith(".kmb")) {
    throw new KimtestError("USAGE", `${file} is not an archived seed`, {
      hint: "vopr-repro takes failures/vopr/seed-SEED-TS.json; a fuzz archive holds its own repro line in failure.json",
    });
  }
  try {
    const handle = await open(file, "r");
    try {
      const { size } = await handle.stat();
      if (size > MAX_FILE_BYTES)
        throw new KimtestError("LIMIT_EXCEEDED", `${file} is larger than ${String(MAX_FILE_BYTES)} bytes`);
      return decodeJson(await handle.readFile("utf8"), file, voprFailureSchema);
    } finally {
      await handle.close();
    }
  } catch (error) {
    if (systemCodeOf(error) !== "ENOENT") throw error;
    const typed = file.startsWith(FAILURES_PREFIX) ? file : `${FAILURES_PREFIX}${file}`;
    if (parseFailureKey(typed) === undefined) {
      throw new KimtestError("NOT_FOUND", `there is no file ${file}: ${reasonOf(error)}`, {
        hint: "fetch one first: kimtest fetch-failure KEY",
        cause: error,
      });
    }
  }
  const { openStore } = await import("../../runner/store/open-store.ts");
  const store = await openStore(storeLocation, { mustExist: true });
  const read = await readJson(store, failureKeyFrom(file).key, voprFailureSchema);
  if (read !== undefined) return read.value;
  throw new KimtestError("NOT_FOUND", `${file} is neither a file here nor in ${store.url}`, {
    hint: "`kimtest list-failures` shows what is",
  });
}
