/** Executing what is committed, in order ("Viewstamped Replication Revisited" section 4, steps 5 and 7). */
import { OPERATION, Operation } from "../database/operation.ts";
import { isPrimary, type Outputs, type ReplicaState } from "./state.ts";
import { isCheckpointDue } from "./adopt.ts";
import { Checkpoint } from "./checkpoint.ts";
import { reply } from "./messages.ts";

/** Canary: the same request, but only reading. */
function asRead({ key, value, client, request, session, tenant }: Operation): Operation {
  return new Operation(OPERATION.read, key, value, client, request, session, tenant);
}

function cellOf(state: ReplicaState, { tenant, key }: Operation): number {
  return tenant * state.configuration.database.keysPerTenant + key;
}

/** Executes all operations up to `commit` that are in the log; the primary answers the clients. */
export function commitUpTo(state: ReplicaState, commit: number, outputs: Outputs): void {
  const target = Math.min(commit, state.op);
  if (target <= state.commit) return;
  const answering = isPrimary(state);
  const { bugs, replicaCount } = state.configuration;
  while (state.commit < target) {
    const entry = state.log[state.commit + 1]!;
    const operation = entry.operation;
    const checkpointDue = isCheckpointDue(state, entry.op);
    const before = checkpointDue && bugs.staleCheckpoint ? state.database.copy() : null;
    const skipped = bugs.backupSkipsRemoves && !answering && operation.kind === OPERATION.remove;
    const executed = skipped ? asRead(operation) : operation;
    const result = state.database.execute(entry.op, executed);
    state.commit += 1;
    const { changedCell, values } = state.database;
    state.projection.enqueue(entry.op, changedCell, changedCell < 0 ? 0 : values[changedCell]!);
    if (checkpointDue) {
      state.pendingCheckpoint = new Checkpoint(entry, before ?? state.database.copy());
      outputs.checkpoint = state.pendingCheckpoint;
    }
    outputs.committed.push(entry);
    outputs.stateHashes.push(state.database.hashLow, state.database.hashHigh);
    outputs.results.push(result);
    outputs.rows.push(operation.kind === OPERATION.scan ? state.database.rows[operation.client]! : null);
    const stale = bugs.readsProjection && operation.kind === OPERATION.read;
    const answer = stale ? state.projection.read(cellOf(state, operation), state.projection.appliedOp) : result;
    // A client whose newer request was executed does not wait for this one.
    if (answering && state.database.remembers(operation)) {
      outputs.send(
        replicaCount + operation.client,
        reply(state.replica, state.view, operation.request, answer, state.database.rows[operation.client]!),
      );
    }
  }
}
