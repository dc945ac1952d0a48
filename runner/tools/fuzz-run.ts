/**
 * Fuzzes one target for its whole time: libFuzzer ends at the first input that fails, so it is started
 * again until the time is used up. What it found is kept with the log of the process that found it.
 *
 * A bug that is hit within seconds of every start leaves nothing to search with: after a number of such
 * starts the rest of the time is given back, and the result says so.
 */
import { mkdir, readdir } from "node:fs/promises";
import { basename, join } from "node:path";
import type { ArtifactKind } from "../../contracts/failure.ts";
import { failed, inconclusive, PASSED, type Judgement } from "../../contracts/verdict.ts";
import type { Processes } from "../platform/processes.ts";
import { rustStack, signatureOf, type StackSignature } from "../triage/rust-stack.ts";
import { FUZZ_ENVIRONMENT } from "./cargo-fuzz.ts";
import {
  artifactKind,
  fuzzCommand,
  isFailure,
  judgeFuzzProcess,
  NO_STATISTICS,
  withStatusLine,
  type FuzzStatistics,
  type LibFuzzerOptions,
} from "./libfuzzer.ts";
import { runTool } from "./tool-run.ts";

/** Beyond its time a process may still be at an input, and write its corpus. */
const END_GRACE_MS = 30_000;
/** A start that fails within this time has searched for next to nothing. */
const SHORT_START_MS = 10_000;
/** So many short starts in a row, and the target is blocked by what it finds. */
const MAX_SHORT_STARTS = 20;
const MAX_STARTS = 10_000;
/** Findings kept, one per kind and exact signature; more are counted. */
const MAX_FINDINGS = 100;

export type FuzzRunOptions = Omit<LibFuzzerOptions, "maxSeconds"> & {
  readonly target: string;
  readonly fuzzingMs: number;
  /** How long a process may stay at one input beyond the time; by default as long as an input may take. */
  readonly overtimeMs?: number;
  /** By default as many as its time allows. */
  readonly maxStarts?: number;
  readonly signal?: AbortSignal;
  /** Called about once per status line, to show progress. */
  readonly onProgress?: (statistics: FuzzStatistics) => void;
};

export interface FuzzFinding {
  readonly kind: ArtifactKind;
  /** The input, in the artifact folder. */
  readonly path: string;
  /** Further inputs with this kind and exact signature. */
  readonly others: readonly string[];
  readonly signature: StackSignature;
  /** How often this kind and exact signature was found. */
  readonly count: number;
  /** Of the process that found it first. */
  readonly log: string;
}

/** What a verdict on a target is made of. */
export interface FuzzEvidence {
  /** What failed, in words, one per kind and signature. */
  readonly failing: readonly string[];
  /** Failing inputs, duplicates included. */
  readonly failures: number;
  readonly statistics: FuzzStatistics;
  /** Some process used up its time and ended by itself. */
  readonly hasUsedItsTime: boolean;
  /** Why a process proves nothing. */
  readonly problem: string | undefined;
  /** It failed at once at each of many starts. */
  readonly isBlocked: boolean;
  readonly isStopped: boolean;
}

export interface FuzzTargetRun extends FuzzEvidence {
  readonly judgement: Judgement;
  readonly durationMs: number;
  readonly starts: number;
  readonly executionsPerSecond: number;
  readonly findings: readonly FuzzFinding[];
  /** Of the last process. */
  readonly log: string;
}

