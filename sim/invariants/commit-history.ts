/**
 * Commit history: a replica commits one op after the other; what was committed once is in the log of
 * every later primary ("Leader Completeness", Ongaro and Ousterhout, "In Search of an Understandable
 * Consensus Algorithm", 2014, figure 3); what a client saw acknowledged stays.
 */
import type { Database } from "../database/database.ts";
import type { CommittedHistory } from "./vsr-agreement.ts";
import { isSame, type Entry } from "../vsr/log.ts";

/** A replica became the primary of `view`: its log must hold all that was committed up to that view. */
export function missingFromPrimary(
  history: CommittedHistory,
  replica: number,
  view: number,
  log: readonly Entry[],
): string | null {
  const { entries, views } = history;
  let op = entries.length - 1;
  while (op > 0 && views[op]! > view) op -= 1;
  const held = log[op];
  if (held !== undefined && isSame(held, entries[op]!)) return null;
  const what = held === undefined ? `ends at op ${log.length - 1}` : `has something else there`;
  return `op ${op} was committed in view ${views[op]!}, but the log of replica ${replica}, primary of view ${view}, ${what}`;
}

/** A replica at rest must remember every request that was answered: the reason why it does not, or null. */
export function forgottenRequest(replica: number, database: Database, client: number, request: number): string | null {
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

  restarted(replica: number): void {
    this.lastOps[replica] = 0;
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
