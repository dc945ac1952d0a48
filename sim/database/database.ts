/**
 * The state machine that is replicated: a key-value store with client sessions (exactly-once requests,
 * "Viewstamped Replication Revisited" section 4, the client table).
 *
 * Deterministic: the same operations in the same order give the same state and the same results. The
 * hash of the state is kept up to date with every change (a sum of the hashes of its cells), so that
 * comparing replicas after every operation costs nothing.
 */
import { HIGH_SEED, LOW_SEED, finish, mixHigh, mixLow } from "../hash.ts";
import { ABSENT, OPERATION, type Operation } from "./operation.ts";

/** Keys and clients are small numbers; the limits keep the state in flat arrays. */
export const MAX_KEYS = 64;
export const MAX_CLIENTS = 16;

const KEY_CELL = 1;
const SESSION_CELL = 2;

function cellLow(kind: number, index: number, first: number, second: number, third: number): number {
  return finish(mixLow(mixLow(mixLow(mixLow(LOW_SEED, kind * 65536 + index), first), second), third));
}

function cellHigh(kind: number, index: number, first: number, second: number, third: number): number {
  return finish(mixHigh(mixHigh(mixHigh(mixHigh(HIGH_SEED, kind * 65536 + index), first), second), third));
}

export class Database {
  /** Value per key; ABSENT where there is none. */
  readonly values: number[];
  /** Per client: number of its open session, 0 before it registered. */
  readonly sessions: number[];
  /** Per client: the request executed last, and its result. */
  readonly requests: number[];
  readonly results: number[];
  hashLow = 0;
  hashHigh = 0;

  constructor(keys: number, clients: number) {
    this.values = new Array<number>(keys).fill(ABSENT);
    this.sessions = new Array<number>(clients).fill(0);
    this.requests = new Array<number>(clients).fill(-1);
    this.results = new Array<number>(clients).fill(0);
  }

  copy(): Database {
    const copy = new Database(0, 0);
    copy.values.push(...this.values);
    copy.sessions.push(...this.sessions);
    copy.requests.push(...this.requests);
    copy.results.push(...this.results);
    copy.hashLow = this.hashLow;
    copy.hashHigh = this.hashHigh;
    return copy;
  }

  /** True when this operation's session is open and its request is the next one: it will be executed. */
  accepts(operation: Operation): boolean {
    const client = operation.client;
    if (operation.kind === OPERATION.register) return this.sessions[client] === 0;
    return this.sessions[client] === operation.session && operation.request === this.requests[client]! + 1;
  }

  /** Executes the operation committed as number `op`; a request that was executed before changes nothing. */
  execute(op: number, operation: Operation): number {
    const client = operation.client;
    if (!this.accepts(operation)) return this.results[client]!;
    this.subtractSession(client);
    let result: number;
    if (operation.kind === OPERATION.register) {
      this.sessions[client] = op;
      result = op;
    } else {
      result = this.apply(operation);
    }
    this.requests[client] = operation.request;
    this.results[client] = result;
    this.addSession(client);
    return result;
  }

  /** The hash of the whole state computed from nothing: what the incremental one must be equal to. */
  recomputedHash(): { low: number; high: number } {
    let low = 0;
    let high = 0;
    for (let key = 0; key < this.values.length; key++) {
      const value = this.values[key]!;
      if (value === ABSENT) continue;
      low = (low + cellLow(KEY_CELL, key, value, 0, 0)) | 0;
      high = (high + cellHigh(KEY_CELL, key, value, 0, 0)) | 0;
    }
    for (let client = 0; client < this.sessions.length; client++) {
      const session = this.sessions[client]!;
      if (session === 0) continue;
      low = (low + cellLow(SESSION_CELL, client, session, this.requests[client]!, this.results[client]!)) | 0;
      high = (high + cellHigh(SESSION_CELL, client, session, this.requests[client]!, this.results[client]!)) | 0;
    }
    return { low, high };
  }

  private apply(operation: Operation): number {
    const key = operation.key;
    const old = this.values[key]!;
    switch (operation.kind) {
      case OPERATION.read:
        return old;
      case OPERATION.write:
        this.store(key, old, operation.value);
        return operation.value;
      case OPERATION.add: {
        // Sums stay positive 31-bit numbers, so that none is ever equal to ABSENT.
        const sum = ((old + operation.value) & 0x7fffffff) | 1;
        this.store(key, old, sum);
        return sum;
      }
      case OPERATION.remove:
        this.store(key, old, ABSENT);
        return old;
      default:
        throw new Error(`unknown operation ${operation.kind}`);
    }
  }

  private store(key: number, old: number, value: number): void {
    if (old !== ABSENT) {
      this.hashLow = (this.hashLow - cellLow(KEY_CELL, key, old, 0, 0)) | 0;
      this.hashHigh = (this.hashHigh - cellHigh(KEY_CELL, key, old, 0, 0)) | 0;
    }
    if (value !== ABSENT) {
      this.hashLow = (this.hashLow + cellLow(KEY_CELL, key, value, 0, 0)) | 0;
      this.hashHigh = (this.hashHigh + cellHigh(KEY_CELL, key, value, 0, 0)) | 0;
    }
    this.values[key] = value;
  }

  private subtractSession(client: number): void {
    const session = this.sessions[client]!;
    if (session === 0) return;
    const request = this.requests[client]!;
    const result = this.results[client]!;
    this.hashLow = (this.hashLow - cellLow(SESSION_CELL, client, session, request, result)) | 0;
    this.hashHigh = (this.hashHigh - cellHigh(SESSION_CELL, client, session, request, result)) | 0;
  }

  private addSession(client: number): void {
    const session = this.sessions[client]!;
    const request = this.requests[client]!;
    const result = this.results[client]!;
    this.hashLow = (this.hashLow + cellLow(SESSION_CELL, client, session, request, result)) | 0;
    this.hashHigh = (this.hashHigh + cellHigh(SESSION_CELL, client, session, request, result)) | 0;
  }
}
