/**
 * Liveness: some time after the last fault every request is answered and the replicas are equal ("Viewstamped
 * Replication Revisited" section 8.2; a bound instead of "eventually", as in bounded liveness checking).
 */
import { JOB, STATUS_NAMES, mayVote, type ReplicaState } from "../vsr/state.ts";
import type { Client } from "../vsr/client.ts";

/** After the faults: so much simulated time and so many events until all must be well. */
export const SETTLE_US = 20_000_000;
export const SETTLE_EVENTS = 60_000;

/** True when every replica is up, in one view, and has committed and synced all `length` operations. */
export function replicasAreAtRest(replicas: readonly (ReplicaState | null)[], length: number): boolean {
  const first = replicas[0];
  for (const state of replicas) {
    if (state === null || !mayVote(state) || state.view !== first?.view) return false;
    if (state.commit !== length || state.op !== length) return false;
    if (state.pendingCheckpoint !== null || state.checkpointWritten) return false;
    if (state.job !== JOB.none || state.syncedOp !== state.op || state.clearTo > 0) return false;
  }
  return true;
}

/** `settledUs` and `settledEvents` have passed since the last fault. */
export function whyNotAtRest(
  replicas: readonly (ReplicaState | null)[],
  clients: readonly Client[],
  settledUs: number,
  settledEvents: number,
): string {
  const states = replicas.map((state) =>
    state === null
      ? "down"
      : `${STATUS_NAMES[state.status as 0 | 1 | 2]} view ${state.view} op ${state.op} commit ${state.commit}`,
  );
  const waiting = clients.filter((client) => client.waitingFor !== null).map((client) => client.client);
  const waits = waiting.length === 0 ? "no client waits" : `clients ${waiting.join(", ")} wait for an answer`;
  const since = `${settledUs / 1_000_000} s and ${settledEvents} events after the last fault`;
  return `${since} the cluster is not at rest: ${states.join("; ")}; ${waits}`;
}
