/**
 * One seed: a cluster of replicas, their disks, a network, clients, faults, and the invariants that watch
 * them, in one loop over simulated time.
 *
 * A run has two parts. While active, clients send requests and faults happen. Then everything heals:
 * every request must be answered and the replicas must become equal within a bound, or progress is lost
 * for good, which is a bug as well.
 */
import { createHash } from "node:crypto";
import { PHASE, POINT, type Coverage } from "./coverage.ts";
import { OPERATION } from "./database/operation.ts";
import { SimulatedDisk } from "./disk.ts";
import { Violation, type InvariantName } from "./invariants/catalogue.ts";
import { CommitHistory, missingFromPrimary } from "./invariants/commit-history.ts";
import { brokenChain, brokenLink } from "./invariants/hash-chain.ts";
import { History, checkLinearizability } from "./invariants/linearizability.ts";
import { ReplicaConsistency } from "./invariants/replica-consistency.ts";
import { ReplicaHeadProgress } from "./invariants/replica-head-progress.ts";
import { differingDisk, differingState, replay } from "./invariants/storage-determinism.ts";
import { CommittedHistory } from "./invariants/vsr-agreement.ts";
import { SimulatedNetwork } from "./network.ts";
import { Random } from "./random.ts";
import { NO_NETWORK_FAULTS, type NetworkFaults, type Scenario, type StorageFaults } from "./scenarios.ts";
import { Scheduler } from "./scheduler.ts";
import { Client } from "./vsr/client.ts";
import { MESSAGE, type Message } from "./vsr/messages.ts";
import { startReplica } from "./vsr/recovery.ts";
import { INPUT, Input, step } from "./vsr/replica.ts";
import {
  DEFAULT_TIMEOUTS,
  JOB,
  Outputs,
  ReplicaState,
  STATUS_NAMES,
  TO_OTHER_REPLICAS,
  mayVote,
  type PlantedBugs,
  type ReplicaConfiguration,
} from "./vsr/state.ts";

const EVENT = {
  deliver: 0,
  tick: 1,
  diskDone: 2,
  clientNext: 3,
  clientTimeout: 4,
  restart: 5,
  check: 6,
  crashFault: 7,
  partitionFault: 8,
  clogFault: 9,
  linkFault: 10,
  pauseFault: 11,
  slowDiskFault: 12,
  targetedCrash: 13,
} as const;

/** Streams of random numbers; see random.ts. */
const STREAM = { network: 1, disk: 2, faults: 3, workload: 4, mix: 5 } as const;

export const REPLICA_COUNT = 3;
const TICK_US = 20_000;
const CHECK_US = 20_000;
const CLIENT_TIMEOUT_US = 120_000;
const CLIENT_TIMEOUT_MAX_US = 500_000;
const WRITE_US = 60;
const FSYNC_US = 400;
const SLOW_DISK_FACTOR = 60;
/** A crash aimed at a view change comes so long after one of its steps. */
const VIEW_CHANGE_CRASH_US = 700;
/** After the faults: so much simulated time and so many events until all must be well. */
export const SETTLE_US = 20_000_000;
const SETTLE_EVENTS = 60_000;
/** Every kind of fault is on in so many seeds. */
const FAULT_ON_PER_MILLION = 700_000;

export interface SimulationOptions {
  readonly scenario: Scenario;
  readonly maxEvents: number;
  readonly maxTimeUs: number;
  readonly bugs: PlantedBugs;
  readonly invariants: ReadonlySet<InvariantName>;
  /** Reads and writes only. */
  readonly plainWorkload: boolean;
  /** Mean microseconds between an answer and the next request; 0 for no requests at all. */
  readonly thinkTimeUs: number;
}

export interface SimulationResult {
  readonly failure: { readonly invariant: string; readonly message: string } | null;
  readonly events: number;
  readonly simulatedTimeUs: number;
  readonly storageHash: string;
  readonly kernelStateHash: string;
}

