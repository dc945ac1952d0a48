/**
 * The state machine that is replicated: a key-value store of several tenants, with client sessions
 * (exactly-once requests, "Viewstamped Replication Revisited" section 4, the client table). When there are
 * more clients than sessions the one that was silent longest loses its own.
 *
 * Deterministic: the same operations in the same order give the same state and the same results. The
 * hash of the state is kept up to date with every change (a sum of the hashes of its cells), so that
 * comparing replicas after every operation costs nothing.
 */
import { HIGH_SEED, LOW_SEED, finish, mixHigh, mixLow } from "../hash.ts";
import { ABSENT, OPERATION, sumOf, type Operation } from "./operation.ts";

/** Keys and clients are small numbers; the limits keep the state in flat arrays. */
export const MAX_KEYS = 64;
export const MAX_CLIENTS = 16;

const KEY_CELL = 1;
const SESSION_CELL = 2;

/** How large a database is. */
export interface DatabaseSize {
  readonly tenants: number;
  readonly keysPerTenant: number;
  readonly clients: number;
  /** Sessions that may be open at once. */
  readonly sessions: number;
}

/** Deliberate bugs of the database; see ../canaries.ts. */
export interface DatabaseBugs {
  /** A request that was executed before is executed again. */
  readonly repeatsRequests: boolean;
  /** A scan does not end with the tenant's last key. */
  readonly scansBeyondTenant: boolean;
}

function cellLow(kind: number, index: number, first: number, second: number, third: number): number {
  return finish(mixLow(mixLow(mixLow(mixLow(LOW_SEED, kind * 65536 + index), first), second), third));
}

function cellHigh(kind: number, index: number, first: number, second: number, third: number): number {
  return finish(mixHigh(mixHigh(mixHigh(mixHigh(HIGH_SEED, kind * 65536 + index), first), second), third));
}

export class Database {
  readonly size: DatabaseSize;
  private readonly bugs: DatabaseBugs;
  /** Value per cell (tenant times keys per tenant, plus key); ABSENT where there is none. */
  readonly values: number[];
  /** Per client: number of its open session, 0 when it has none. */
  readonly sessions: number[];
  /** Per client: the request executed last, its op number, and its result. */
  readonly requests: number[];
  readonly ops: number[];
  readonly results: number[];
  /** Per client: the values that its last request read, if it was a scan. */
  readonly rows: (readonly number[] | null)[];
  hashLow = 0;
  hashHigh = 0;
  /** The cell that the operation executed last has changed; -1 when it changed none. */
  changedCell = -1;
  /** Sessions that were taken from silent clients. */
  evictions = 0;

  constructor(size: DatabaseSize, bugs: DatabaseBugs) {
    this.size = size;
    this.bugs = bugs;
    this.values = new Array<number>(size.tenants * size.keysPerTenant).fill(ABSENT);
    this.sessions = new Array<number>(size.clients).fill(0);
    this.requests = new Array<number>(size.clients).fill(-1);
    this.ops = new Array<number>(size.clients).fill(0);
    this.results = new Array<number>(size.clients).fill(0);
    this.rows = new Array<readonly number[] | null>(size.clients).fill(null);
  }

  copy(): Database {
    const copy = new Database(this.size, this.bugs);
    copyInto(copy.values, this.values);
    copyInto(copy.sessions, this.sessions);
    copyInto(copy.requests, this.requests);
    copyInto(copy.ops, this.ops);
    copyInto(copy.results, this.results);
    copyInto(copy.rows, this.rows);
    copy.hashLow = this.hashLow;
    copy.hashHigh = this.hashHigh;
    copy.evictions = this.evictions;
    return copy;
  }

  /** True when this is an operation at all, on a key that there is: nothing else may get into the log. */
  understands({ kind, key, tenant, client }: Operation): boolean {
    const { tenants, keysPerTenant, clients } = this.size;
    return (
      kind >= OPERATION.register &&
      kind <= OPERATION.scan &&
      tenant >= 0 &&
      tenant < tenants &&
      key >= 0 &&
      key < keysPerTenant &&
      client >= 0 &&
      client < clients
    );
  }

  /** True when this operation's session is open and its request is the next one: it will be executed. */
  accepts(operation: Operation): boolean {
    const client = operation.client;
    if (operation.kind === OPERATION.register) return operation.request > this.requests[client]!;
    if (operation.session === 0 || this.sessions[client] !== operation.session) return false;
    if (this.bugs.repeatsRequests && operation.request === this.requests[client]) return true;
    return operation.request === this.requests[client]! + 1;
  }

  /** True when this very request was executed, and its answer is still known. */
  remembers(operation: Operation): boolean {
    const client = operation.client;
    if (this.requests[client] !== operation.request) return false;
    return operation.kind === OPERATION.register || this.sessions[client] === operation.session;
  }

