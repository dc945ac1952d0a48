/**
 * What the adapters of the proof tools have in common.
 *
 * Each adapter is a pure pair, the command and the judge of what the command left behind, with a thin
 * function that runs the one and asks the other. A judge says `passed` only when the tool ended by itself
 * with the exit code of success, printed its mark of success, and counted work that is not nothing.
 */
import type { ProofFinding, ProofResult } from "../../contracts/proofs.ts";
import type { FormalVerificationResult } from "../../contracts/results.ts";
import { failed, inconclusive, PASSED, type Judgement } from "../../contracts/verdict.ts";
import type { ToolOptions, ToolOutput } from "./tool-run.ts";

/** How long a tool may take, what stops it, and who sees that it moves. */
export type ToolLimits = Pick<ToolOptions, "deadlineMs" | "stallMs" | "signal" | "env" | "watch">;

export interface ProofJudgement extends Judgement {
  readonly counted: Readonly<Record<string, number>>;
  readonly scope: string | null;
  readonly findings: readonly ProofFinding[];
}

/** One run: the record for the store, and the whole log, which is stored beside it. */
export interface ProofRun {
  readonly result: ProofResult;
  readonly log: string;
}

type Evidence = Partial<Pick<ProofJudgement, "counted" | "scope">>;

const withEvidence = (judgement: Judgement, { counted = {}, scope = null }: Evidence): ProofJudgement => ({
  ...judgement,
  counted,
  scope,
  findings: [],
});

export const proved = (evidence: Evidence & Pick<ProofJudgement, "counted">): ProofJudgement =>
  withEvidence(PASSED, evidence);
export const unproved = (reason: string, evidence: Evidence = {}): ProofJudgement =>
  withEvidence(inconclusive(reason), evidence);

/** The reason is made of the findings. */
export function refuted(findings: readonly ProofFinding[], evidence: Evidence = {}): ProofJudgement {
  const reason = findings.map(({ property, message }) => `${property}: ${message}`).join("; ");
  return { ...withEvidence(failed(reason.slice(0, 500)), evidence), findings };
}

/** A count as tools print it, with or without separators; 0 when it is no number. */
export function counted(digits: string | undefined): number {
  const value = Number((digits ?? "").replaceAll(",", ""));
  return Number.isSafeInteger(value) ? value : 0;
}

export function proofRun(
  about: Pick<ProofResult, "tool" | "subject" | "command">,
  output: ToolOutput,
  judgement: ProofJudgement,
): ProofRun {
  return {
    result: {
      ...about,
      command: [...about.command],
      verdict: judgement.verdict,
      reason: judgement.reason === null ? null : `${about.tool}: ${judgement.reason}`,
      duration_seconds: output.end.durationMs / 1000,
      counted: { ...judgement.counted },
      scope: judgement.scope,
      findings: bounded(judgement.findings),
    },
    log: output.text,
  };
}

/** Results are kept in memory and written often; the log, which is stored once, has everything. */
const MAX_FINDINGS = 50;
const MAX_TRACE_CHARACTERS = 128 * 1024;

function bounded(findings: readonly ProofFinding[]): ProofFinding[] {
  const kept = findings.slice(0, MAX_FINDINGS);
  return kept.map((finding) => ({
    ...finding,
    trace: boundedTrace(finding.trace, MAX_TRACE_CHARACTERS / kept.length),
  }));
}

/** How it began and how it ended; the gap is marked. */
function boundedTrace(trace: readonly string[], limit: number): string[] {
  const half = Math.floor(limit / 2);
  const entries = trace.map((entry) => (entry.length > half ? `${entry.slice(0, half - 1)}…` : entry));
  if (entries.reduce((sum, { length }) => sum + length, 0) <= limit) return entries;
  const fitting = (from: readonly string[]): string[] => {
    let length = 0;
    const tooMuch = from.findIndex((entry) => (length += entry.length) > half);
    return from.slice(0, tooMuch);
  };
  const head = fitting(entries);
  const tail = fitting(entries.toReversed()).toReversed();
  return [...head, `[… ${String(entries.length - head.length - tail.length)} left out, see the log …]`, ...tail];
}

/** For a tool that cannot run here: its image is for another architecture, its download failed, … */
export function notRun(about: Pick<ProofResult, "tool" | "subject" | "command">, reason: string): ProofRun {
  const end = { ending: "not-started", exitCode: null, signal: null, description: reason } as const;
  const output = { end: { ...end, stdout: "", stderr: "", durationMs: 0, cpuMs: 0 }, text: "" };
  return proofRun(about, output, unproved(reason));
}

/** The entry of a run in the result of the phase; `logKey`: where its whole log is stored. Its first counterexample stands for all. */
export function toolEntry(
  { verdict, reason, duration_seconds, counted: counts, scope, findings }: ProofResult,
  logKey: string | null,
): ToolEntry {
  return {
    verdict,
    reason,
    duration_seconds,
    states: counts["distinct_states"] ?? null,
    depth: counts["depth"] ?? null,
    scope,
    log_key: logKey,
    counterexample: findings.find(({ trace }) => trace.length > 0)?.trace ?? null,
  };
}
type ToolEntry = FormalVerificationResult["tools"][string];

/**
 * The identity of what does not hold: the same in every cycle, whatever the trace. By the check's name: specifications
 * of one tool have properties of one name, a deadlock for example, and those are not one bug.
 */
export const findingSignature = (check: string, { property }: ProofFinding): string =>
  `formal-verification:${check}:${property}`;
