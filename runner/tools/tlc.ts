/**
 * The adapter of TLC, the model checker of TLA+ (https://github.com/tlaplus/tlaplus).
 *
 * Known traps: "Finished in" is printed after a violation as well; `-depth` bounds simulation only; two
 * runs that start in the same second collide in their default directory for states, so each has its own;
 * a configuration that names no property checks nothing but deadlock.
 */
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { reasonOf } from "../../contracts/errors.ts";
import type { ProofFinding } from "../../contracts/proofs.ts";
import type { Processes } from "../platform/processes.ts";
import { counted, notRun, proofRun, proved, refuted, unproved } from "./proof.ts";
import type { ProofJudgement, ProofRun, ToolLimits } from "./proof.ts";
import { lastWords, notByItself, runTool, type ToolOutput } from "./tool-run.ts";

export interface TlcOptions {
  readonly java: string;
  /** tla2tools.jar */
  readonly jar: string;
  /** Where the specification and its configuration lie. */
  readonly folder: string;
  /** For example VSR.tla */
  readonly specification: string;
  /** For example VSR_Small.cfg */
  readonly configuration: string;
  readonly workers: number | "auto";
  readonly checksDeadlock: boolean;
  readonly maxHeapMebibytes: number;
  /** Appended as they are. */
  readonly arguments: readonly string[];
}

/** What TLC means by its exit codes (tlc2.output.EC.ExitStatus); 75 and above are errors of spec or system. */
const VIOLATIONS = new Map([
  [10, "an assumption is violated"],
  [11, "deadlock"],
  [12, "a safety property is violated"],
  [13, "a liveness property is violated"],
  [14, "an assertion is violated"],
]);
const SUCCESS = /^Model checking completed\. No error has been found\.$/m;
const STATES = /^([\d,]+) states generated, ([\d,]+) distinct states found, ([\d,]+) states left on queue\.$/gm;
const DEPTH = /^The depth of the complete state graph search is ([\d,]+)\.$/m;
/** In this order: the first that matches names what is violated. */
const VIOLATED = [
  /^Error: Invariant (?<name>\S+) is violated/m,
  /^Error: Action property (?<name>.+?) is violated/m,
  /^Error: Property (?<name>.+?) is violated/m,
  /^Error: (?<name>Deadlock) reached/m,
  /^Error: (?<name>Temporal properties) were violated/m,
  /^Error: (?<name>Assumption) (?<detail>.*) is false/m,
  /The first argument of (?<name>Assert) evaluated to FALSE; the second argument was:\n(?<detail>.*)$/m,
];
const ASSERT_FAILED = VIOLATED.at(-1)!;

export function tlcCommand(options: TlcOptions, statesFolder: string): string[] {
  return [
    options.java,
    "-XX:+UseParallelGC",
    `-Xmx${String(options.maxHeapMebibytes)}m`,
    "-cp",
    options.jar,
    "tlc2.TLC",
    "-workers",
    String(options.workers),
    "-metadir",
    statesFolder,
    ...(options.checksDeadlock ? [] : ["-deadlock"]), // the flag turns the check off
    ...options.arguments,
    "-config",
    options.configuration,
    options.specification,
  ];
}

/** The invariants and properties that a configuration names. */
export function propertiesIn(configuration: string): string[] {
  const text = configuration.replace(/\(\*[\s\S]*?\*\)/g, " ").replace(/\\\*.*$/gm, " ");
  const words = text.split(/\s+/).filter((word) => word !== "");
  const names: string[] = [];
  let isNaming = false;
  for (const [index, word] of words.entries()) {
    if (/^(INVARIANTS?|PROPERTY|PROPERTIES)$/.test(word)) isNaming = true;
    else if (/^[A-Z]+(_[A-Z]+)*$/.test(word) && KEYWORDS.has(word)) isNaming = false;
    else if (words[index + 1] === "=" || words[index + 1] === "<-") isNaming = false;
    else if (isNaming) names.push(word);
  }
  return names;
}
const KEYWORDS = new Set(
  (
    "CONSTANT CONSTANTS INIT NEXT SPECIFICATION SYMMETRY VIEW CONSTRAINT CONSTRAINTS ACTION_CONSTRAINT " +
    "ACTION_CONSTRAINTS CHECK_DEADLOCK POSTCONDITION ALIAS TYPE TYPE_CONSTRAINT"
  ).split(" "),
);

