/** Executing what is committed, in order ("Viewstamped Replication Revisited" section 4, steps 5 and 7). */
import { isPrimary, type Outputs, type ReplicaState } from "./state.ts";
import { reply } from "./messages.ts";

/** Executes all operations up to `commit` that are in the log; the primary answers the clients. */
export function commitUpTo(state: ReplicaState, commit: number, outputs: Outputs): void {
  const target = Math.min(commit, state.op);
  if (target <= state.commit) return;
  const answering = isPrimary(state);
  while (state.commit < target) {
    const entry = state.log[state.commit + 1]!;
    const operation = entry.operation;
    const result = state.database.execute(entry.op, operation);
    state.commit += 1;
    outputs.committed.push(entry);
    outputs.stateHashes.push(state.database.hashLow, state.database.hashHigh);
    // A client whose newer request was executed does not wait for this one.
    if (answering && state.database.requests[operation.client] === operation.request) {
      outputs.send(
        state.configuration.replicaCount + operation.client,
        reply(state.replica, state.view, operation.request, result),
      );
    }
  }
}