/** Draws which kinds of faults a seed gets, and how strong. */
function swarm<Faults extends NetworkFaults | StorageFaults>(faults: Faults, random: Random): Faults {
  const drawn: Record<string, number | boolean> = {};
  for (const [name, value] of Object.entries(faults) as [string, number | boolean][]) {
    const on = random.chance(FAULT_ON_PER_MILLION);
    const percent = random.between(40, 160);
    if (typeof value === "boolean") drawn[name] = value && on;
    else if (name.endsWith("PerMillion")) drawn[name] = on ? Math.min(Math.floor((value * percent) / 100), 900_000) : 0;
    else if (name.endsWith("EveryMs")) drawn[name] = on ? Math.floor((value * percent) / 100) : 0;
    else drawn[name] = Math.floor((value * percent) / 100);
  }
  return drawn as unknown as Faults;
}

export class Simulation {
  private readonly options: SimulationOptions;
  private readonly coverage: Coverage;
  private readonly scheduler = new Scheduler();
  private readonly network: SimulatedNetwork;
  private readonly networkFaults: NetworkFaults;
  private readonly storageFaults: StorageFaults;
  private readonly diskRandom: Random;
  private readonly faultRandom: Random;
  private readonly workloadRandom: Random;
  private readonly configuration: ReplicaConfiguration;
  private readonly clients: Client[] = [];
  /** Per client: index of the open operation in the history, -1 for none. */
  private readonly openOperations: number[] = [];
  private readonly closingReadDone: boolean[] = [];
  private readonly disks: SimulatedDisk[] = [];
  /** null while a replica is down. */
  private readonly replicas: (ReplicaState | null)[] = [];
  /** Counts the starts of each replica: events of an earlier life are not for this one. */
  private readonly lives: number[] = [];
  private readonly pausedUntilUs: number[] = [];
  private readonly diskSlowUntilUs: number[] = [];
  /** How fast each replica's clock runs. */
  private readonly clockRates: number[] = [];
  /** The replica whose disk lost acknowledged data and that has not recovered yet; -1 for none. */
  private impaired = -1;
  private active = true;
  private settleEndsUs = 0;
  private settleEndsEvents = 0;
  private converged = false;
  private events = 0;
  private nonces = 0;

  private readonly input = new Input();
  private readonly outputs = new Outputs();
  private readonly committed = new CommittedHistory();
  private readonly consistency = new ReplicaConsistency();
  private readonly commitHistory: CommitHistory;
  private readonly headProgress = new ReplicaHeadProgress(REPLICA_COUNT);
  private readonly history = new History();

  constructor(seedLow: number, seedHigh: number, options: SimulationOptions, coverage: Coverage) {
    const { scenario } = options;
    this.options = options;
    this.coverage = coverage;
    const mix = new Random(seedLow, seedHigh, STREAM.mix);
    this.networkFaults = swarm(scenario.network, mix);
    this.storageFaults = swarm(scenario.storage, mix);
    this.diskRandom = new Random(seedLow, seedHigh, STREAM.disk);
    this.faultRandom = new Random(seedLow, seedHigh, STREAM.faults);
    this.workloadRandom = new Random(seedLow, seedHigh, STREAM.workload);
    this.network = new SimulatedNetwork(
      new Random(seedLow, seedHigh, STREAM.network),
      this.scheduler,
      coverage,
      REPLICA_COUNT + scenario.clients,
      EVENT.deliver,
      this.networkFaults,
    );
    this.configuration = {
      replicaCount: REPLICA_COUNT,
      keys: scenario.keys,
      clients: scenario.clients,
      timeouts: DEFAULT_TIMEOUTS,
      bugs: options.bugs,
    };
    this.commitHistory = new CommitHistory(REPLICA_COUNT, scenario.clients);
    this.startCluster();
    this.startFaults();
  }

