/**
 * The program that cargo-fuzz builds: libFuzzer (https://llvm.org/docs/LibFuzzer.html) with one target.
 *
 * It is run as it is, not through `cargo fuzz run`, which would look for something to build first, and
 * answers 1 to all that goes wrong. libFuzzer's own exit codes say little more: 77 and 1 (sanitizer) for a
 * crash or leak, 70 for a time-out, 71 for too much memory, but also when the program could not begin. What
 * counts is the file that it writes, and the executions that it reports.
 */
import { ARTIFACT_KINDS, type ArtifactKind } from "../../contracts/failure.ts";
import type { ToolOutput } from "./tool-run.ts";

export interface LibFuzzerOptions {
  readonly executable: string;
  /** The first takes what is found; the others are read only. */
  readonly corpusFolders: readonly string[];
  readonly artifactFolder: string;
  readonly maxSeconds: number;
  /** Of one input. */
  readonly timeoutSeconds: number;
  readonly memoryMebibytes: number;
  readonly seed: number;
  /** Appended as they are, for example -max_len=4096 or -dict=FILE. */
  readonly arguments: readonly string[];
}

export const inputLimits = (options: Pick<LibFuzzerOptions, "timeoutSeconds" | "memoryMebibytes">): string[] => [
  `-timeout=${String(options.timeoutSeconds)}`,
  `-rss_limit_mb=${String(options.memoryMebibytes)}`,
];

export function fuzzCommand(options: LibFuzzerOptions): string[] {
  return [
    options.executable,
    `-max_total_time=${String(options.maxSeconds)}`, // 0 would be for ever
    ...inputLimits(options),
    `-artifact_prefix=${options.artifactFolder}/`,
    `-seed=${String(options.seed)}`,
    "-print_final_stats=1",
    ...options.arguments,
    ...options.corpusFolders,
  ];
}

type ForOneInput = Pick<LibFuzzerOptions, "executable" | "timeoutSeconds" | "memoryMebibytes">;

/** Runs one input once. `artifactFolder` keeps it from writing into its working folder. */
export function reproduceCommand(options: ForOneInput & { artifactFolder: string }, input: string): string[] {
  return [options.executable, ...inputLimits(options), `-artifact_prefix=${options.artifactFolder}/`, input];
}

/** Makes a crashing input shorter; the best one so far is always in `output`. */
export function minimizeCommand(options: ForOneInput, input: string, output: string, maxSeconds: number): string[] {
  const time = `-max_total_time=${String(maxSeconds)}`;
  return [
    options.executable,
    "-minimize_crash=1",
    time,
    ...inputLimits(options),
    `-exact_artifact_path=${output}`,
    input,
  ];
}

/** Copies into `output`, which must be empty, the inputs of `corpus` that are needed for its coverage. */
export function mergeCommand(options: ForOneInput, output: string, corpus: string): string[] {
  return [options.executable, "-merge=1", ...inputLimits(options), output, corpus];
}

/** What one process did, from its status lines. */
export interface FuzzStatistics {
  readonly executions: number;
  /** Edges of the control flow that were reached. */
  readonly edges: number;
  /** Edges with how often, and comparisons. */
  readonly features: number;
  readonly corpusInputs: number;
  readonly slowestInputSeconds: number;
  readonly peakMemoryMebibytes: number;
}

export const NO_STATISTICS: FuzzStatistics = {
  executions: 0,
  edges: 0,
  features: 0,
  corpusInputs: 0,
  slowestInputSeconds: 0,
  peakMemoryMebibytes: 0,
};

/** `#887552	DONE   cov: 20 ft: 33 corp: 12/355b lim: 4096 exec/s: 221888 rss: 142Mb` */
const STATUS = /^#(\d+)\s+(?:INITED|READ|NEW|REDUCE|pulse|RELOAD|DONE|MISSING|RECORD)\b(.*)$/;
const FINAL = /^stat::(number_of_executed_units|slowest_unit_time_sec|peak_rss_mb): +(\d+)$/;

