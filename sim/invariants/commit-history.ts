/**
 * Commit history: a replica commits one op after the other, without gaps; what is committed is held by a
 * quorum; what a client saw acknowledged was committed and stays ("Viewstamped Replication Revisited"
 * section 4).
 */
import type { Database } from "../database/database.ts";
import type { Entry } from "../vsr/log.ts";

/** The reason why an entry must not count as committed: fewer than a quorum hold it. */
export function withoutQuorum(entry: Entry, holders: number, replicas: number): string | null {
  const quorum = (replicas >> 1) + 1;
  if (holders >= quorum) return null;
  return `op ${entry.op} was committed, but only ${holders} of ${replicas} replicas hold it, ${quorum} must`;
}

/** A replica at rest must remember every request that was answered: the reason why it does not, or null. */
export function forgottenRequest(replica: number, database: Database, client: number, request: number): string | null {
  // A session that was taken may be forgotten.
  if (database.evictions > 0 && database.sessions[client] === 0) return null;
  const remembered = database.requests[client]!;
  if (remembered >= request) return null;
  return `client ${client} was answered request ${request}, but replica ${replica} executed only up to request ${remembered}`;
}

export class CommitHistory {
  /** Per replica, since its last start. */
  private readonly lastOps: number[];
  /** Per client, the newest request that is committed anywhere. */
  private readonly committedRequests: number[];

  constructor(replicas: number, clients: number) {
    this.lastOps = new Array<number>(replicas).fill(0);
    this.committedRequests = new Array<number>(clients).fill(-1);
  }

  /** A replica starts, or goes on from a checkpoint: `op` is the last one that its state knows. */
  continuesFrom(replica: number, op: number): void {
    this.lastOps[replica] = op;
  }

  commit(replica: number, entry: Entry): string | null {
    const expected = this.lastOps[replica]! + 1;
    this.lastOps[replica] = entry.op;
    const { client, request } = entry.operation;
    if (request > this.committedRequests[client]!) this.committedRequests[client] = request;
    if (entry.op === expected) return null;
    return `replica ${replica} committed op ${entry.op} where op ${expected} was next`;
  }

  /** A client saw this request answered. */
  acknowledged(client: number, request: number): string | null {
    if (this.committedRequests[client]! >= request) return null;
    return `client ${client} was answered request ${request}, which no replica has committed`;
  }
}
