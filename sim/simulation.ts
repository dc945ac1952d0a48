/**
 * One seed: a cluster of replicas, their disks, a network, clients, faults, and the invariants that watch
 * them, in one loop over simulated time.
 *
 * A run has two parts. While active, clients send requests and faults happen. Then everything heals:
 * every request must be answered and the replicas must become equal within a bound, or progress is lost
 * for good, which is a bug as well.
 */
import type { Coverage } from "./coverage.ts";
import { Violation } from "./invariants/catalogue.ts";
import { SETTLE_EVENTS, SETTLE_US, replicasAreAtRest, whyNotAtRest } from "./invariants/liveness-eventual-progress.ts";
import type { Decisions } from "./decisions/decisions.ts";
import { SimulatedNetwork } from "./network.ts";
import { Random } from "./random.ts";
import { NO_NETWORK_FAULTS } from "./scenario.ts";
import { Scheduler } from "./scheduler.ts";
import { summaryOf, type Trace } from "./trace.ts";
import { Byzantine } from "./simulation/byzantine.ts";
import { Cluster } from "./simulation/cluster.ts";
import { EVENT, STREAM, describeEvent } from "./simulation/events.ts";
import { FaultInjector } from "./simulation/fault-injector.ts";
import { kernelStateHash, storageHash } from "./simulation/hashes.ts";
import { clientCountOf, databaseSizeOf, type SimulationOptions, type SimulationResult } from "./simulation/options.ts";
import { Prober } from "./simulation/prober.ts";
import { Referee } from "./simulation/referee.ts";
import { swarm } from "./simulation/swarm.ts";
import { Workload } from "./simulation/workload.ts";
import { CHECKPOINT_INTERVAL } from "./vsr/checkpoint.ts";
import type { Message } from "./vsr/messages.ts";
import { DEFAULT_TIMEOUTS } from "./vsr/state.ts";

const CHECK_US = 20_000;
/** The oracles cost more than a check: a replica is asked at every second one. */
const CHECKS_PER_PROBE = 2;
/** A replica that lies makes up messages so often. */
const STRIKE_US = 45_000;

/** For a run that is looked at closer. */
export interface Watch {
  readonly trace?: Trace | undefined;
  readonly decisions?: Decisions | undefined;
}

export interface EventDescription {
  readonly timeUs: number;
  readonly description: string;
}

export class Simulation {
  private readonly options: SimulationOptions;
  private readonly replicaCount: number;
  private readonly coverage: Coverage;
  private readonly scheduler = new Scheduler();
  private readonly network: SimulatedNetwork;
  private readonly referee: Referee;
  private readonly cluster: Cluster;
  private readonly faults: FaultInjector;
  private readonly workload: Workload;
  private readonly prober: Prober;
  private liar: Byzantine | null = null;
  private checks = 0;
  private active = true;
  private settledAtUs = 0;
  private settledAtEvents = 0;
  private ended = false;
  private events = 0;
  /** Of the event that is or was last: what, and with whom. */
  private kind: number = EVENT.check;
  private target = 0;

