/**
 * The adapter of Alloy 6.2.0 (https://alloytools.org), `exec`.
 *
 * Its exit code says nothing about a counterexample: it is 0 unless a command has `expect` and disagrees.
 * Its receipt.json keeps one entry per name, so of two commands of one name the later replaces the
 * earlier, counterexample and all; the lines it prints name each command once. Both are read, and must
 * agree. A `run` without an instance means that the facts may contradict each other, and that every
 * `check` then holds of nothing.
 */
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { z } from "zod";
import { systemCodeOf } from "../../contracts/errors.ts";
import { stringifyJson } from "../../contracts/json.ts";
import type { ProofFinding } from "../../contracts/proofs.ts";
import type { Processes } from "../platform/processes.ts";
import { decodeJson } from "../store/read-json.ts";
import { proofRun, proved, refuted, unproved, type ProofJudgement, type ProofRun, type ToolLimits } from "./proof.ts";
import { lastWords, notByItself, runTool, type ToolOutput } from "./tool-run.ts";

export interface AlloyOptions {
  readonly java: string;
  readonly jar: string;
  /** Relative to `folder`. */
  readonly specification: string;
  readonly folder: string;
  readonly maxHeapMebibytes: number;
  /** Names of `run` commands that have no instance by design. */
  readonly unsatisfiableRuns: readonly string[];
}

const receiptSchema = z.looseObject({
  commands: z.record(
    z.string(),
    z.looseObject({
      type: z.enum(["check", "run"]),
      source: z.string(),
      /** -1: no expectation; 1: an instance; absent (0): none. */
      expects: z.int().default(0),
      /** One entry per solution found; absent when there is none. */
      solution: z.array(z.looseObject({ instances: z.array(z.unknown()) })).default([]),
    }),
  ),
});
export type AlloyReceipt = z.infer<typeof receiptSchema>;

/** `00. check noSelfLoop               0    1/1     SAT expects=0`; a command that was cut has no outcome. */
const COMMAND_LINE = /^(\d+)\. (check|run) +(\S+)(.*)$/gm;
const OUTCOME = /\s(SAT|UNSAT)(?: expects=(\d+))?\s*$/;
/** A counterexample is kept to this length; the whole receipt is in the log. */
const MAX_TRACE_CHARACTERS = 20_000;

export function alloyCommand(options: AlloyOptions, outputFolder: string): string[] {
  const heap = `-Xmx${String(options.maxHeapMebibytes)}m`;
  const java = [options.java, heap, "-Djava.awt.headless=true", "-jar", options.jar];
  // "*" is every command: without -c only the default one may run.
  return [...java, "exec", "-f", "-c", "*", "-o", outputFolder, options.specification];
}