  private startCluster(): void {
    const drift = this.networkFaults.clockDriftPerMillion;
    for (let replica = 0; replica < REPLICA_COUNT; replica++) {
      this.disks.push(new SimulatedDisk());
      const state = new ReplicaState(replica, this.configuration);
      state.viewChangeAtUs = DEFAULT_TIMEOUTS.viewChangeUs + replica * DEFAULT_TIMEOUTS.viewChangeSpreadUs;
      this.replicas.push(state);
      this.lives.push(1);
      this.pausedUntilUs.push(0);
      this.diskSlowUntilUs.push(0);
      this.clockRates.push(drift === 0 ? 1 : 1 + this.faultRandom.between(-drift, drift) / 1_000_000);
      if (drift > 0) this.countFault(POINT.clockDrift);
      this.scheduler.schedule(this.faultRandom.between(1, TICK_US), EVENT.tick, replica, 1, null);
    }
    for (let client = 0; client < this.options.scenario.clients; client++) {
      this.clients.push(new Client(client, REPLICA_COUNT));
      this.openOperations.push(-1);
      this.closingReadDone.push(false);
      if (this.options.thinkTimeUs > 0) this.scheduleNextRequest(client);
    }
    this.scheduler.schedule(CHECK_US, EVENT.check, 0, 0, null);
  }

  private startFaults(): void {
    const { networkFaults, storageFaults } = this;
    this.scheduleFault(EVENT.crashFault, storageFaults.crashEveryMs);
    this.scheduleFault(EVENT.slowDiskFault, storageFaults.slowDiskEveryMs);
    this.scheduleFault(EVENT.partitionFault, networkFaults.partitionEveryMs);
    this.scheduleFault(EVENT.clogFault, networkFaults.clogEveryMs);
    this.scheduleFault(EVENT.linkFault, networkFaults.linkFailureEveryMs);
    this.scheduleFault(EVENT.pauseFault, networkFaults.pauseEveryMs);
  }

  private scheduleFault(kind: number, everyMs: number): void {
    if (everyMs > 0) this.scheduler.schedule(this.faultRandom.exponential(everyMs * 1000), kind, 0, 0, null);
  }

  private countFault(point: number): void {
    this.coverage.attempted[point]! += 1;
    this.coverage.applied[point]! += 1;
    this.coverage.observed[point]! += 1;
  }

  /** Runs to the end and says how it ended. */
  run(): SimulationResult {
    let failure: SimulationResult["failure"] = null;
    try {
      this.loop();
      this.checkAtEnd();
    } catch (error) {
      if (!(error instanceof Violation)) throw error;
      this.coverage.violated.add(error.invariant);
      failure = { invariant: error.invariant, message: `${error.message} (at ${this.scheduler.nowUs / 1000} ms)` };
    }
    return {
      failure,
      events: this.events,
      simulatedTimeUs: this.scheduler.nowUs,
      storageHash: this.storageHash(),
      kernelStateHash: this.kernelStateHash(),
    };
  }

  private loop(): void {
    const { scheduler } = this;
    while (!this.converged) {
      const event = scheduler.pop();
      if (event === undefined) throw new Error("the simulation ran out of events");
      const { kind, target, detail, message } = event;
      scheduler.release(event);
      this.events += 1;
      switch (kind) {
        case EVENT.deliver:
          this.onDeliver(target, detail, message!);
          break;
        case EVENT.tick:
          this.onTick(target, detail);
          break;
        case EVENT.diskDone:
          this.onDiskDone(target, detail);
          break;
        case EVENT.clientNext:
          this.onClientNext(target);
          break;
        case EVENT.clientTimeout:
          this.onClientTimeout(target, detail);
          break;
        case EVENT.restart:
          this.onRestart(target);
          break;
        case EVENT.targetedCrash:
          this.onTargetedCrash(target, detail);
          break;
        case EVENT.check:
          this.onCheck();
          break;
        default:
          this.onFault(kind);
      }
    }
  }

  // Replicas

  /** True when the replica is paused; the event is put off until it goes on. */
  private isPaused(replica: number, kind: number, detail: number, message: Message | null): boolean {
    const waitUs = this.pausedUntilUs[replica]! - this.scheduler.nowUs;
    if (waitUs <= 0) return false;
    this.scheduler.schedule(waitUs, kind, replica, detail, message);
    return true;
  }