  /** `seedLow` and `seedHigh` are the halves of a u64 seed. `coverage` is added to. */
  constructor(seedLow: number, seedHigh: number, options: SimulationOptions, coverage: Coverage, watch: Watch = {}) {
    const { scenario } = options;
    const { scheduler } = this;
    const { trace = null, decisions = null } = watch;
    scheduler.trace = trace;
    scheduler.decisions = decisions;
    trace?.add(0, "SimulationStart", { scenario: scenario.name, replicas: scenario.replicas });
    const stream = (number: number): Random => new Random(seedLow, seedHigh, number);
    const mix = stream(STREAM.mix);
    const networkFaults = swarm(scenario.network, mix);
    const storageFaults = swarm(scenario.storage, mix);
    const diskRandom = stream(STREAM.disk);
    const faultRandom = stream(STREAM.faults);
    this.options = options;
    this.coverage = coverage;
    const clientCount = clientCountOf(scenario);
    const replicaCount = scenario.replicas;
    this.replicaCount = replicaCount;
    const nodeCount = replicaCount + clientCount;
    // A canary: what is not drawn from the seed cannot be repeated.
    const networkRandom = options.bugs.unseededRandom
      ? new Random(Math.floor(Math.random() * 2 ** 32), 0, STREAM.network)
      : stream(STREAM.network);
    const network = new SimulatedNetwork(networkRandom, scheduler, coverage, nodeCount, EVENT.deliver, networkFaults);
    const workloadRandom = stream(STREAM.workload);
    const queryRandom = stream(STREAM.queries);
    decisions?.begin(
      { network: networkRandom, disk: diskRandom, faults: faultRandom, workload: workloadRandom, queries: queryRandom },
      () => scheduler.nowUs,
    );
    const cluster = new Cluster({
      configuration: {
        replicaCount,
        database: databaseSizeOf(scenario),
        checkpointInterval: CHECKPOINT_INTERVAL,
        timeouts: DEFAULT_TIMEOUTS,
        bugs: options.bugs,
      },
      scheduler,
      network,
      coverage,
      diskRandom,
      onViewChangeStep: (replica) => {
        this.faults.onViewChangeStep(replica);
      },
    });
    const referee = new Referee(options, coverage, {
      replicas: cluster.replicas,
      disks: cluster.disks,
      impaired: () => this.faults.impairedCount,
      trace,
      nowUs: () => scheduler.nowUs,
    });
    cluster.watchedBy(referee);
    this.prober = new Prober(queryRandom, referee, coverage, decisions);
    this.network = network;
    this.referee = referee;
    this.cluster = cluster;
    this.faults = new FaultInjector({
      replicaCount,
      networkFaults,
      storageFaults,
      cluster,
      network,
      scheduler,
      coverage,
      faultRandom,
      diskRandom,
    });
    this.workload = new Workload(options, workloadRandom, scheduler, network, referee, coverage);
    for (let replica = 0; replica < replicaCount; replica++)
      cluster.add(this.faults.drawClockRate(replica), faultRandom);
    if (scenario.attack !== null) {
      this.liar = new Byzantine(scenario.attack, replicaCount, network, coverage, decisions);
      cluster.liar = this.liar;
      scheduler.schedule(STRIKE_US, EVENT.byzantineStrike, 0, 0, null);
    }
    this.workload.start();
    scheduler.schedule(CHECK_US, EVENT.check, 0, 0, null);
    this.faults.start();
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
      const { nowUs, trace } = this.scheduler;
      trace?.add(nowUs, "InvariantViolation", { invariant: error.invariant, message: error.message });
      failure = { invariant: error.invariant, message: `${error.message} (at ${this.scheduler.nowUs / 1000} ms)` };
    }
    this.scheduler.trace?.add(this.scheduler.nowUs, "SimulationEnd", { events: this.events });
    this.coverage.events += this.events;
    this.coverage.simulatedTimeUs += this.scheduler.nowUs;
    return {
      failure,
      replicas: failure === null ? [] : this.cluster.replicas.map(summaryOf),
      events: this.events,
      simulatedTimeUs: this.scheduler.nowUs,
      storageHash: storageHash(this.cluster.disks),
      kernelStateHash: kernelStateHash(this.cluster.replicas),
    };
  }

  /** Runs to the event of this number, or to the end if that comes first, and says what the last event was. */
  eventNumbered(number: number): EventDescription {
    try {
      while (!this.ended && this.events < number) this.step();
    } catch (error) {
      if (!(error instanceof Violation)) throw error;
    }
    const description =
      this.events === 0 ? "before the first event" : describeEvent(this.kind, this.target, this.replicaCount);
    return { timeUs: this.scheduler.nowUs, description };
  }

  private loop(): void {
    while (!this.ended) this.step();
  }

  private step(): void {
    const { scheduler } = this;
    const { trace, decisions } = scheduler;
    if (decisions !== null && decisions.calmAfter === this.events) this.calm(decisions);
    const event = scheduler.pop();
    if (event === undefined) throw new Error("the simulation ran out of events");
    const { kind, target, detail, message } = event;
    scheduler.release(event);
    this.events += 1;
    if (trace !== null) trace.event = this.events;
    this.kind = kind;
    this.target = target;
    this.dispatch(kind, target, detail, message);
  }

  private dispatch(kind: number, target: number, detail: number, message: Message | null): void {
    switch (kind) {
      case EVENT.deliver:
        if (target < this.replicaCount) this.cluster.deliver(target, detail, message!);
        else this.workload.onReply(target - this.replicaCount, detail, message!);
        break;
      case EVENT.tick:
        this.onTick(target, detail);
        break;
      case EVENT.diskDone:
        this.onDiskDone(target, detail);
        break;
      case EVENT.clientNext:
        this.workload.onNext(target);
        break;
      case EVENT.clientTimeout:
        this.workload.onTimeout(target, detail);
        break;
      case EVENT.restart:
        this.faults.restart(target);
        break;
      case EVENT.targetedCrash:
        this.faults.onTargetedCrash(target, detail);
        break;
      case EVENT.clogNode:
        this.faults.onClogNode(target, detail);
        break;
      case EVENT.byzantineStrike:
        this.onByzantineStrike();
        break;
      case EVENT.check:
        this.onCheck();
        break;
      default:
        this.faults.onFault(kind);
    }
  }

  private onByzantineStrike(): void {
    const state = this.liar === null ? null : (this.cluster.replicas[this.liar.replica] ?? null);
    if (state !== null) this.liar?.strike(state);
    if (this.active) this.scheduler.schedule(STRIKE_US, EVENT.byzantineStrike, 0, 0, null);
  }

  private onTick(replica: number, life: number): void {
    const state = this.cluster.awake(replica, life, EVENT.tick);
    if (state === null) return;
    this.cluster.tick(state);
    this.referee.onTick(state);
    this.faults.checkRecovered(state);
  }

  private onDiskDone(replica: number, life: number): void {
    const state = this.cluster.awake(replica, life, EVENT.diskDone);
    if (state !== null && !this.faults.failsFsync(replica)) this.cluster.completeDiskJob(state);
  }

  /** Now and then: is it time to end the faults, or is all at rest since? */
  private onCheck(): void {
    this.checks += 1;
    if (this.checks % CHECKS_PER_PROBE === 0) {
      const probed = this.cluster.replicas[(this.checks / CHECKS_PER_PROBE) % this.replicaCount] ?? null;
      if (probed !== null) this.prober.probe(probed);
    }
    if (this.active) {
      const over = this.events >= this.options.maxEvents || this.scheduler.nowUs >= this.options.maxTimeUs;
      if (over || this.workload.isDone()) this.settle();
    } else if (
      this.isAtRest() ||
      this.scheduler.nowUs >= this.settledAtUs + SETTLE_US ||
      this.events >= this.settledAtEvents + SETTLE_EVENTS
    ) {
      this.ended = true;
      return;
    }
    this.scheduler.schedule(CHECK_US, EVENT.check, 0, 0, null);
  }

  /** Ends requests and faults: the second part of the run begins. */
  private settle(): void {
    this.active = false;
    this.settledAtUs = this.scheduler.nowUs;
    this.settledAtEvents = this.events;
    this.scheduler.trace?.add(this.scheduler.nowUs, "NetworkHeal", {});
    this.endFaults();
    for (let replica = 0; replica < this.replicaCount; replica++) this.faults.restart(replica);
    this.workload.close();
  }

  private endFaults(): void {
    this.faults.end();
    this.liar?.end();
    this.network.heal(NO_NETWORK_FAULTS);
    this.cluster.heal();
  }

  /** From here on the run does not follow the other; its clients go on. */
  private calm(decisions: Decisions): void {
    this.endFaults();
    decisions.onCalm();
  }

  /** Without rest, what clients were told is judged first: a wrong answer says more than a missing one. */
  private checkAtEnd(): void {
    const { replicas } = this.cluster;
    const { clients } = this.workload;
    if (this.isAtRest()) {
      this.referee.atRest(clients);
      return;
    }
    const settledUs = this.scheduler.nowUs - this.settledAtUs;
    const settledEvents = this.events - this.settledAtEvents;
    this.referee.withoutRest(whyNotAtRest(replicas, clients, settledUs, settledEvents));
  }

  private isAtRest(): boolean {
    return replicasAreAtRest(this.cluster.replicas, this.referee.committed.length) && this.workload.isClosed();
  }
}
