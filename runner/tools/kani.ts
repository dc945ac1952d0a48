/**
 * The adapter of `cargo kani` (https://model-checking.github.io/kani/), terse output, all harnesses of a
 * workspace. It prints a summary per crate; a loop that was unrolled too little is no finding.
 */
import type { ProofFinding } from "../../contracts/proofs.ts";
import type { Launch } from "./launch.ts";
import { counted, proofRun, proved, refuted, unproved, type ProofJudgement, type ProofRun } from "./proof.ts";
import { lastWords, notByItself, type ToolOutput } from "./tool-run.ts";

export interface KaniOptions {
  readonly cargo: string;
  readonly unwind: number;
  readonly jobs: number;
  /** Without them a loop that needs more turns is cut in silence, and the result holds up to the bound only. */
  readonly checksUnwinding: boolean;
  readonly arguments: readonly string[];
}

const COMPLETE = /^Complete - ([\d,]+) successfully verified harnesses, ([\d,]+) failures, ([\d,]+) total\.$/gm;
/** With -j every line of a harness begins with its thread. */
const THREAD = /^Thread \d+:(?= |$) ?/;
const CHECKING = /^Checking harness (.+?)\.\.\.$/;
const FAILED_CHECK = /^Failed Checks: (.*)$/;
const PLACE = /^ File: "([^"]+)", line (\d+), in (.*)$/;
const VERIFICATION = /^VERIFICATION:- (SUCCESSFUL|FAILED)/;
const FAILED_FOR = /^Verification failed for - (.+)$/;
/** Failures that tell of the limits of the run, not of the code. */
const LIMIT = /unwinding assertion|is not currently supported by Kani|out of memory|timed? ?out/i;

export const kaniCommand = (options: KaniOptions): string[] => [
  ...[options.cargo, "kani", "--workspace", "--default-unwind", String(options.unwind)],
  ...(options.checksUnwinding ? [] : ["--no-unwinding-checks"]),
  ...["--output-format=terse", "-j", String(options.jobs), ...options.arguments], // -j needs terse
];

interface Harness {
  readonly name: string;
  outcome: string | undefined;
  readonly failures: { readonly message: string; readonly file: string | null; readonly line: number | null }[];
}

export function judgeKani(
  output: ToolOutput,
  { unwind, checksUnwinding }: Pick<KaniOptions, "unwind" | "checksUnwinding">,
): ProofJudgement {
  const { harnesses, failedNames } = harnessesIn(output.text);
  const summaries = [...output.text.matchAll(COMPLETE)];
  const sum = (group: number): number => summaries.reduce((total, match) => total + counted(match[group]), 0);
  const [verified, failures, total] = [sum(1), sum(2), sum(3)];
  const bound = `loops up to ${String(unwind)} turns`;
  const evidence = {
    counted: { harnesses: total, verified, failed: failures },
    scope: checksUnwinding ? bound : `${bound}, longer ones not noticed`,
  };
  const findings = [...failedNames].flatMap((name) => findingsOf(name, harnesses.get(name)));
  if (findings.length > 0) return refuted(findings, evidence);
  const ended = notByItself(output);
  if (ended !== undefined) return unproved(ended, evidence);
  if (failedNames.size > 0) {
    return unproved(`beyond the limits of the run: ${[...failedNames].join(", ")}`, evidence);
  }
  const { exitCode } = output.end;
  if (exitCode !== 0) return unproved(`exit code ${String(exitCode)}${errorIn(output.text)}`, evidence);
  if (summaries.length === 0) return unproved("exit code 0 without a summary", evidence);
  if (failures > 0) return unproved(`${String(failures)} failures without a harness`, evidence);
  if (total === 0) return unproved("there is no harness", evidence);
  const successes = [...harnesses.values()].filter(({ outcome }) => outcome === "SUCCESSFUL").length;
  if (verified !== total) return unproved(`${String(verified)} of ${String(total)} harnesses were verified`, evidence);
  // Harnesses of one name in two crates share a line of the map: fewer names than harnesses are no contradiction.
  if (successes === 0) return unproved("a summary of successes, but no harness said so", evidence);
  return proved(evidence);
}

/** Follows each thread: with -j the lines of several harnesses are mixed. */
function harnessesIn(text: string): { harnesses: Map<string, Harness>; failedNames: Set<string> } {
  const harnesses = new Map<string, Harness>();
  const failedNames = new Set<string>();
  const current = new Map<string, Harness>();
  let thread = "";
  for (const raw of text.split("\n")) {
    // Only the first line of a block is marked; what follows belongs to the same thread.
    thread = THREAD.exec(raw)?.[0].trimEnd() ?? thread;
    const line = raw.replace(THREAD, "");
    const checking = CHECKING.exec(line)?.[1];
    if (checking !== undefined) {
      const harness: Harness = { name: checking, outcome: undefined, failures: [] };
      harnesses.set(checking, harness);
      current.set(thread, harness);
    }
    const harness = current.get(thread);
    const check = FAILED_CHECK.exec(line)?.[1];
    if (check !== undefined) harness?.failures.push({ message: check, file: null, line: null });
    const place = PLACE.exec(line);
    const last = harness?.failures.at(-1);
    if (place !== null && last !== undefined) {
      harness!.failures[harness!.failures.length - 1] = { ...last, file: place[1] ?? null, line: Number(place[2]) };
    }
    const outcome = VERIFICATION.exec(line)?.[1];
    if (outcome !== undefined && harness !== undefined) {
      harness.outcome = outcome;
      if (outcome === "FAILED") failedNames.add(harness.name);
    }
    const failedFor = FAILED_FOR.exec(line)?.[1];
    if (failedFor !== undefined) failedNames.add(failedFor);
  }
  return { harnesses, failedNames };
}

/** None when all that failed was a limit of the run. */
function findingsOf(name: string, harness: Harness | undefined): ProofFinding[] {
  const failures = harness?.failures ?? [];
  const real = failures.filter(({ message }) => !LIMIT.test(message));
  if (failures.length > 0 && real.length === 0) return [];
  if (real.length === 0) return [{ property: name, message: "verification failed", file: null, line: null, trace: [] }];
  const [first] = real;
  const trace = real.map(({ message, file, line }) =>
    file === null ? message : `${message} (${file}:${String(line)})`,
  );
  return [{ property: name, message: first!.message, file: first!.file, line: first!.line, trace }];
}

function errorIn(text: string): string {
  const error = /^error(?:\[E\d+\])?: .*$/m.exec(text);
  return error === null ? lastWords(text) : `: ${error[0].slice(0, 300)}`;
}

export async function runKani(launch: Launch, options: KaniOptions): Promise<ProofRun> {
  const command = kaniCommand(options);
  const output = await launch(command);
  return proofRun({ tool: "kani", subject: "workspace", command }, output, judgeKani(output, options));
}