  private onDeliver(node: number, marks: number, message: Message): void {
    if (node >= REPLICA_COUNT) {
      this.network.delivered(marks);
      this.onReply(this.clients[node - REPLICA_COUNT]!, message);
      return;
    }
    if (this.isPaused(node, EVENT.deliver, marks, message)) return;
    const state = this.replicas[node] ?? null;
    if (state === null) return;
    this.network.delivered(marks);
    this.input.kind = INPUT.message;
    this.input.message = message;
    this.stepReplica(state);
  }

  private onTick(replica: number, life: number): void {
    if (life !== this.lives[replica] || this.isPaused(replica, EVENT.tick, life, null)) return;
    const state = this.replicas[replica] ?? null;
    if (state === null) return;
    this.scheduler.schedule(TICK_US, EVENT.tick, replica, life, null);
    this.input.kind = INPUT.tick;
    this.stepReplica(state);
    if (this.impaired === replica) this.checkRecovered(state);
  }

  private onDiskDone(replica: number, life: number): void {
    if (life !== this.lives[replica] || this.isPaused(replica, EVENT.diskDone, life, null)) return;
    const state = this.replicas[replica] ?? null;
    if (state === null) return;
    const disk = this.disks[replica]!;
    const sync = disk.job === JOB.syncLog || disk.job === JOB.syncSuperblock;
    if (sync && this.active && this.storageFaults.fsyncFailurePerMillion > 0) {
      this.coverage.attempted[POINT.fsyncFailure]! += 1;
      if (this.faultRandom.chance(this.storageFaults.fsyncFailurePerMillion)) {
        this.coverage.applied[POINT.fsyncFailure]! += 1;
        this.coverage.observed[POINT.fsyncFailure]! += 1;
        this.crash(replica);
        return;
      }
    }
    disk.complete();
    this.coverage.phases[sync ? PHASE.fsyncComplete : PHASE.writeComplete]! += 1;
    this.input.kind = INPUT.diskDone;
    this.stepReplica(state);
  }

  private clock(replica: number): number {
    return Math.floor(this.scheduler.nowUs * this.clockRates[replica]!);
  }

  /** One step of one replica, with `this.input` prepared but for the time. */
  private stepReplica(state: ReplicaState): void {
    const { input, outputs } = this;
    input.nowUs = this.clock(state.replica);
    outputs.clear();
    step(state, input, outputs);
    input.message = null;
    this.perform(state);
  }

  /** Does what a step asked for, and checks what it did. */
  private perform(state: ReplicaState): void {
    const { outputs, coverage } = this;
    const replica = state.replica;
    if (outputs.panic !== null)
      throw new Violation("commit_history", `replica ${replica} stopped itself: ${outputs.panic}`);
    if (outputs.committed.length > 0) this.checkCommits(state);
    if (outputs.installed) coverage.phases[PHASE.logInstalled]! += 1;
    if (outputs.becamePrimary) {
      coverage.phases[PHASE.viewChangeComplete]! += 1;
      this.check("commit_history", missingFromPrimary(this.committed, replica, state.view, state.log));
    }
    const { messages, recipients } = outputs;
    for (let index = 0; index < messages.length; index++) {
      const message = messages[index]!;
      const to = recipients[index]!;
      if (to !== TO_OTHER_REPLICAS) {
        this.network.send(replica, to, message);
        continue;
      }
      for (let other = 0; other < REPLICA_COUNT; other++) {
        if (other !== replica) this.network.send(replica, other, message);
      }
    }
    if (outputs.diskJob !== JOB.none) this.beginDiskJob(replica);
    if (outputs.diskSuperblock !== null || outputs.installed || outputs.becamePrimary) this.crashInViewChange(replica);
    coverage.invariants.replica_head_progress += 1;
    const headFault = this.headProgress.check(replica, state.view, state.durable.view, state.op, state.commit);
    if (headFault !== null) this.violated("replica_head_progress", headFault);
  }

