/** The invariants that hold in every explored world. */
import { missingFromPrimary } from "../invariants/vsr-view-change-safety.ts";
import { brokenLink } from "../invariants/hash-chain.ts";
import type { CommittedHistory } from "../invariants/vsr-agreement.ts";
import type { FoundViolation, Reaction } from "./world.ts";

/** What is wrong with a reaction, or null. Extends the history by what was committed in it. */
export function violationOf(reaction: Reaction, history: CommittedHistory): FoundViolation | null {
  const { state } = reaction.node;
  const { replica, view } = state;
  if (reaction.panic !== null) return { invariant: "commit_history", message: `replica ${replica}: ${reaction.panic}` };
  for (const entry of reaction.committed) {
    const disagreement = history.commit(replica, view, entry);
    if (disagreement !== null) return { invariant: "vsr_agreement", message: disagreement };
    const broken = brokenLink(history.entries[entry.op - 1]!, entry);
    if (broken !== null) return { invariant: "hash_chain", message: `replica ${replica}: ${broken}` };
  }
  if (state.commit > state.op) {
    return { invariant: "replica_head_progress", message: `replica ${replica} committed more than its log holds` };
  }
  const missing = reaction.becamePrimary ? missingFromPrimary(history, replica, view, state.log) : null;
  return missing === null ? null : { invariant: "vsr_view_change_safety", message: missing };
}
