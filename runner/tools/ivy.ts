/**
 * The adapter of Ivy's `ivy_check` (https://kenmcmil.github.io/ivy/).
 *
 * With `trace=true` it exits 0 after a failed check: the PASS and FAIL lines decide.
 */
import type { ProofFinding } from "../../contracts/proofs.ts";
import type { Launch } from "./launch.ts";
import { proofRun, proved, refuted, unproved, type ProofJudgement, type ProofRun } from "./proof.ts";
import { lastWords, notByItself, type ToolOutput } from "./tool-run.ts";

export interface IvyOptions {
  /** `ivy_check`, or nothing where the image starts it by itself. */
  readonly program: readonly string[];
  readonly specification: string;
  /** For example isolate=this */
  readonly arguments: readonly string[];
  /** How many checks there must be at least: an isolate that is skipped must not pass unseen. */
  readonly expectedChecks: number;
}

/** `            good.ivy: line 17: single ... PASS`; a check that has not ended has no word yet. */
const CHECK = /^[ \t]*(?:(\S+): line (\d+): )?(.+?) \.\.\. ?(PASS|FAIL)?\s*$/gm;
const TRACE = /^searching for a small model\.\.\. done\n([\s\S]*?)(?=\n\n\n|\nerror:|\nOK$|$(?![\s\S]))/m;

export const ivyCommand = ({
  program,
  arguments: extra,
  specification,
}: Pick<IvyOptions, "program" | "arguments" | "specification">): string[] => [...program, ...extra, specification];

export function judgeIvy(output: ToolOutput, expectedChecks: number): ProofJudgement {
  const checks = [...output.text.matchAll(CHECK)]
    .map(([, file, line, property = "", outcome]) => ({ file, line, property, outcome }))
    .filter(({ outcome, file }) => outcome !== undefined || file !== undefined);
  const passed = checks.filter(({ outcome }) => outcome === "PASS").length;
  const failures = checks.filter(({ outcome }) => outcome === "FAIL");
  const evidence = { counted: { passed, failed: failures.length }, scope: null };
  const ended = notByItself(output);
  // A check that failed has failed, also when a later one ran out of time.
  if (failures.length > 0) {
    const trace = TRACE.exec(output.text)?.[1]?.split("\n") ?? [];
    return refuted(findingsOf(failures, trace), evidence);
  }
  const progress = `${String(passed)} checks passed`;
  if (ended !== undefined) return unproved(`${ended}, ${progress}`, evidence);
  const { exitCode } = output.end;
  if (exitCode !== 0) return unproved(`exit code ${String(exitCode)}${errorIn(output.text)}`, evidence);
  if (!/^OK$/m.test(output.text)) return unproved(`exit code 0 without its final OK, ${progress}`, evidence);
  const unfinished = checks.length - passed;
  if (unfinished > 0) return unproved(`${String(unfinished)} checks without an outcome, ${progress}`, evidence);
  if (passed < Math.max(1, expectedChecks)) {
    return unproved(`only ${progress}, ${String(Math.max(1, expectedChecks))} were expected`, evidence);
  }
  return proved(evidence);
}

interface Check {
  readonly file: string | undefined;
  readonly line: string | undefined;
  readonly property: string;
}

/** One per property: it may fail under several actions. */
function findingsOf(failures: readonly Check[], trace: readonly string[]): ProofFinding[] {
  return [...new Map(failures.map((one) => [one.property, one])).values()].map(({ file, line, property }) => ({
    property,
    message: "its check failed",
    file: file ?? null,
    line: line === undefined ? null : Number(line),
    trace: [...trace],
  }));
}

function errorIn(text: string): string {
  const error = /^.*\berror: .*$/m.exec(text);
  return error === null ? lastWords(text) : `: ${error[0].trim().slice(0, 300)}`;
}

export async function runIvy(launch: Launch, options: IvyOptions): Promise<ProofRun> {
  const command = ivyCommand(options);
  const output = await launch(command);
  return proofRun(
    { tool: "ivy", subject: options.specification, command },
    output,
    judgeIvy(output, options.expectedChecks),
  );
}