  /** Executes the operation committed as number `op`; a request that was executed before changes nothing. */
  execute(op: number, operation: Operation): number {
    const client = operation.client;
    this.changedCell = -1;
    if (!this.accepts(operation)) return this.results[client]!;
    if (operation.kind === OPERATION.register) this.makeRoom(client);
    this.changeSession(client, -1);
    let result: number;
    this.rows[client] = null;
    if (operation.kind === OPERATION.register) {
      this.sessions[client] = op;
      result = op;
    } else {
      result = this.apply(operation);
    }
    this.requests[client] = operation.request;
    this.ops[client] = op;
    this.results[client] = result;
    this.changeSession(client, 1);
    return result;
  }

  /** The hash of the whole state computed from nothing: what the incremental one must be equal to. */
  recomputedHash(): { low: number; high: number } {
    let low = 0;
    let high = 0;
    for (let cell = 0; cell < this.values.length; cell++) {
      const value = this.values[cell]!;
      if (value === ABSENT) continue;
      low = (low + cellLow(KEY_CELL, cell, value, 0, 0)) | 0;
      high = (high + cellHigh(KEY_CELL, cell, value, 0, 0)) | 0;
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
    const { tenant, key } = operation;
    const cell = tenant * this.size.keysPerTenant + key;
    const old = this.values[cell]!;
    switch (operation.kind) {
      case OPERATION.read:
        return old;
      case OPERATION.write:
        this.store(cell, old, operation.value);
        return operation.value;
      case OPERATION.add: {
        const sum = sumOf(tenant, old, operation.value);
        this.store(cell, old, sum);
        return sum;
      }
      case OPERATION.remove:
        this.store(cell, old, ABSENT);
        return old;
      case OPERATION.scan:
        return this.scan(operation, cell);
      default:
        throw new Error(`unknown operation ${operation.kind}`);
    }
  }

  /** Keeps the values read and returns a hash of them. */
  private scan(operation: Operation, cell: number): number {
    const { keysPerTenant } = this.size;
    const tenantEnd = this.bugs.scansBeyondTenant ? this.values.length : (operation.tenant + 1) * keysPerTenant;
    const rows = this.values.slice(cell, Math.min(cell + operation.value, tenantEnd));
    this.rows[operation.client] = rows;
    return hashOfRows(rows);
  }

  /** Before a client registers: takes the session of the client that was silent longest, if all are taken. */
  private makeRoom(client: number): void {
    if (this.sessions[client] !== 0) return;
    let open = 0;
    let silent = -1;
    for (let other = 0; other < this.sessions.length; other++) {
      if (this.sessions[other] === 0) continue;
      open += 1;
      if (silent < 0 || this.ops[other]! < this.ops[silent]!) silent = other;
    }
    if (open < this.size.sessions) return;
    this.changeSession(silent, -1);
    this.sessions[silent] = 0;
    this.requests[silent] = -1;
    this.results[silent] = 0;
    this.rows[silent] = null;
    this.evictions += 1;
  }

  private store(cell: number, old: number, value: number): void {
    if (old !== ABSENT) {
      this.hashLow = (this.hashLow - cellLow(KEY_CELL, cell, old, 0, 0)) | 0;
      this.hashHigh = (this.hashHigh - cellHigh(KEY_CELL, cell, old, 0, 0)) | 0;
    }
    if (value !== ABSENT) {
      this.hashLow = (this.hashLow + cellLow(KEY_CELL, cell, value, 0, 0)) | 0;
      this.hashHigh = (this.hashHigh + cellHigh(KEY_CELL, cell, value, 0, 0)) | 0;
    }
    this.values[cell] = value;
    this.changedCell = cell;
  }

  /** Adds a client's session to the hash, or takes it out. */
  private changeSession(client: number, sign: 1 | -1): void {
    const session = this.sessions[client]!;
    if (session === 0) return;
    const request = this.requests[client]!;
    const result = this.results[client]!;
    this.hashLow = (this.hashLow + sign * cellLow(SESSION_CELL, client, session, request, result)) | 0;
    this.hashHigh = (this.hashHigh + sign * cellHigh(SESSION_CELL, client, session, request, result)) | 0;
  }
}

/** The result of a scan: a positive 31-bit number that stands for all values read. */
export function hashOfRows(rows: readonly number[]): number {
  let hash = LOW_SEED;
  for (const value of rows) hash = mixLow(hash, value);
  return finish(hash) & 0x7fffffff;
}

function copyInto<T>(target: T[], source: readonly T[]): void {
  for (let index = 0; index < source.length; index++) target[index] = source[index]!;
}