  private beginDiskJob(replica: number): void {
    const { outputs, diskRandom } = this;
    const job = outputs.diskJob;
    this.disks[replica]!.begin(job, outputs.diskFirstOp, outputs.diskEntries, outputs.diskSuperblock);
    const sync = job === JOB.syncLog || job === JOB.syncSuperblock;
    this.coverage.attempted[sync ? POINT.fsync : POINT.write]! += 1;
    let delayUs = sync ? FSYNC_US / 2 + diskRandom.exponential(FSYNC_US / 2) : diskRandom.exponential(WRITE_US);
    if (this.diskSlowUntilUs[replica]! > this.scheduler.nowUs) {
      delayUs *= SLOW_DISK_FACTOR;
      this.coverage.observed[POINT.slowDisk]! += 1;
    }
    this.scheduler.schedule(delayUs, EVENT.diskDone, replica, this.lives[replica]!, null);
  }

  // Invariants

  private check(invariant: InvariantName, reason: string | null): void {
    this.coverage.invariants[invariant] += 1;
    if (reason !== null) this.violated(invariant, reason);
  }

  private violated(invariant: InvariantName, reason: string): void {
    if (this.options.invariants.has(invariant)) throw new Violation(invariant, reason);
  }

  private checkCommits(state: ReplicaState): void {
    const { committed, stateHashes } = this.outputs;
    const replica = state.replica;
    for (let index = 0; index < committed.length; index++) {
      const entry = committed[index]!;
      const parent = this.committed.entries[entry.op - 1];
      this.check("commit_history", this.commitHistory.commit(replica, entry));
      this.check("vsr_agreement", this.committed.commit(replica, state.view, entry));
      if (parent !== undefined) this.check("hash_chain", brokenLink(parent, entry));
      const low = stateHashes[index * 2]!;
      const high = stateHashes[index * 2 + 1]!;
      this.check("replica_consistency", this.consistency.commit(replica, entry.op, low, high));
    }
    this.coverage.phases[PHASE.committed]! += committed.length;
  }

  /** Everything that is only known when all is quiet. */
  private checkAtEnd(): void {
    const { scenario } = this.options;
    const log = this.committed.entries;
    const expected = replay(log, scenario.keys, scenario.clients);
    for (const state of this.replicas) {
      if (state === null) continue;
      this.check("storage_determinism", differingState(state.replica, expected, state.database));
      const content = this.disks[state.replica]!.read();
      this.check("storage_determinism", differingDisk(state.replica, log, content));
      this.check("hash_chain", brokenChain(state.log));
    }
    for (const client of this.clients) {
      if (client.answered === 0) continue;
      this.check("commit_history", this.commitHistory.acknowledged(client.client, client.request));
    }
    const verdict = checkLinearizability(this.history);
    this.check("linearizability", verdict.linearizable ? null : verdict.reason);
  }

  // Clients

  private scheduleNextRequest(client: number): void {
    this.scheduler.schedule(
      this.workloadRandom.exponential(this.options.thinkTimeUs),
      EVENT.clientNext,
      client,
      0,
      null,
    );
  }

  private onClientNext(number: number): void {
    const client = this.clients[number]!;
    if (client.waitingFor !== null) return;
    if (client.request < 0) {
      this.sendRequest(client, client.begin(OPERATION.register, 0, 0));
    } else if (this.active && client.answered <= this.options.scenario.requestsPerClient) {
      this.beginOperation(client);
    } else if (!this.active && !this.closingReadDone[number]) {
      // One read after all faults: what was answered before must still be there.
      this.closingReadDone[number] = true;
      this.sendOperation(client, OPERATION.read, this.workloadRandom.below(this.options.scenario.keys), 0);
    }
  }

  private beginOperation(client: Client): void {
    const random = this.workloadRandom;
    const key = random.below(this.options.scenario.keys);
    // Every written value is different, so that a read names the write it saw.
    const value = (client.request * 16 + client.client + 1) * 2;
    const dice = random.below(100);
    if (this.options.plainWorkload)
      this.sendOperation(client, dice < 50 ? OPERATION.read : OPERATION.write, key, value);
    else if (dice < 35) this.sendOperation(client, OPERATION.read, key, 0);
    else if (dice < 65) this.sendOperation(client, OPERATION.write, key, value);
    else if (dice < 90) this.sendOperation(client, OPERATION.add, key, random.between(1, 1_000_000));
    else this.sendOperation(client, OPERATION.remove, key, 0);
  }