/** `properties`: what the configuration asked for, from `propertiesIn`. */
export function judgeTlc(output: ToolOutput, properties: readonly string[], checksDeadlock: boolean): ProofJudgement {
  const ended = notByItself(output);
  const { text } = output;
  const states = [...text.matchAll(STATES)].at(-1);
  const depth = DEPTH.exec(text);
  const counts = {
    ...(states === undefined
      ? {}
      : {
          generated_states: counted(states[1]),
          distinct_states: counted(states[2]),
          queued_states: counted(states[3]),
        }),
    ...(depth === null ? {} : { depth: counted(depth[1]) }),
  };
  const evidence = { counted: counts, scope: scopeOf(properties, checksDeadlock) };
  if (ended !== undefined) return unproved(ended, evidence);

  const { exitCode } = output.end;
  const violation = VIOLATIONS.get(exitCode ?? 0);
  if (violation !== undefined || ASSERT_FAILED.test(text)) {
    return refuted([findingIn(text, violation ?? "an assertion is violated")], evidence);
  }
  if (exitCode !== 0) return unproved(`exit code ${String(exitCode)}${errorIn(text)}`, evidence);
  if (!SUCCESS.test(text)) return unproved("exit code 0 without its mark of success", evidence);
  if (states === undefined) return unproved("no count of states was printed", evidence);
  if (counted(states[3]) > 0) return unproved(`${states[3] ?? ""} states were left on the queue`, evidence);
  if (counted(states[2]) <= 1) return unproved("no state beyond the first was visited", evidence);
  if (properties.length === 0 && !checksDeadlock) return unproved("its configuration names no property", evidence);
  return proved(evidence);
}

function scopeOf(properties: readonly string[], checksDeadlock: boolean): string {
  const deadlock = checksDeadlock ? ["deadlock"] : [];
  return `checked: ${[...properties, ...deadlock].join(", ") || "nothing"}`;
}

function findingIn(text: string, violation: string): ProofFinding {
  const match = VIOLATED.map((pattern) => pattern.exec(text)).find((found) => found !== null);
  const name = match?.groups?.["name"] ?? violation;
  const detail = match?.groups?.["detail"];
  return {
    property: name,
    message: detail === undefined || detail === "" ? violation : `${violation}: ${detail}`,
    file: null,
    line: null,
    trace: errorTrace(text),
  };
}

/** The states of the error trace, one entry each: its action, then its variables. */
export function errorTrace(text: string): string[] {
  const byInitialState = /is violated by the initial state:\n([\s\S]*?)\n\n/.exec(text);
  if (byInitialState !== null) return [`State 1: <Initial predicate>\n${byInitialState[1]?.trimEnd() ?? ""}`];
  const states: string[] = [];
  let current: string[] | undefined;
  const finish = (): void => {
    if (current !== undefined) states.push(current.join("\n"));
    current = undefined;
  };
  for (const line of text.split("\n")) {
    if (/^State \d+: /.test(line)) {
      finish();
      current = [line];
      if (line.endsWith(": Stuttering")) finish(); // no variables and no blank line follow
    } else if (/^Back to state \d+/.test(line)) {
      finish();
      states.push(line);
    } else if (line === "") finish();
    else current?.push(line);
  }
  finish();
  return states;
}

/** The first error and what follows it on the next line. */
function errorIn(text: string): string {
  const lines = text.split("\n");
  const at = lines.findIndex((line) => /^(Error:|Fatal errors|\*\*\*Parse Error|Cannot find|Exception in)/.test(line));
  if (at === -1) return lastWords(text);
  const words = lines.slice(at, at + 3).filter((line) => line.trim() !== "");
  return `: ${words.join(" ").slice(0, 300)}`;
}

export async function runTlc(processes: Processes, options: TlcOptions, limits: ToolLimits): Promise<ProofRun> {
  const subject = `${options.specification} with ${options.configuration}`;
  const about = { tool: "tlc", subject, command: tlcCommand(options, "STATES") } as const;
  let configuration: string;
  try {
    configuration = await readFile(join(options.folder, options.configuration), "utf8");
  } catch (error) {
    return notRun(about, `its configuration cannot be read: ${reasonOf(error)}`);
  }
  const statesFolder = await mkdtemp(join(tmpdir(), "kimtest-tlc-"));
  try {
    const command = tlcCommand(options, statesFolder);
    const output = await runTool(processes, { ...limits, command, cwd: options.folder });
    return proofRun(about, output, judgeTlc(output, propertiesIn(configuration), options.checksDeadlock));
  } finally {
    await rm(statesFolder, { recursive: true, force: true });
  }
}
