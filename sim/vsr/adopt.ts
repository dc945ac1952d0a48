/** Standing on a checkpoint: forgetting the log below it, and going on from the state of another replica. */
import type { Checkpoint } from "./checkpoint.ts";
import { FORGOTTEN, type Entry } from "./log.ts";
import type { Outputs, ReplicaState } from "./state.ts";

/** True when a checkpoint is due once this operation is executed. */
export function isCheckpointDue(state: ReplicaState, op: number): boolean {
  const { checkpointInterval } = state.configuration;
  return checkpointInterval > 0 && op % checkpointInterval === 0;
}

/** The log begins with `op` from now on. */
export function forgetBelow(state: ReplicaState, op: number): void {
  if (op <= state.base) return;
  for (let forgotten = state.base; forgotten < op; forgotten++) state.log[forgotten] = FORGOTTEN;
  state.base = op;
}

/** Goes on from a checkpoint of another replica: its state, and nothing below it. */
export function adoptCheckpoint(state: ReplicaState, checkpoint: Checkpoint, outputs: Outputs): void {
  state.database = checkpoint.database.copy();
  state.commit = checkpoint.op;
  state.projection.reset(state.database, checkpoint.op);
  state.pendingCheckpoint = checkpoint;
  state.log = new Array<Entry>(checkpoint.op).fill(FORGOTTEN);
  state.log.push(checkpoint.anchor);
  state.base = checkpoint.op;
  outputs.adopted = checkpoint;
}
