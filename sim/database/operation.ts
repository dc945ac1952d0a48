/** What a client may ask of the database: one operation of one request of one session. */

export const OPERATION = {
  /** Opens a session; its number is the op number at which this was committed. */
  register: 0,
  read: 1,
  write: 2,
  /** Read-modify-write: adds a number and returns the sum. */
  add: 3,
  remove: 4,
  /** Reads `value` keys from `key` on, no further than the tenant's last. */
  scan: 5,
} as const;

export const OPERATION_NAMES = ["register", "read", "write", "add", "remove", "scan"] as const;

/** The value of a key that holds nothing. */
export const ABSENT = 0;

/**
 * Values are positive 31-bit numbers whose lowest bits name the tenant that wrote them, so that a row tells
 * whose it is.
 */
export const TENANT_RANGE = 8;

/** The value that `number` stands for in the keys of a tenant; never ABSENT. */
export function valueOf(tenant: number, number: number): number {
  return ((number & 0x7ffffff) + 1) * TENANT_RANGE + tenant;
}

/** What `add` leaves behind, on any value of the tenant or none. */
export function sumOf(tenant: number, old: number, number: number): number {
  return valueOf(tenant, (old === ABSENT ? 0 : (old - tenant) / TENANT_RANGE) + number);
}

export class Operation {
  readonly kind: number;
  /** Within the keys of the tenant. */
  readonly key: number;
  readonly value: number;
  readonly client: number;
  /** Counts the requests of a client; the one that registers first is 0. */
  readonly request: number;
  readonly session: number;
  readonly tenant: number;

  constructor(
    kind: number,
    key: number,
    value: number,
    client: number,
    request: number,
    session: number,
    tenant: number,
  ) {
    this.kind = kind;
    this.key = key;
    this.value = value;
    this.client = client;
    this.request = request;
    this.session = session;
    this.tenant = tenant;
  }
}