/** Folds one line in: numbers only grow, also when lines were lost. */
export function withStatusLine(now: FuzzStatistics, line: string): FuzzStatistics {
  const status = STATUS.exec(line);
  if (status !== null) {
    const number = (name: string): number => Number(new RegExp(`\\b${name}: (\\d+)`).exec(status[2] ?? "")?.[1] ?? 0);
    return {
      ...now,
      executions: Math.max(now.executions, Number(status[1])),
      edges: Math.max(now.edges, number("cov")),
      features: Math.max(now.features, number("ft")),
      corpusInputs: number("corp") || now.corpusInputs,
      peakMemoryMebibytes: Math.max(now.peakMemoryMebibytes, number("rss")),
    };
  }
  const [, name, digits] = FINAL.exec(line) ?? [];
  const value = Number(digits);
  if (name === "number_of_executed_units") return { ...now, executions: Math.max(now.executions, value) };
  if (name === "slowest_unit_time_sec")
    return { ...now, slowestInputSeconds: Math.max(now.slowestInputSeconds, value) };
  if (name === "peak_rss_mb") return { ...now, peakMemoryMebibytes: Math.max(now.peakMemoryMebibytes, value) };
  return now;
}

/** The kind of a file that libFuzzer wrote, by its name; undefined for any other file. */
export function artifactKind(fileName: string): ArtifactKind | undefined {
  const kind = /^(crash|leak|timeout|oom|slow-unit)-[0-9a-f]{40}$/.exec(fileName)?.[1];
  return ARTIFACT_KINDS.find((one) => one === kind);
}

/** A slow input is worth a look, but breaks nothing. */
export const isFailure = (kind: ArtifactKind): boolean => kind !== "slow-unit";

export type FuzzEnd =
  /** It used up its time. */
  | { readonly kind: "time-used" }
  /** It stopped at an input that fails. */
  | { readonly kind: "found" }
  /** The runner stopped it. */
  | { readonly kind: "stopped" }
  | { readonly kind: "problem"; readonly reason: string };

/** How one process ended. `newArtifacts`: kinds of the files that it wrote. */
export function judgeFuzzProcess(
  output: ToolOutput,
  statistics: FuzzStatistics,
  newArtifacts: readonly ArtifactKind[],
): FuzzEnd {
  const { end, text } = output;
  const hasFailure = newArtifacts.some(isFailure);
  if (end.ending === "stopped") return hasFailure ? { kind: "found" } : { kind: "stopped" };
  if (hasFailure) return { kind: "found" };
  const problem = (reason: string): FuzzEnd => ({ kind: "problem", reason });
  if (end.ending !== "exited") return problem(`${end.description}${lastError(text)}`);
  if (end.exitCode !== 0)
    return problem(`exit code ${String(end.exitCode)}, but no input was written${lastError(text)}`);
  if (!/^Done \d+ runs in \d+ second/m.test(text)) return problem("exit code 0 without its final line");
  if (/no interesting inputs were found/.test(text)) return problem("it is not instrumented: no coverage was seen");
  if (statistics.executions === 0) return problem("nothing was executed");
  return { kind: "time-used" };
}

function lastError(text: string): string {
  const error = text.split("\n").findLast((line) => /ERROR|error while loading|WARNING: no interesting/.test(line));
  return error === undefined ? "" : `: ${error.trim().slice(0, 200)}`;
}

export interface MergeResult {
  readonly inputs: number;
  readonly newInputs: number;
  readonly features: number;
}

/** Undefined when the merge did not come to its end: `cargo fuzz cmin` exits 0 even then. */
export function mergeResult({ end, text }: ToolOutput): MergeResult | undefined {
  const before = /^MERGE-OUTER: (\d+) files, (\d+) in the initial corpus/m.exec(text);
  const after = /^MERGE-OUTER: (\d+) new files with (\d+) new features added/m.exec(text);
  if (end.exitCode !== 0 || before === null || after === null || !/^MERGE-OUTER: successful in/m.test(text)) {
    return undefined;
  }
  return { inputs: Number(before[1]), newInputs: Number(after[1]), features: Number(after[2]) };
}
