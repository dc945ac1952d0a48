/**
 * What the clients do: one request after the other, each repeated until it is answered.
 *
 * One more client, the auditor, keeps silent until all faults have ended; then it opens a session and reads
 * every key. It has no past that the cluster could have lost, so it is answered even by a cluster that has
 * forgotten everybody else, and linearizability compares what it sees with what they were promised.
 */
import { PHASE, type Coverage } from "../coverage.ts";
import { OPERATION, valueOf } from "../database/operation.ts";
import type { SimulatedNetwork } from "../network.ts";
import type { Random } from "../random.ts";
import type { Scheduler } from "../scheduler.ts";
import type { TraceType } from "../trace.ts";
import { Client } from "../vsr/client.ts";
import type { Message } from "../vsr/messages.ts";
import { EVENT } from "./events.ts";
import type { SimulationOptions } from "./options.ts";
import type { Referee } from "./referee.ts";

const CLIENT_TIMEOUT_US = 120_000;
const CLIENT_TIMEOUT_MAX_US = 500_000;
/** By kind of operation. */
const TRACE_TYPE_OF: readonly (TraceType | undefined)[] = [
  undefined,
  "Read",
  "Write",
  "ReadModifyWrite",
  "Remove",
  "Scan",
];
/** The auditor has to be done soon after the last fault. */
const AUDITOR_PAUSE_US = 30_000;

export class Workload {
  readonly clients: Client[] = [];
  /** Per client: index of the open operation in the history, -1 for none. */
  private readonly openOperations: number[] = [];
  /** Per client: it has nothing left to ask, because the rest was left out. */
  private readonly finished: boolean[] = [];
  private readonly auditor: Client;
  private readonly replicaCount: number;
  private readonly options: SimulationOptions;
  private readonly random: Random;
  private readonly scheduler: Scheduler;
  private readonly network: SimulatedNetwork;
  private readonly referee: Referee;
  private readonly coverage: Coverage;
  private active = true;
  /** Keys that the auditor has read, of those of its tenant and then of the others. */
  private audited = 0;

  constructor(
    options: SimulationOptions,
    random: Random,
    scheduler: Scheduler,
    network: SimulatedNetwork,
    referee: Referee,
    coverage: Coverage,
  ) {
    this.options = options;
    this.random = random;
    this.scheduler = scheduler;
    this.network = network;
    this.referee = referee;
    this.coverage = coverage;
    this.replicaCount = options.scenario.replicas;
    this.auditor = new Client(options.scenario.clients, this.replicaCount, 0);
  }

  start(): void {
    for (let client = 0; client < this.options.scenario.clients; client++) {
      this.clients.push(new Client(client, this.replicaCount, client % this.options.scenario.tenants));
      this.join(client);
      if (this.options.thinkTimeUs > 0) this.scheduleNext(client);
    }
    this.clients.push(this.auditor);
    this.join(this.auditor.client);
  }

  private join(client: number): void {
    const { decisions } = this.scheduler;
    this.openOperations.push(-1);
    this.finished.push(decisions !== null && !decisions.takesPart(client));
  }

  /** No new requests from now on, but for those of the auditor. */
  close(): void {
    this.active = false;
    if (this.options.thinkTimeUs > 0) this.scheduleNext(this.auditor.client);
  }

  /** True when every client has had all its answers. */
  isDone(): boolean {
    const quota = this.options.scenario.requestsPerClient;
    return this.clients.every(
      (client) => client === this.auditor || client.answered > quota || this.finished[client.client],
    );
  }

  /** True when nobody waits for an answer, and the auditor has seen every key. */
  isClosed(): boolean {
    if (this.options.thinkTimeUs === 0) return true;
    if (this.audited < this.auditedKeys && !this.finished[this.auditor.client]!) return false;
    return this.clients.every((client) => client.waitingFor === null);
  }

  private get auditedKeys(): number {
    const { tenants, keysPerTenant } = this.options.scenario;
    return tenants * keysPerTenant;
  }

  private scheduleNext(client: number): void {
    if (this.finished[client]!) return;
    const { thinkTimeUs } = this.options;
    const { decisions } = this.scheduler;
    decisions?.at("pause", client);
    const meanUs = client === this.auditor.client ? Math.min(thinkTimeUs, AUDITOR_PAUSE_US) : thinkTimeUs;
    const pauseUs = this.random.exponential(meanUs);
    const waitUs = decisions === null || decisions.hasThinkTime ? pauseUs : 0;
    this.scheduler.schedule(waitUs, EVENT.clientNext, client, 0, null);
  }

