/**
 * The adapter of tlapm, the TLA+ proof system (https://proofs.tlapl.us).
 *
 * Without `--strict` it says "All 0 obligation proved" of a module without proofs, and does not mention
 * proofs that were left out, so obligations are counted and OMITTED is looked for in the sources.
 */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { reasonOf } from "../../contracts/errors.ts";
import type { Launch } from "./launch.ts";
import { counted, notRun, proofRun, proved, refuted, unproved } from "./proof.ts";
import type { ProofJudgement, ProofRun } from "./proof.ts";
import { lastWords, notByItself, type ToolOutput } from "./tool-run.ts";

export interface TlapsOptions {
  /** `tlapm`, or nothing where the image starts it by itself. */
  readonly program: readonly string[];
  readonly folder: string;
  /** The same folder where tlapm runs. */
  readonly folderInside: string;
  readonly module: string;
  /** Multiplies the time limits of the back ends. */
  readonly stretch: number;
  readonly allowedOmitted: number;
}

const ALL_PROVED = /^\s*\[INFO\]: All ([\d,]+) obligations? proved\./gm;
const SOME_FAILED = /^\s*\[ERROR\]: ([\d,]+)\/([\d,]+) obligations? failed\./gm;
const INCOMPLETE = /Proof incomplete in module|^\s*Missing proof/m;
const FAILED_AT =
  /^File "(?:\.\/)?([^"]+)", line (\d+), character \d+ to line \d+, character \d+\s*:?\n\s*\[ERROR\]: Could not prove or check:\n([\s\S]*?)(?=\n\s*(?:File "|\[ERROR\]|\[INFO\])|$(?![\s\S]))/gm;

export const tlapsCommand = ({ program, folderInside, module, stretch }: TlapsOptions): string[] => [
  ...program,
  "--stretch",
  String(stretch),
  "--cleanfp", // no proof of another day counts
  `${folderInside}/${module}`,
];

export function judgeTlaps(output: ToolOutput, omitted: number, allowedOmitted: number): ProofJudgement {
  const { text } = output;
  const sum = (pattern: RegExp, group: number): number =>
    [...text.matchAll(pattern)].reduce((total, match) => total + counted(match[group]), 0);
  const failedObligations = sum(SOME_FAILED, 1);
  const obligations = sum(ALL_PROVED, 1) + sum(SOME_FAILED, 2);
  const evidence = {
    counted: { obligations, proved: obligations - failedObligations, omitted },
    scope: omitted === 0 ? null : `${String(omitted)} proofs are omitted`,
  };
  const ended = notByItself(output);
  if (ended !== undefined) return unproved(ended, evidence);
  if (failedObligations > 0) {
    // A back end that gives up has refuted nothing, but a proof that was checked before no longer is.
    const findings = [...text.matchAll(FAILED_AT)].map(([, file = "", line = "0", obligation = ""]) => ({
      property: `${file}:${line}`,
      message: "an obligation could not be proved",
      file,
      line: Number(line),
      trace: obligation.trimEnd().split("\n"),
    }));
    const message = `${String(failedObligations)} of ${String(obligations)} obligations could not be proved`;
    return refuted(
      findings.length > 0 ? findings : [{ property: "obligations", message, file: null, line: null, trace: [] }],
      evidence,
    );
  }
  const { exitCode } = output.end;
  if (exitCode !== 0) return unproved(`exit code ${String(exitCode)}${errorIn(text)}`, evidence);
  if (INCOMPLETE.test(text)) return unproved("the proof is incomplete: a step has none", evidence);
  if (obligations === 0) return unproved("no obligation was proved", evidence);
  if (omitted > allowedOmitted) return unproved(`${String(omitted)} proofs are omitted, not proved`, evidence);
  return proved(evidence);
}

/** How many proofs of a module are left out on purpose. */
export function omittedIn(source: string): number {
  const text = source.replace(/\(\*[\s\S]*?\*\)/g, " ").replace(/\\\*.*$/gm, " ");
  return text.match(/\bOMITTED\b/g)?.length ?? 0;
}

function errorIn(text: string): string {
  const error = /^.*(?:\[ERROR\]|Error):.*$/m.exec(text);
  return error === null ? lastWords(text) : `: ${error[0].trim().slice(0, 300)}`;
}

export async function runTlaps(launch: Launch, options: TlapsOptions): Promise<ProofRun> {
  const command = tlapsCommand(options);
  const about = { tool: "tlaps", subject: options.module, command } as const;
  let omitted: number;
  try {
    omitted = omittedIn(await readFile(join(options.folder, options.module), "utf8"));
  } catch (error) {
    return notRun(about, `its module cannot be read: ${reasonOf(error)}`);
  }
  const output = await launch(command);
  return proofRun(about, output, judgeTlaps(output, omitted, options.allowedOmitted));
}
