/** What a client may ask of the database: one operation of one request of one session. */

export const OPERATION = {
  /** Opens a session; its number is the op number at which this was committed. */
  register: 0,
  read: 1,
  write: 2,
  /** Read-modify-write: adds a number and returns the sum. */
  add: 3,
  remove: 4,
} as const;

export const OPERATION_NAMES = ["register", "read", "write", "add", "remove"] as const;

/** The value of a key that holds nothing. */
export const ABSENT = 0;

export class Operation {
  readonly kind: number;
  readonly key: number;
  readonly value: number;
  readonly client: number;
  /** Counts the requests of a client; 0 is the one that registers. */
  readonly request: number;
  readonly session: number;

  constructor(kind: number, key: number, value: number, client: number, request: number, session: number) {
    this.kind = kind;
    this.key = key;
    this.value = value;
    this.client = client;
    this.request = request;
    this.session = session;
  }
}