export async function runFuzzTarget(processes: Processes, options: FuzzRunOptions): Promise<FuzzTargetRun> {
  const startedMs = performance.now();
  const { artifactFolder, signal } = options;
  await mkdir(artifactFolder, { recursive: true });
  const known = new Set(await readdir(artifactFolder)); // what an earlier run left is not found again
  const findings = new Map<string, FuzzFinding>();
  let total = NO_STATISTICS;
  let failures = 0;
  let shortStarts = 0;
  let starts = 0;
  let problem: string | undefined;
  let hasUsedItsTime = false;
  let log = "";
  const inputMs = options.timeoutSeconds * 1000 + END_GRACE_MS;
  const overtimeMs = Math.min(inputMs, options.overtimeMs ?? inputMs);

  while (starts < (options.maxStarts ?? MAX_STARTS) && signal?.aborted !== true) {
    const maxSeconds = Math.floor((options.fuzzingMs - (performance.now() - startedMs)) / 1000);
    if (maxSeconds < 1 && starts > 0) break;
    starts += 1;
    const before = total;
    let now = NO_STATISTICS;
    const output = await runTool(processes, {
      command: fuzzCommand({ ...options, maxSeconds: Math.max(1, maxSeconds), seed: seedOf(options.seed, starts) }),
      cwd: artifactFolder,
      env: FUZZ_ENVIRONMENT,
      deadlineMs: Math.max(1, maxSeconds) * 1000 + overtimeMs,
      ...(signal === undefined ? {} : { signal }),
      watch(line) {
        now = withStatusLine(now, line);
        if (line.startsWith("#")) options.onProgress?.(addStatistics(before, now));
      },
    });
    total = addStatistics(before, now);
    log = output.text;

    // The same input can be found again, and is written over the file that is there.
    const written = writtenFiles(output.text);
    const files = (await readdir(artifactFolder)).filter((name) => !known.has(name) || written.has(name));
    const kinds: ArtifactKind[] = [];
    for (const name of files) {
      known.add(name);
      const kind = artifactKind(name);
      if (kind === undefined) continue;
      kinds.push(kind);
      if (isFailure(kind)) failures += 1;
      const signature = signatureFor(kind, output.text);
      const key = `${kind} ${signature.exact}`;
      const path = join(artifactFolder, name);
      const seen = findings.get(key);
      if (seen !== undefined)
        findings.set(key, { ...seen, count: seen.count + 1, others: [...new Set([...seen.others, path])] });
      else if (findings.size < MAX_FINDINGS) {
        findings.set(key, { kind, path, others: [], signature, count: 1, log: output.text });
      }
    }
    const end = judgeFuzzProcess(output, now, kinds);
    // Cut in an input that would have been given longer: no fault of its own, and no proof.
    const isCut = output.end.ending === "deadline" && overtimeMs < inputMs;
    if (end.kind === "problem" && !isCut) problem = end.reason;
    hasUsedItsTime ||= end.kind === "time-used";
    if (end.kind !== "found") break;
    shortStarts = output.end.durationMs < SHORT_START_MS ? shortStarts + 1 : 0;
    if (shortStarts >= MAX_SHORT_STARTS) break;
  }
  const durationMs = performance.now() - startedMs;
  const found = [...findings.values()];
  const evidence: FuzzEvidence = {
    failing: found.filter(({ kind }) => isFailure(kind)).map(describeFinding),
    failures,
    statistics: total,
    hasUsedItsTime,
    problem,
    isBlocked: shortStarts >= MAX_SHORT_STARTS,
    isStopped: signal?.aborted === true,
  };
  return {
    ...evidence,
    judgement: judgeFuzzing(evidence),
    durationMs,
    starts,
    executionsPerSecond: durationMs === 0 ? 0 : total.executions / (durationMs / 1000),
    findings: found,
    log,
  };
}

export const describeFinding = ({ kind, signature }: Pick<FuzzFinding, "kind" | "signature">): string =>
  `${kind}: ${signature.exact}`;

/** Names of the files that a process says to have written. */
function writtenFiles(text: string): ReadonlySet<string> {
  return new Set([...text.matchAll(/Test unit written to (.+)$/gm)].map(([, path = ""]) => basename(path)));
}

/** Not the same search again after each failure. libFuzzer takes 0 for a seed of its own choice. */
const seedOf = (seed: number, start: number): number => ((seed + start * 7919) % 0x7fff_fffe) + 1;

/** An input that libFuzzer wrote without a stack (a slow one) is known by its kind. */
function signatureFor(kind: ArtifactKind, text: string): StackSignature {
  if (kind === "slow-unit") return { exact: kind, group: kind };
  const stack = rustStack(text);
  return stack === undefined ? { exact: kind, group: kind } : signatureOf(stack);
}

export function addStatistics(before: FuzzStatistics, now: FuzzStatistics): FuzzStatistics {
  return {
    executions: before.executions + now.executions,
    edges: Math.max(before.edges, now.edges),
    features: Math.max(before.features, now.features),
    corpusInputs: now.corpusInputs || before.corpusInputs,
    slowestInputSeconds: Math.max(before.slowestInputSeconds, now.slowestInputSeconds),
    peakMemoryMebibytes: Math.max(before.peakMemoryMebibytes, now.peakMemoryMebibytes),
  };
}

export function judgeFuzzing({ failing, failures, statistics, ...how }: FuzzEvidence): Judgement {
  if (failing.length > 0) {
    const what = failing.slice(0, 3);
    const blocked = how.isBlocked ? "; blocked by what it finds at once, the rest of its time was given back" : "";
    const more = failing.length > what.length ? `; ${String(failing.length - what.length)} more` : "";
    return failed(`${String(failures)} failing inputs: ${what.join("; ")}${more}${blocked}`);
  }
  if (how.problem !== undefined) return inconclusive(how.problem);
  if (how.isStopped) return inconclusive("stopped with the runner");
  if (statistics.executions === 0) return inconclusive("nothing was executed");
  if (statistics.edges === 0) return inconclusive("no coverage was measured");
  return how.hasUsedItsTime ? PASSED : inconclusive("no process used up its time and ended by itself");
}