  private sendOperation(client: Client, kind: number, key: number, value: number): void {
    this.openOperations[client.client] = this.history.invoke(client.client, kind, key, value);
    this.sendRequest(client, client.begin(kind, key, value));
  }

  private sendRequest(client: Client, message: Message): void {
    this.network.send(client.node, client.primary, message);
    this.scheduler.schedule(CLIENT_TIMEOUT_US, EVENT.clientTimeout, client.client, client.request * 16, null);
  }

  /** `detail` is the request number times 16, plus the attempts so far (at most 15). */
  private onClientTimeout(number: number, detail: number): void {
    const client = this.clients[number]!;
    if (client.waitingFor === null || client.request !== detail >> 4) return;
    for (let replica = 0; replica < REPLICA_COUNT; replica++)
      this.network.send(client.node, replica, client.waitingFor);
    this.coverage.phases[PHASE.retried]! += 1;
    const attempts = detail & 15;
    const delayUs = Math.min(CLIENT_TIMEOUT_US * (attempts + 2), CLIENT_TIMEOUT_MAX_US);
    this.scheduler.schedule(delayUs, EVENT.clientTimeout, number, attempts < 15 ? detail + 1 : detail, null);
  }

  private onReply(client: Client, message: Message): void {
    if (message.kind !== MESSAGE.reply) throw new Error("a client was sent something else than a reply");
    if (!client.accept(message)) return;
    this.coverage.phases[PHASE.answered]! += 1;
    const number = client.client;
    const open = this.openOperations[number]!;
    if (open >= 0) {
      this.history.answer(open, message.op);
      this.openOperations[number] = -1;
    }
    this.check("commit_history", this.commitHistory.acknowledged(number, client.request));
    this.scheduleNextRequest(number);
  }

  // Faults

  private onFault(kind: number): void {
    if (!this.active) return;
    const { networkFaults, storageFaults, faultRandom, coverage } = this;
    const nowUs = this.scheduler.nowUs;
    switch (kind) {
      case EVENT.crashFault:
        this.onCrashFault();
        this.scheduleFault(kind, storageFaults.crashEveryMs);
        break;
      case EVENT.slowDiskFault: {
        coverage.attempted[POINT.slowDisk]! += 1;
        coverage.applied[POINT.slowDisk]! += 1;
        const forUs = faultRandom.exponential(storageFaults.slowDiskForMs * 1000);
        this.diskSlowUntilUs[faultRandom.below(REPLICA_COUNT)] = nowUs + forUs;
        this.scheduleFault(kind, storageFaults.slowDiskEveryMs);
        break;
      }
      case EVENT.partitionFault:
        this.network.partition(faultRandom.exponential(networkFaults.partitionForMs * 1000));
        this.scheduleFault(kind, networkFaults.partitionEveryMs);
        break;
      case EVENT.clogFault:
        this.network.clog(faultRandom.below(REPLICA_COUNT), faultRandom.exponential(networkFaults.clogForMs * 1000));
        this.scheduleFault(kind, networkFaults.clogEveryMs);
        break;
      case EVENT.linkFault:
        this.network.breakLink(REPLICA_COUNT, faultRandom.exponential(networkFaults.linkFailureForMs * 1000));
        this.scheduleFault(kind, networkFaults.linkFailureEveryMs);
        break;
      case EVENT.pauseFault:
        this.countFault(POINT.pause);
        this.pausedUntilUs[faultRandom.below(REPLICA_COUNT)] =
          nowUs + faultRandom.exponential(networkFaults.pauseForMs * 1000);
        this.scheduleFault(kind, networkFaults.pauseEveryMs);
        break;
      default:
        throw new Error(`unknown event ${kind}`);
    }
  }

