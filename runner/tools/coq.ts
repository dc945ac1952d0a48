/**
 * The adapter of coqc (https://coq.inria.fr): compiles a list of files in order, in one place, since the
 * later ones need what the earlier ones left behind. The sources may be mounted read-only: they are copied.
 *
 * coqc also compiles a proof that was given up (`Admitted`) and exits 0, so those are counted from the
 * sources, and more of them than the profile allows is no proof.
 */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { reasonOf } from "../../contracts/errors.ts";
import type { Launch } from "./launch.ts";
import { notRun, proofRun, proved, refuted, unproved, type ProofJudgement, type ProofRun } from "./proof.ts";
import { lastWords, notByItself, type ToolOutput } from "./tool-run.ts";

export interface CoqOptions {
  /** Of the sources, on this machine. */
  readonly folder: string;
  /** The same folder where coqc runs. */
  readonly folderInside: string;
  /** The -Q name, for example Kimberlite. */
  readonly library: string;
  /** In the order of their dependencies. */
  readonly files: readonly string[];
  /** Proofs that may be given up. */
  readonly allowedAdmitted: number;
}

/** $1 is the source folder, $2 the library, the rest files. A marked line per file tells how far it came. */
const SCRIPT = [
  "source=$1 library=$2",
  "shift 2",
  'work=$(mktemp -d) && cp "$source"/*.v "$work" && cd "$work" || exit 90',
  "trap 'rm -rf \"$work\"' EXIT",
  "coqc --version || exit 91",
  'for file in "$@"; do',
  '  coqc -Q . "$library" "$file"',
  "  code=$?",
  '  echo "kimtest-coqc $code $file"',
  "  [ $code -eq 0 ] || exit $code",
  "done",
].join("\n");

const FILE_DONE = /^kimtest-coqc (\d+) (.+)$/gm;
const POSITION =
  /^File "(?:\.\/)?([^"]+)", line (\d+), characters [\d-]+:\n(Error:[\s\S]*?)(?:\n\n|\nkimtest-coqc|$(?![\s\S]))/m;
/** Errors of the set-up: they say nothing about the proof. */
const SETUP =
  /Cannot find a physical path|Cannot find library|Can't find file|inconsistent assumptions|bad version number/;
/** Exit code of coqc for an error of its own. */
const ANOMALY = 129;

export function coqCommand({ folderInside, library, files }: CoqOptions): string[] {
  return ["sh", "-c", SCRIPT, "sh", folderInside, library, ...files];
}

/** `admitted`: proofs that were given up, from `admittedIn`. */
export function judgeCoq(
  output: ToolOutput,
  { files, allowedAdmitted }: Pick<CoqOptions, "files" | "allowedAdmitted">,
  admitted: readonly string[],
): ProofJudgement {
  const ended = notByItself(output);
  const done = [...output.text.matchAll(FILE_DONE)].map(([, code, file]) => ({ code: Number(code), file }));
  const compiled = done.filter(({ code }) => code === 0).length;
  const evidence = {
    counted: { files: compiled, admitted: admitted.length },
    scope: admitted.length === 0 ? null : `not proved but admitted: ${admitted.join(", ")}`,
  };
  const progress = `${String(compiled)} of ${String(files.length)} files compiled`;
  if (ended !== undefined) return unproved(`${ended}, ${progress}`, evidence);
  const { exitCode } = output.end;
  const failedFile = done.find(({ code }) => code !== 0)?.file;
  if (exitCode !== 0) {
    const position = POSITION.exec(output.text);
    if (position === null || failedFile === undefined || exitCode === ANOMALY || SETUP.test(position[3] ?? "")) {
      return unproved(`exit code ${String(exitCode)}, ${progress}${errorIn(output.text)}`, evidence);
    }
    const [, file = "", line = "0", message = ""] = position;
    const error = message
      .replace(/^Error:\s*/, "")
      .replace(/\s+/g, " ")
      .trim();
    const finding = { property: file, message: `line ${line}: ${error}`, file, line: Number(line), trace: [] };
    return refuted([finding], evidence);
  }
  if (files.length === 0) return unproved("there is no file to compile", evidence);
  const missing = files.find((file, index) => done[index]?.file !== file);
  if (missing !== undefined || done.length !== files.length) {
    return unproved(`exit code 0, but ${progress}`, evidence);
  }
  if (admitted.length > allowedAdmitted) {
    return unproved(`admitted, not proved: ${admitted.join(", ")}`, evidence);
  }
  return proved(evidence);
}

function errorIn(text: string): string {
  const error = /^(?:Error:|Error |Anomaly)[\s\S]{0,300}/m.exec(text.replace(/^kimtest-coqc .*$/gm, ""));
  return error === null ? lastWords(text) : `: ${error[0].replace(/\s+/g, " ").trim()}`;
}

/** Names of the statements in one source whose proof is given up; `admit` inside a proof needs `Admitted` as well. */
export function admittedIn(source: string, file: string): string[] {
  const text = withoutComments(source);
  const names: string[] = [];
  let current = "?";
  const word =
    /\b(?:Lemma|Theorem|Corollary|Proposition|Fact|Remark|Example|Definition|Fixpoint|Instance)\s+([\w']+)|\b(Admitted)\s*\./g;
  for (const [, name, admitted] of text.matchAll(word)) {
    if (name !== undefined) current = name;
    if (admitted !== undefined) names.push(`${file.replace(/\.v$/, "")}.${current}`);
  }
  return names;
}

/** Comments of Coq nest. Strings are kept: `Admitted.` in one would be counted, which is the safe side. */
function withoutComments(source: string): string {
  let depth = 0;
  return source
    .split(/(\(\*|\*\))/)
    .filter((part) => {
      if (part === "(*") depth += 1;
      else if (part === "*)" && depth > 0) depth -= 1;
      else return depth === 0;
      return false;
    })
    .join(" ");
}

export async function runCoq(launch: Launch, options: CoqOptions): Promise<ProofRun> {
  const command = coqCommand(options);
  const about = { tool: "coq", subject: options.files.join(" "), command } as const;
  const admitted: string[] = [];
  try {
    for (const file of options.files) {
      admitted.push(...admittedIn(await readFile(join(options.folder, file), "utf8"), file));
    }
  } catch (error) {
    return notRun(about, `its sources cannot be read: ${reasonOf(error)}`);
  }
  const output = await launch(command);
  return proofRun(about, output, judgeCoq(output, options, admitted));
}
