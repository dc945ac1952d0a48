/** What a comparison of benchmarks with their history says, in lines: for the digest and for `kimtest infra-bench`. */
import type { BenchmarkChange, BenchmarkComparison } from "../../../contracts/benchmark-comparison.ts";
import { wrapped } from "./layout.ts";

/** Changes shown; the rest is counted. */
const MAX_CHANGES = 20;
const MAX_NAMED = 3;

/** One line: what the comparison is worth. */
export function benchmarkSummary(comparison: BenchmarkComparison | null): string {
  if (comparison === null) return "not compared with their history";
  const { series, changes, quiet, quiet_reason: loud, runs_needed: needed } = comparison;
  if (series.length === 0) return "nothing to compare";
  if (quiet === "no") return `this run does not count: ${loud ?? "the machine was not quiet"}`;
  const seen = series.flatMap(({ noise }) => (noise === null ? [] : [noise.smallest_detectable]));
  if (seen.length === 0) {
    const runs = Math.min(needed, ...series.map((one) => one.runs));
    return `the history begins: ${String(runs)} of ${String(needed)} runs, changes are not judged yet`;
  }
  const open = changes.filter((change) => change.open).length;
  const found = open === 0 ? "no open change" : `${String(open)} open ${open === 1 ? "change" : "changes"}`;
  const young = series.length - seen.length;
  const rest = young === 0 ? "" : `; ${String(young)} too young`;
  return `${found}, one of ${range(seen)} would be seen${rest}`;
}

/** Each change with its size, its interval and its commits; open ones first. */
export function changeLines(comparison: BenchmarkComparison | null): string[] {
  const changes = (comparison?.changes ?? []).toSorted((a, b) => Number(b.open) - Number(a.open));
  const left = changes.length - MAX_CHANGES;
  return [
    ...changes
      .slice(0, MAX_CHANGES)
      .flatMap((change) => wrapped(`    ${label(change).padEnd(11)} ${change.benchmark}: ${change.text}`, 16)),
    ...(left > 0 ? [`    and ${String(left)} more changes: kimtest infra-bench --json`] : []),
  ];
}

export function promotedLines(comparison: BenchmarkComparison | null): string[] {
  const promoted = comparison?.promoted ?? [];
  if (promoted.length === 0) return [];
  const named = promoted.slice(0, MAX_NAMED).map(({ benchmark, reason }) => `${benchmark} (${reason})`);
  const more = promoted.length > named.length ? ` and ${String(promoted.length - named.length)} more` : "";
  return wrapped(`    ACCEPTED    as the level to compare with: ${named.join(", ")}${more}`, 16);
}

function label({ kind, open }: BenchmarkChange): string {
  if (kind === "improvement") return "FASTER";
  return open ? "SLOWER" : "WAS SLOWER";
}

/** `2.0 %`, or `2.0 to 6.1 %`. */
function range(shares: readonly number[]): string {
  const percent = (share: number): string => (share * 100).toFixed(1);
  const low = percent(Math.min(...shares));
  const high = percent(Math.max(...shares));
  return low === high ? `${low} %` : `${low} to ${high} %`;
}
