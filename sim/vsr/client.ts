/**
 * A client: a session, one request at a time, numbered, repeated to all replicas until it is answered
 * ("Viewstamped Replication Revisited" section 4). Like a replica it is a state machine without clock or
 * network of its own.
 */
import { OPERATION, Operation } from "../database/operation.ts";
import { MESSAGE, request, type Message } from "./messages.ts";
import { primaryOf } from "./state.ts";

export class Client {
  readonly client: number;
  /** Number of this node on the network. */
  readonly node: number;
  readonly replicaCount: number;
  session = 0;
  /** Number of the request in flight or answered last; -1 before the first. */
  request = -1;
  /** The request in flight; null when there is none. */
  waitingFor: Message | null = null;
  /** The operation of the request in flight or answered last; null before the first and for one that registers. */
  operation: Operation | null = null;
  /** The newest view heard of: tells who the primary is. */
  view = 0;
  /** Requests answered. */
  answered = 0;

  /** Whose keys it works on. */
  tenant: number;

  constructor(client: number, replicaCount: number, tenant: number) {
    this.client = client;
    this.tenant = tenant;
    this.node = replicaCount + client;
    this.replicaCount = replicaCount;
  }

  /** Replica to which the first attempt of a request goes. */
  get primary(): number {
    return primaryOf(this.view, this.replicaCount);
  }

  /** The next request; without a session it must register. */
  begin(kind: number, key: number, value: number): Message {
    this.request += 1;
    const operation = new Operation(kind, key, value, this.client, this.request, this.session, this.tenant);
    this.operation = kind === OPERATION.register ? null : operation;
    this.waitingFor = request(this.node, operation);
    return this.waitingFor;
  }

  /** True when this message says that the session of the request in flight is gone: what became of it is unknown. */
  isEvictedBy(message: Message): boolean {
    if (message.kind !== MESSAGE.evicted || message.op !== this.session) return false;
    this.session = 0;
    this.waitingFor = null;
    return true;
  }

  /** True when this message answers the request in flight; its result is `message.op`. */
  accept(message: Message): boolean {
    if (message.view > this.view) this.view = message.view;
    if (this.waitingFor === null || message.kind !== MESSAGE.reply || message.commit !== this.request) return false;
    if (this.waitingFor.operation!.kind === OPERATION.register) this.session = message.op;
    this.waitingFor = null;
    this.answered += 1;
    return true;
  }
}
