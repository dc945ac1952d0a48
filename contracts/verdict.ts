/**
 * The three-valued verdict: the one idea of this project (docs/adr/0003-no-vacuous-green.md).
 *
 * `passed` needs evidence. Skipped, killed, preempted, unparsable, out of time, tool missing: all are
 * `inconclusive`, never passed and never failed.
 */
import { z } from "zod";

export const verdictSchema = z.enum(["passed", "failed", "inconclusive"]);
export type Verdict = z.infer<typeof verdictSchema>;

/** A verdict with its reason; only `passed` may go without one. */
export interface Judgement {
  readonly verdict: Verdict;
  /** One line for people; null when passed. */
  readonly reason: string | null;
}

export const PASSED: Judgement = { verdict: "passed", reason: null };
export const failed = (reason: string): Judgement => ({ verdict: "failed", reason });
export const inconclusive = (reason: string): Judgement => ({ verdict: "inconclusive", reason });

/** Failed outranks inconclusive outranks passed. */
const RANK: Record<Verdict, number> = { passed: 0, inconclusive: 1, failed: 2 };

/** The worst of several judgements, with the reasons of all that share it; no judgement at all is inconclusive. */
export function worstOf(judgements: readonly Judgement[]): Judgement {
  if (judgements.length === 0) return inconclusive("nothing was run");
  const rank = Math.max(...judgements.map((judgement) => RANK[judgement.verdict]));
  const worst = judgements.filter((judgement) => RANK[judgement.verdict] === rank);
  const reasons = [...new Set(worst.flatMap((judgement) => judgement.reason ?? []))];
  return { verdict: worst[0]!.verdict, reason: reasons.length === 0 ? null : reasons.join("; ") };
}
