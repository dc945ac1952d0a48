/** Where a replica stands in a view: entering one, and having heard from its primary. */
import { STATUS, type ReplicaState } from "./state.ts";

export function heardFromPrimary(state: ReplicaState): void {
  const { viewChangeUs, viewChangeSpreadUs } = state.configuration.timeouts;
  state.viewChangeAtUs = state.nowUs + viewChangeUs + state.replica * viewChangeSpreadUs;
  state.viewChangeAttempts = 0;
}

/** After a log was installed: a clean slate for the new view. */
export function enterNormal(state: ReplicaState): void {
  state.status = STATUS.normal;
  state.acknowledgedOp = 0;
  state.startViewChangeVotes = 0;
  state.doViewChanges.fill(null);
  state.recoveryResponses.fill(null);
  state.repair = null;
}
