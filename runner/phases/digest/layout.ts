/** How the digest's text is laid out: columns, wrapping, numbers and times. */
import type { Judgement, Verdict } from "../../../contracts/verdict.ts";

export const MARK: Record<Verdict, string> = { passed: "PASSED", failed: "FAILED", inconclusive: "INCONCLUSIVE" };
export const WIDTH = 100;
/** Where the evidence of a workload begins. */
const EVIDENCE_COLUMN = 35;
const PART_WIDTH = 20;

/** A workload: its name, its verdict, and what it rests on. */
export function row(name: string, verdict: string, evidence: readonly string[]): string[] {
  const [first = "", ...more] = evidence;
  const indent = " ".repeat(EVIDENCE_COLUMN);
  return [`${name.padEnd(20)} ${verdict.padEnd(13)} ${first}`, ...more.map((line) => indent + line)].flatMap((line) =>
    wrapped(line, EVIDENCE_COLUMN),
  );
}

/** A part of a workload: a check, a target, a suite. Reasons often begin with its name. */
export function part(name: string, { verdict }: Judgement, evidence: string): string[] {
  const said = evidence.startsWith(`${name}: `) ? evidence.slice(name.length + 2) : evidence;
  return wrapped(`    ${name.padEnd(PART_WIDTH)} ${MARK[verdict].padEnd(12)}  ${said}`, 4 + PART_WIDTH + 15);
}

const ATTENTION: readonly Verdict[] = ["inconclusive", "failed", "passed"];

/** What was not shown comes first: it is what nobody would look for. */
export function inconclusiveFirst<T extends Judgement>(parts: Readonly<Record<string, T>>): [string, T][] {
  return Object.entries(parts).sort(([, a], [, b]) => ATTENTION.indexOf(a.verdict) - ATTENTION.indexOf(b.verdict));
}

/** `2 passed, 1 inconclusive`. */
export function verdictCounts(parts: readonly Judgement[]): string {
  return (["passed", "failed", "inconclusive"] as const)
    .map((verdict) => [parts.filter((one) => one.verdict === verdict).length, verdict] as const)
    .filter(([count]) => count > 0)
    .map(([count, verdict]) => `${String(count)} ${verdict}`)
    .join(", ");
}

/** Breaks a line at spaces, or inside a word that is wider than a line; continued at column `indent`. */
export function wrapped(line: string, indent: number, width = WIDTH): string[] {
  const lines: string[] = [];
  let rest = line;
  while (rest.length > width) {
    const space = rest.lastIndexOf(" ", width);
    const cut = space > indent ? space : width;
    lines.push(rest.slice(0, cut).trimEnd());
    rest = " ".repeat(indent) + rest.slice(cut).trimStart();
  }
  return [...lines, rest];
}

export const number = (value: number | null): string => (value === null ? "?" : value.toLocaleString("en-US"));
export const times = (count: number): string => (count === 1 ? "once" : `${String(count)} times`);
export const shortCommit = (commit: string): string => commit.replace(/^([0-9a-f]{12})[0-9a-f]{28}/, "$1");

export function duration(totalSeconds: number): string {
  if (totalSeconds < 100) return `${totalSeconds.toFixed(1)} s`;
  const minutes = Math.floor(totalSeconds / 60);
  const hours = Math.floor(minutes / 60);
  return hours > 0
    ? `${String(hours)} h ${String(minutes % 60)} min`
    : `${String(minutes)} min ${String(Math.floor(totalSeconds % 60))} s`;
}