  private onCrashFault(): void {
    const everybody = this.faultRandom.chance(this.storageFaults.powerLossPerMillion);
    const victim = this.faultRandom.below(REPLICA_COUNT);
    for (let replica = 0; replica < REPLICA_COUNT; replica++) {
      if ((everybody || replica === victim) && this.replicas[replica] !== null) this.crash(replica);
    }
  }

  /** Crashes at random times rarely hit the few moments in which a view change is vulnerable. */
  private crashInViewChange(replica: number): void {
    if (!this.active || !this.faultRandom.chance(this.storageFaults.viewChangeCrashPerMillion)) return;
    const delayUs = this.faultRandom.exponential(VIEW_CHANGE_CRASH_US);
    this.scheduler.schedule(delayUs, EVENT.targetedCrash, replica, this.lives[replica]!, null);
  }

  private onTargetedCrash(replica: number, life: number): void {
    if (this.active && life === this.lives[replica] && this.replicas[replica] !== null) this.crash(replica);
  }

  /** At most one replica at a time may have lost acknowledged data: more than f would be no fault model. */
  private crash(replica: number): void {
    const { coverage, storageFaults, faultRandom } = this;
    const disk = this.disks[replica]!;
    this.countFault(POINT.crash);
    coverage.phases[PHASE.crash]! += 1;
    this.replicas[replica] = null;
    this.lives[replica]! += 1;
    this.pausedUntilUs[replica] = 0;
    const mayTear = storageFaults.tornWrites && (this.impaired < 0 || this.impaired === replica);
    coverage.attempted[POINT.crashDataLoss]! += 1;
    const { lost, kept, torn } = disk.crash(this.diskRandom, mayTear);
    if (lost + kept + torn > 0) coverage.applied[POINT.crashDataLoss]! += 1;
    if (lost + torn > 0) coverage.observed[POINT.crashDataLoss]! += 1;
    if (torn > 0) {
      coverage.attempted[POINT.tornWrite]! += 1;
      coverage.applied[POINT.tornWrite]! += 1;
      this.impaired = replica;
    }
    if (storageFaults.corruptionPerMillion > 0) {
      coverage.attempted[POINT.corruption]! += 1;
      coverage.attempted[POINT.superblockCorruption]! += 1;
      if (faultRandom.chance(storageFaults.corruptionPerMillion)) this.rot(replica);
    }
    const downForUs = this.active ? faultRandom.exponential(storageFaults.downForMs * 1000) : 1;
    this.scheduler.schedule(downForUs, EVENT.restart, replica, 0, null);
  }

  private rot(replica: number): void {
    const disk = this.disks[replica]!;
    if (this.faultRandom.below(3) === 0) {
      if (disk.rotSuperblock(this.diskRandom)) this.coverage.applied[POINT.superblockCorruption]! += 1;
    } else if (this.impaired < 0 && disk.rotSlot(this.diskRandom)) {
      this.coverage.applied[POINT.corruption]! += 1;
      this.impaired = replica;
    }
  }

  private onRestart(replica: number): void {
    if (this.replicas[replica] !== null) return;
    const { coverage, outputs } = this;
    coverage.attempted[POINT.read]! += 1;
    coverage.phases[PHASE.restart]! += 1;
    this.commitHistory.restarted(replica);
    outputs.clear();
    this.nonces += 1;
    const disk = this.disks[replica]!;
    const { state, recovering } = startReplica(
      replica,
      this.configuration,
      disk,
      this.clock(replica),
      this.nonces,
      outputs,
    );
    this.replicas[replica] = state;
    this.check("hash_chain", brokenChain(state.log));
    if (state.superblockRepairNeeded) coverage.observed[POINT.superblockCorruption]! += 1;
    if (recovering) {
      coverage.observed[POINT.corruption]! += 1;
      coverage.observed[POINT.tornWrite]! += 1;
    }
    this.perform(state);
    this.scheduler.schedule(TICK_US, EVENT.tick, replica, this.lives[replica]!, null);
  }

