/**
 * An archived failure, run again with the simulator of this checkout: by the decisions in its bundle, which outlive a
 * change of the code, or by its seed.
 */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, join, resolve } from "node:path";
import { DETERMINISM } from "../../contracts/determinism.ts";
import { EXIT, reasonOf } from "../../contracts/errors.ts";
import type { VoprFailure } from "../../contracts/failure.ts";
import { bundleReproSchema } from "../../contracts/programs.ts";
import { createProcesses, type Processes } from "../../runner/platform/processes.ts";
import { embeddedProfile } from "../../runner/profiles/embedded.ts";
import { runJsonProgram } from "../../runner/tools/json-program.ts";
import { shellQuoted } from "../../runner/tools/shell.ts";
import { runVopr } from "../../runner/tools/vopr-run.ts";
import type { BatchVerdict } from "../../runner/tools/vopr.ts";
import { reproFlags } from "../failure-file.ts";
import { readIdentity } from "./bundle.ts";

const DEADLINE_MS = 600_000;

export type Outcome = "reproduced" | "fails-differently" | "passes" | "inconclusive";

export interface Seen {
  readonly invariant: string;
  readonly message: string;
}

export interface Attempt {
  readonly outcome: Outcome;
  readonly reason: string | null;
  readonly seen: Seen | null;
  readonly command: readonly string[];
  /** A line to paste that does it again. */
  readonly repro: string;
  /** A line to paste that shows more. */
  readonly closer: string;
  /** The file that was followed, or its key in the store; null when the seed was run. */
  readonly bundle: string | null;
}

/** @throws KimtestError `BAD_INPUT` for a record whose command is not run here. */
export async function bySeed(failure: VoprFailure, signal: AbortSignal): Promise<Attempt> {
  const flags = reproFlags(failure);
  const { vopr } = embeddedProfile();
  const command = [...vopr.command, ...flags];
  let seen: Seen | undefined;
  const { verdict } = await withProcesses((processes) =>
    runVopr(processes, {
      command,
      range: { startingSeed: failure.seed, iterations: 1 },
      deadlineMs: DEADLINE_MS,
      signal,
      onRecord: (record) => {
        if (record.type === "iteration" && record.data.status === "failed") {
          seen = { invariant: record.data.invariant, message: record.data.message };
        }
        return undefined;
      },
    }),
  );
  const outcome = outcomeOf(failure, verdict, seen);
  // Not the record's own line, which may say anything: these flags were checked.
  const repro = [vopr.repro_command, ...flags.filter((flag) => flag !== "--json").map(shellQuoted), "-v"].join(" ");
  return { outcome, reason: verdict.reason, seen: seen ?? null, command, repro, closer: repro, bundle: null };
}

/** Inconclusive when the bundle is of another failure, or cannot be used. */
export async function byBundle(
  path: string,
  failure: Pick<VoprFailure, "seed" | "invariant">,
  signal: AbortSignal,
): Promise<Attempt> {
  const { vopr } = embeddedProfile();
  const file = resolve(path); // a name that begins with a dash is no flag
  const command = [...vopr.command, "repro", file, "--json"];
  const line = (what: string): string => `${vopr.repro_command} ${what} ${shellQuoted(file)}`;
  const lines = { repro: line("repro"), closer: `${line("timeline")} (or show, bisect, minimize)` };
  const attempt = (outcome: Outcome, reason: string | null, seen: Seen | null = null): Attempt => ({
    ...{ outcome, reason, seen, command, bundle: path },
    ...lines,
  });
  const fault = await faultOf(path, failure);
  if (fault !== undefined) return attempt("inconclusive", fault);
  const run = { command, deadlineMs: DEADLINE_MS, signal, onProgress: () => undefined };
  const { value, problem } = await withProcesses((processes) =>
    runJsonProgram(processes, run, bundleReproSchema, [EXIT.ok, EXIT.failuresFound]),
  );
  if (value === undefined) return attempt("inconclusive", problem);
  const { reproduced, found } = value;
  if (reproduced) return attempt("reproduced", null, found);
  return attempt(found === null ? "passes" : "fails-differently", null, found);
}

/** As `byBundle`, of one that is in a store only: its copy here does not stay, so the lines to paste name its record. */
export async function byStoredBundle(
  { recordKey, key, bytes }: { readonly recordKey: string; readonly key: string; readonly bytes: Buffer },
  failure: Pick<VoprFailure, "seed" | "invariant">,
  signal: AbortSignal,
): Promise<Attempt> {
  return withFolder(async (folder) => {
    const copy = join(folder, basename(key));
    await writeFile(copy, bytes);
    const attempt = await byBundle(copy, failure, signal);
    return {
      ...attempt,
      reason: attempt.reason?.replaceAll(copy, key) ?? null,
      repro: `npx kimtest vopr-repro ${recordKey}`,
      closer: `npx kimtest fetch-failure ${recordKey}`,
      bundle: key,
    };
  });
}

/** Why the bundle is not that of the failure. */
async function faultOf(path: string, expected: Pick<VoprFailure, "seed" | "invariant">): Promise<string | undefined> {
  try {
    const { seed, failure } = await readIdentity(path);
    if (seed === expected.seed && failure.invariant === expected.invariant) return undefined;
    return `${path} is of seed ${seed.toString()} and ${failure.invariant}`;
  } catch (error) {
    return reasonOf(error);
  }
}

const withProcesses = <Result>(body: (processes: Processes) => Promise<Result>): Promise<Result> =>
  withFolder((notes) => body(createProcesses(notes)));

async function withFolder<Result>(body: (folder: string) => Promise<Result>): Promise<Result> {
  const folder = await mkdtemp(join(tmpdir(), "kimtest-repro-"));
  try {
    return await body(folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

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