/** `receipt`: the text of receipt.json, undefined when there is none. */
export function judgeAlloy(
  output: ToolOutput,
  receipt: string | undefined,
  unsatisfiableRuns: readonly string[],
): ProofJudgement {
  const ended = notByItself(output);
  if (ended !== undefined) return unproved(ended);
  const { exitCode } = output.end;
  const commands = [...output.text.matchAll(COMMAND_LINE)].map(([, index, type, name, rest]) => ({
    index: Number(index),
    type: type as "check" | "run",
    name: name ?? "",
    outcome: OUTCOME.exec(rest ?? "")?.[1],
  }));
  const counts = {
    checks: commands.filter(({ type }) => type === "check").length,
    runs: commands.filter(({ type }) => type === "run").length,
  };
  const evidence = { counted: counts, scope: null };
  if (receipt === undefined) {
    return unproved(`exit code ${String(exitCode)} and no receipt.json${errorIn(output.text)}`, evidence);
  }
  let known: AlloyReceipt["commands"];
  try {
    known = decodeJson(receipt, "receipt.json", receiptSchema).commands;
  } catch (error) {
    return unproved(error instanceof Error ? error.message : String(error), evidence);
  }
  const scoped = {
    counted: counts,
    scope: Object.values(known)
      .map(({ source }) => source.split("{")[0]!.trim())
      .join("; "),
  };

  const findings: ProofFinding[] = [];
  for (const { type, name, outcome } of commands) {
    const expects = known[name]?.expects ?? -1;
    const isSatisfied = outcome === "SAT";
    const isUnexpected =
      expects === -1 ? type === "check" && isSatisfied : outcome !== undefined && isSatisfied !== (expects === 1);
    if (isUnexpected) findings.push(findingOf(type, name, isSatisfied, known[name]));
  }
  // A counterexample in the receipt counts even if its line were not understood.
  for (const [name, { type, expects, solution }] of Object.entries(known)) {
    const isKnown = findings.some(({ property }) => property === name);
    if (!isKnown && type === "check" && expects !== 1 && solution.length > 0) {
      findings.push(findingOf(type, name, true, known[name]));
    }
  }
  if (findings.length > 0) return refuted(findings, scoped);

  if (exitCode !== 0) return unproved(`exit code ${String(exitCode)}${errorIn(output.text)}`, scoped);
  const unfinished = commands.find(({ outcome }) => outcome === undefined);
  if (unfinished !== undefined) return unproved(`no outcome was printed for ${unfinished.name}`, scoped);
  const skipped = commands.find(({ index }, at) => index !== at);
  if (skipped !== undefined)
    return unproved(`command ${String(skipped.index)} does not follow its predecessor`, scoped);
  const names = new Set(commands.map(({ name }) => name));
  const unlike = Object.keys(known).find((name) => !names.has(name)) ?? [...names].find((name) => !(name in known));
  if (unlike !== undefined) return unproved(`what it printed and receipt.json differ about ${unlike}`, scoped);
  if (counts.checks === 0) return unproved("the specification has no check", scoped);
  const empty = commands.find(
    ({ type, name, outcome }) =>
      type === "run" && outcome === "UNSAT" && known[name]?.expects === -1 && !unsatisfiableRuns.includes(name),
  );
  if (empty !== undefined) {
    return unproved(`run ${empty.name} has no instance: the facts may contradict each other`, scoped);
  }
  return proved(scoped);
}

function findingOf(
  type: "check" | "run",
  name: string,
  isSatisfied: boolean,
  entry: AlloyReceipt["commands"][string] | undefined,
): ProofFinding {
  const message = !isSatisfied
    ? `this ${type} was expected to be satisfied`
    : type === "check"
      ? "a counterexample was found"
      : "an instance was found against expectation";
  const instances = entry?.solution[0]?.instances ?? [];
  const trace = instances.map((instance) => stringifyJson(instance, 0).slice(0, MAX_TRACE_CHARACTERS));
  return { property: name, message, file: null, line: null, trace };
}

/** `Syntax error in FILE at line 1 column 5:` and the line after it; a stack of Java follows. */
function errorIn(text: string): string {
  const match = /(?:Type|Syntax) error in [^\n]+\n+[^\n]*/.exec(text) ?? /^Error\n[^\n]*/m.exec(text);
  return match === null ? lastWords(text) : `: ${match[0].replace(/\s+/g, " ").slice(0, 300)}`;
}

export async function runAlloy(processes: Processes, options: AlloyOptions, limits: ToolLimits): Promise<ProofRun> {
  const folder = await mkdtemp(join(tmpdir(), "kimtest-alloy-"));
  const outputFolder = join(folder, "out");
  try {
    const command = alloyCommand(options, outputFolder);
    const output = await runTool(processes, { ...limits, command, cwd: options.folder });
    const receipt = await readIfThere(join(outputFolder, "receipt.json"));
    const about = { tool: "alloy", subject: options.specification, command: alloyCommand(options, "OUTPUT") } as const;
    const run = proofRun(about, output, judgeAlloy(output, receipt, options.unsatisfiableRuns));
    return { ...run, log: receipt === undefined ? run.log : `${run.log}\n--- receipt.json ---\n${receipt}` };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function readIfThere(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, "utf8");
  } catch (error) {
    if (systemCodeOf(error) === "ENOENT") return undefined;
    throw error;
  }
}