  private checkRecovered(state: ReplicaState): void {
    if (!mayVote(state) || state.job !== JOB.none || state.syncedOp < state.op || state.clearTo > 0) return;
    this.impaired = -1;
    this.coverage.phases[PHASE.recoveryComplete]! += 1;
  }

  // The end

  private onCheck(): void {
    if (this.active) {
      const quota = this.options.scenario.requestsPerClient;
      const done = this.clients.every((client) => client.answered > quota);
      const over = this.events >= this.options.maxEvents || this.scheduler.nowUs >= this.options.maxTimeUs;
      if (done || over) this.settle();
    } else if (this.isConverged()) {
      this.coverage.invariants.liveness_eventual_progress += 1;
      this.converged = true;
      return;
    } else if (this.scheduler.nowUs >= this.settleEndsUs || this.events >= this.settleEndsEvents) {
      this.check("liveness_eventual_progress", this.whyNotConverged());
      this.converged = true;
      return;
    }
    this.scheduler.schedule(CHECK_US, EVENT.check, 0, 0, null);
  }

  /** Ends all faults. */
  private settle(): void {
    this.active = false;
    this.settleEndsUs = this.scheduler.nowUs + SETTLE_US;
    this.settleEndsEvents = this.events + SETTLE_EVENTS;
    this.network.heal(NO_NETWORK_FAULTS);
    this.diskSlowUntilUs.fill(0);
    for (let replica = 0; replica < REPLICA_COUNT; replica++) {
      if (this.replicas[replica] === null) this.onRestart(replica);
    }
    if (this.options.thinkTimeUs > 0) {
      for (const client of this.clients) if (client.waitingFor === null) this.scheduleNextRequest(client.client);
    }
  }

  private isConverged(): boolean {
    const length = this.committed.length;
    const first = this.replicas[0]!;
    for (const state of this.replicas) {
      if (state === null || !mayVote(state) || state.view !== first.view) return false;
      if (state.commit !== length || state.op !== length) return false;
      if (state.job !== JOB.none || state.syncedOp !== state.op || state.clearTo > 0) return false;
    }
    if (this.options.thinkTimeUs === 0) return true;
    for (const client of this.clients) {
      if (client.waitingFor !== null || !this.closingReadDone[client.client]) return false;
    }
    return true;
  }

  private whyNotConverged(): string {
    const replicas = this.replicas.map((state) =>
      state === null
        ? "down"
        : `${STATUS_NAMES[state.status as 0 | 1 | 2]} view ${state.view} op ${state.op} commit ${state.commit}`,
    );
    const waiting = this.clients.filter((client) => client.waitingFor !== null).map((client) => client.client);
    const clients = waiting.length === 0 ? "no client waits" : `clients ${waiting.join(", ")} wait for an answer`;
    return `${SETTLE_US / 1_000_000} s after the last fault the cluster is not at rest: ${replicas.join("; ")}; ${clients}`;
  }

  private storageHash(): string {
    const hash = createHash("sha256");
    for (const disk of this.disks) {
      const { slots, superblocks } = disk.read();
      const words = new Int32Array(slots.length * 2 + superblocks.length);
      slots.forEach((entry, op) => {
        words[op * 2] = entry?.hashLow ?? 0;
        words[op * 2 + 1] = entry?.hashHigh ?? 0;
      });
      superblocks.forEach((superblock, copy) => (words[slots.length * 2 + copy] = superblock.checksum));
      hash.update(words);
    }
    return hash.digest("hex");
  }

  /** The state of the replica that is furthest; once at rest all are equal. */
  private kernelStateHash(): string {
    let furthest: ReplicaState | null = null;
    for (const state of this.replicas) {
      if (state !== null && (furthest === null || state.commit > furthest.commit)) furthest = state;
    }
    const hash = createHash("sha256");
    if (furthest !== null) {
      const { values, sessions, requests, results } = furthest.database;
      hash.update(Int32Array.from([furthest.commit, ...values, ...sessions, ...requests, ...results]));
    }
    return hash.digest("hex");
  }
}