  onNext(number: number): void {
    const client = this.clients[number]!;
    if (client.waitingFor !== null) return;
    const { requestsPerClient } = this.options.scenario;
    const auditing = client === this.auditor;
    if (!auditing && !this.active) return;
    if (client.session === 0) this.sendRequest(client, client.begin(OPERATION.register, 0, 0));
    else if (!auditing && client.answered > requestsPerClient) return;
    else if (auditing) this.audit();
    else if (this.mayAsk(number)) this.beginOperation(client);
    else this.finished[number] = true;
  }

  private mayAsk(client: number): boolean {
    const { decisions } = this.scheduler;
    return decisions === null || decisions.next("request", client);
  }

  /** Reads the next key, as a client of the tenant it belongs to. */
  private audit(): void {
    while (this.audited < this.auditedKeys && !this.mayAudit(this.audited)) this.audited += 1;
    if (this.audited >= this.auditedKeys) return;
    const { keysPerTenant } = this.options.scenario;
    this.auditor.tenant = Math.floor(this.audited / keysPerTenant);
    this.sendOperation(this.auditor, OPERATION.read, this.audited % keysPerTenant, 0);
  }

  private mayAudit(key: number): boolean {
    const { decisions } = this.scheduler;
    decisions?.at("audit", key);
    return decisions === null || decisions.happens("audit");
  }

  private beginOperation(client: Client): void {
    const { random } = this;
    const { keysPerTenant } = this.options.scenario;
    const key = random.below(keysPerTenant);
    // Every written value is different, so that a read names the write it saw.
    const value = valueOf(client.tenant, client.request * 16 + client.client);
    const dice = random.below(100);
    if (this.options.plainWorkload)
      this.sendOperation(client, dice < 50 ? OPERATION.read : OPERATION.write, key, value);
    else if (dice < 30) this.sendOperation(client, OPERATION.read, key, 0);
    else if (dice < 60) this.sendOperation(client, OPERATION.write, key, value);
    else if (dice < 80) this.sendOperation(client, OPERATION.add, key, random.between(1, 1_000_000));
    else if (dice < 90) this.sendOperation(client, OPERATION.remove, key, 0);
    else this.sendOperation(client, OPERATION.scan, key, random.between(2, keysPerTenant));
  }

  private sendOperation(client: Client, kind: number, key: number, value: number): void {
    const { history } = this.referee;
    const { tenant } = client;
    const at = tenant * this.options.scenario.keysPerTenant + key;
    this.openOperations[client.client] = history.invoke(client.client, kind, at, value, tenant);
    this.sendRequest(client, client.begin(kind, key, value));
  }

  private sendRequest(client: Client, message: Message): void {
    this.network.send(client.node, client.primary, message);
    this.scheduler.schedule(CLIENT_TIMEOUT_US, EVENT.clientTimeout, client.client, client.request * 16, null);
  }

  private trace(client: Client, message: Message): void {
    const { nowUs, trace } = this.scheduler;
    if (trace === null || client.operation === null) return;
    const { kind, key, tenant, request } = client.operation;
    const type = TRACE_TYPE_OF[kind];
    if (type !== undefined) trace.add(nowUs, type, { client: client.client, request, tenant, key, result: message.op });
  }

  /** `detail` is the request number times 16, plus the attempts so far (at most 15). */
  onTimeout(number: number, detail: number): void {
    const client = this.clients[number]!;
    if (client.waitingFor === null || client.request !== detail >> 4) return;
    for (let replica = 0; replica < this.replicaCount; replica++) {
      this.network.send(client.node, replica, client.waitingFor);
    }
    this.coverage.phases[PHASE.retried]! += 1;
    const attempts = detail & 15;
    const delayUs = Math.min(CLIENT_TIMEOUT_US * (attempts + 2), CLIENT_TIMEOUT_MAX_US);
    this.scheduler.schedule(delayUs, EVENT.clientTimeout, number, attempts < 15 ? detail + 1 : detail, null);
  }

  onReply(number: number, marks: number, message: Message): void {
    this.network.delivered(marks);
    const client = this.clients[number]!;
    if (client.isEvictedBy(message)) {
      // Nobody will ever tell what became of the request.
      this.coverage.phases[PHASE.evicted]! += 1;
      this.scheduler.trace?.add(this.scheduler.nowUs, "ClientEvicted", { client: number });
      this.openOperations[number] = -1;
      this.scheduleNext(number);
      return;
    }
    if (!client.accept(message)) return;
    this.coverage.phases[PHASE.answered]! += 1;
    const open = this.openOperations[number]!;
    if (open >= 0) {
      this.referee.history.answer(open, message.op, message.rows);
      this.trace(client, message);
      this.openOperations[number] = -1;
      if (client === this.auditor) this.audited += 1;
    }
    this.referee.onAnswer(client, message);
    this.scheduleNext(number);
  }
}
