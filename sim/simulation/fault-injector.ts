/** The faults of a seed: which happen when, to whom, and within what budget. */
import { POINT, faultName, type Coverage } from "../coverage.ts";
import type { Choice } from "../decisions/decisions.ts";
import type { SimulatedNetwork } from "../network.ts";
import type { Random } from "../random.ts";
import type { NetworkFaults, StorageFaults } from "../scenario.ts";
import type { Scheduler } from "../scheduler.ts";
import { JOB, mayVote, type ReplicaState } from "../vsr/state.ts";
import type { Cluster } from "./cluster.ts";
import { EVENT } from "./events.ts";

/** A crash aimed at a view change comes so long after one of its steps. */
const VIEW_CHANGE_CRASH_US = 700;

/** A fault that comes again and again. */
interface RepeatedFault {
  /** What leaving it out is called. */
  readonly choice: Choice;
  /** How far apart they are on average. */
  readonly everyMs: (network: NetworkFaults, storage: StorageFaults) => number;
}

/** In the order in which the time of the first one is drawn. */
const FAULT_OF_EVENT: ReadonlyMap<number, RepeatedFault> = new Map<number, RepeatedFault>([
  [EVENT.crashFault, { choice: "crash", everyMs: (_network, storage) => storage.crashEveryMs }],
  [EVENT.slowDiskFault, { choice: "slow-disk", everyMs: (_network, storage) => storage.slowDiskEveryMs }],
  [EVENT.partitionFault, { choice: "partition", everyMs: (network) => network.partitionEveryMs }],
  [EVENT.clogFault, { choice: "clog", everyMs: (network) => network.clogEveryMs }],
  [EVENT.linkFault, { choice: "link-failure", everyMs: (network) => network.linkFailureEveryMs }],
  [EVENT.pauseFault, { choice: "pause", everyMs: (network) => network.pauseEveryMs }],
  [EVENT.clockJump, { choice: "clock-jump", everyMs: (network) => network.clockJumpEveryMs }],
]);

/** Everything an injector needs from the rest of a simulation. */
export interface FaultSurroundings {
  readonly replicaCount: number;
  readonly networkFaults: NetworkFaults;
  readonly storageFaults: StorageFaults;
  readonly cluster: Cluster;
  readonly network: SimulatedNetwork;
  readonly scheduler: Scheduler;
  readonly coverage: Coverage;
  readonly faultRandom: Random;
  readonly diskRandom: Random;
}

export class FaultInjector {
  private readonly networkFaults: NetworkFaults;
  private readonly storageFaults: StorageFaults;
  private readonly cluster: Cluster;
  private readonly network: SimulatedNetwork;
  private readonly scheduler: Scheduler;
  private readonly coverage: Coverage;
  private readonly faultRandom: Random;
  private readonly diskRandom: Random;
  private readonly replicaCount: number;
  private active = true;
  /** Replicas whose disk lost acknowledged data and that have not recovered yet. */
  private readonly impaired = new Set<number>();
  /** Per replica, damage that its disk has suffered and that it has not found yet. */
  private readonly torn: boolean[] = [];
  private readonly rotten: boolean[] = [];
  private readonly rottenSuperblock: boolean[] = [];
  private readonly misdirected: boolean[] = [];
  private readonly rottenCheckpoint: boolean[] = [];

  constructor(surroundings: FaultSurroundings) {
    this.replicaCount = surroundings.replicaCount;
    this.networkFaults = surroundings.networkFaults;
    this.storageFaults = surroundings.storageFaults;
    this.cluster = surroundings.cluster;
    this.network = surroundings.network;
    this.scheduler = surroundings.scheduler;
    this.coverage = surroundings.coverage;
    this.faultRandom = surroundings.faultRandom;
    this.diskRandom = surroundings.diskRandom;
  }

  get impairedCount(): number {
    return this.impaired.size;
  }

  /** At most f replicas at a time may have lost acknowledged data: more would be no fault model. */
  private mayImpair(replica: number): boolean {
    return this.impaired.has(replica) || this.impaired.size < (this.replicaCount - 1) >> 1;
  }

  /** Draws the time of the first fault of each kind. */
  start(): void {
    for (const [kind, fault] of FAULT_OF_EVENT) this.scheduleFault(kind, fault);
  }

  private scheduleFault(kind: number, fault: RepeatedFault): void {
    const everyMs = fault.everyMs(this.networkFaults, this.storageFaults);
    if (everyMs === 0) return;
    const { decisions } = this.scheduler;
    if (decisions !== null && !decisions.nextFault(fault.choice, kind)) return;
    this.scheduler.schedule(this.faultRandom.exponential(everyMs * 1000), kind, 0, 0, null);
  }

  /** Whether a fault that the dice want happens: always, unless this run follows another. */
  private happens(choice: Choice): boolean {
    const { decisions } = this.scheduler;
    return decisions === null || decisions.happens(choice);
  }

  /** No more faults from now on. */
  end(): void {
    this.active = false;
  }

  /** How fast the clock of a replica runs. */
  drawClockRate(replica: number): number {
    const drift = this.networkFaults.clockDriftPerMillion;
    if (drift === 0) return 1;
    this.scheduler.decisions?.at("clock", replica);
    const rate = 1 + this.faultRandom.between(-drift, drift) / 1_000_000;
    if (!this.happens("clock-drift")) return 1;
    this.countFault(POINT.clockDrift);
    return rate;
  }

  private countFault(point: number): void {
    this.coverage.attempted[point]! += 1;
    this.coverage.applied[point]! += 1;
    this.coverage.observed[point]! += 1;
  }

  onFault(kind: number): void {
    if (!this.active) return;
    const fault = FAULT_OF_EVENT.get(kind);
    if (fault === undefined) throw new Error(`unknown event ${kind}`);
    this.scheduler.decisions?.at("fault", kind);
    if (this.happens(fault.choice)) this.inflict(kind);
    this.scheduleFault(kind, fault);
  }

  private inflict(kind: number): void {
    const { networkFaults, storageFaults, faultRandom } = this;
    switch (kind) {
      case EVENT.crashFault:
        this.crashSome();
        break;
      case EVENT.slowDiskFault:
        this.slowDisk(faultRandom.exponential(storageFaults.slowDiskForMs * 1000));
        break;
      case EVENT.partitionFault:
        this.network.partition(this.replicaCount, faultRandom.exponential(networkFaults.partitionForMs * 1000));
        break;
      case EVENT.clogFault:
        this.swizzle(networkFaults.clogForMs * 1000);
        break;
      case EVENT.clockJump:
        this.jumpClock(faultRandom.exponential(networkFaults.clockJumpMs * 1000));
        break;
      case EVENT.linkFault:
        this.network.breakLink(this.replicaCount, faultRandom.exponential(networkFaults.linkFailureForMs * 1000));
        break;
      default:
        this.pause();
    }
  }

  /**
   * Swizzle-clogging (FoundationDB): the links of some replicas are clogged one after the other in random
   * order, and unclogged in another.
   */
  private swizzle(meanUs: number): void {
    const { faultRandom } = this;
    this.network.beginSwizzle();
    const always = faultRandom.below(this.replicaCount);
    for (let node = 0; node < this.replicaCount; node++) {
      const afterUs = faultRandom.exponential(meanUs / 2);
      const forUs = faultRandom.exponential(meanUs);
      if (node === always || faultRandom.below(2) === 0) {
        this.scheduler.schedule(afterUs, EVENT.clogNode, node, forUs, null);
      }
    }
  }

  onClogNode(node: number, forUs: number): void {
    if (!this.active) return;
    this.coverage.observed[POINT.swizzle]! += 1;
    this.network.clog(node, forUs);
  }

  /** A clock that time synchronisation sets forward; a monotonic clock is never set back. */
  private jumpClock(byUs: number): void {
    const replica = this.faultRandom.below(this.replicaCount);
    this.countFault(POINT.clockSkew);
    this.scheduler.trace?.add(this.scheduler.nowUs, "ClockJump", { replica, by_us: byUs });
    this.cluster.clockOffsetsUs[replica]! += byUs;
  }

  private slowDisk(forUs: number): void {
    this.coverage.attempted[POINT.slowDisk]! += 1;
    this.coverage.applied[POINT.slowDisk]! += 1;
    this.cluster.diskSlowUntilUs[this.faultRandom.below(this.replicaCount)] = this.scheduler.nowUs + forUs;
  }

  private pause(): void {
    const { faultRandom } = this;
    const replica = faultRandom.below(this.replicaCount);
    this.coverage.attempted[POINT.pause]! += 1;
    if (this.cluster.replicas[replica] !== null) this.coverage.applied[POINT.pause]! += 1;
    const forUs = faultRandom.exponential(this.networkFaults.pauseForMs * 1000);
    this.scheduler.trace?.add(this.scheduler.nowUs, "NodePause", { replica, for_us: forUs });
    this.cluster.pausedUntilUs[replica] = this.scheduler.nowUs + forUs;
  }

  private crashSome(): void {
    const everybody = this.faultRandom.chance(this.storageFaults.powerLossPerMillion) && this.happens("power-loss");
    const victim = this.faultRandom.below(this.replicaCount);
    for (let replica = 0; replica < this.replicaCount; replica++) {
      if ((everybody || replica === victim) && this.cluster.replicas[replica] !== null) this.crash(replica);
    }
  }

  /** Crashes at random times rarely hit the few moments in which a view change is vulnerable. */
  onViewChangeStep(replica: number): void {
    const { viewChangeCrashPerMillion } = this.storageFaults;
    if (!this.active || viewChangeCrashPerMillion === 0) return;
    this.scheduler.decisions?.at("viewChangeStep", replica);
    if (!this.faultRandom.chance(viewChangeCrashPerMillion) || !this.happens("view-change-crash")) return;
    const delayUs = this.faultRandom.exponential(VIEW_CHANGE_CRASH_US);
    this.scheduler.schedule(delayUs, EVENT.targetedCrash, replica, this.cluster.lives[replica]!, null);
  }

  onTargetedCrash(replica: number, life: number): void {
    const { cluster } = this;
    if (this.active && life === cluster.lives[replica] && cluster.replicas[replica] !== null) this.crash(replica);
  }

  /** True when the fsync that was about to end fails instead; its replica stops at once, as it must. */
  failsFsync(replica: number): boolean {
    const { fsyncFailurePerMillion } = this.storageFaults;
    if (fsyncFailurePerMillion === 0 || !this.active || !this.cluster.isSyncing(replica)) return false;
    this.coverage.attempted[POINT.fsyncFailure]! += 1;
    this.scheduler.decisions?.at("fsync", replica);
    if (!this.faultRandom.chance(fsyncFailurePerMillion) || !this.happens("fsync-failure")) return false;
    this.coverage.applied[POINT.fsyncFailure]! += 1;
    this.coverage.observed[POINT.fsyncFailure]! += 1;
    this.crash(replica);
    return true;
  }

  private crash(replica: number): void {
    const { coverage, storageFaults, faultRandom } = this;
    this.countFault(POINT.crash);
    this.scheduler.decisions?.at("crash", replica);
    const mayTear = storageFaults.tornWrites && this.mayImpair(replica);
    coverage.attempted[POINT.crashDataLoss]! += 1;
    const { lost, kept, torn } = this.cluster.stop(replica, mayTear);
    if (lost + torn > 0) {
      coverage.applied[POINT.crashDataLoss]! += 1;
      coverage.observed[POINT.crashDataLoss]! += 1;
    }
    if (storageFaults.tornWrites && lost + kept + torn > 0) coverage.attempted[POINT.tornWrite]! += 1;
    if (torn > 0) {
      coverage.applied[POINT.tornWrite]! += 1;
      this.torn[replica] = true;
      this.impaired.add(replica);
    }
    if (storageFaults.corruptionPerMillion > 0) {
      coverage.attempted[POINT.corruption]! += 1;
      coverage.attempted[POINT.superblockCorruption]! += 1;
      coverage.attempted[POINT.misdirectedWrite]! += 1;
      coverage.attempted[POINT.checkpointCorruption]! += 1;
      if (faultRandom.chance(storageFaults.corruptionPerMillion) && this.happens("corruption")) this.rot(replica);
    }
    this.scheduler.schedule(faultRandom.exponential(storageFaults.downForMs * 1000), EVENT.restart, replica, 0, null);
  }

  private rot(replica: number): void {
    const disk = this.cluster.disks[replica]!;
    const kind = this.faultRandom.below(6);
    if (kind < 2) {
      if (!disk.rotSuperblock(this.diskRandom)) return;
      this.coverage.applied[POINT.superblockCorruption]! += 1;
      this.rottenSuperblock[replica] = true;
    } else if (!this.impaired.has(replica) && this.mayImpair(replica)) {
      if (kind === 2) this.damage(replica, disk.misdirect(this.diskRandom), POINT.misdirectedWrite, this.misdirected);
      else if (kind === 3)
        this.damage(replica, disk.rotCheckpoint(), POINT.checkpointCorruption, this.rottenCheckpoint);
      else this.damage(replica, disk.rotSlot(this.diskRandom), POINT.corruption, this.rotten);
    }
  }

  private damage(replica: number, done: boolean, point: number, damaged: boolean[]): void {
    if (!done) return;
    this.coverage.applied[point]! += 1;
    damaged[replica] = true;
    this.scheduler.trace?.add(this.scheduler.nowUs, "StorageFault", { replica, fault: faultName(point) });
    this.impaired.add(replica);
  }

  /** Starts a replica that is down, and sees what it makes of its disk. */
  restart(replica: number): void {
    const { badLog, badSuperblock } = this.cluster.restart(replica);
    if (badLog) this.observe(POINT.tornWrite, this.torn, replica);
    if (badLog) this.observe(POINT.corruption, this.rotten, replica);
    if (badLog) this.observe(POINT.misdirectedWrite, this.misdirected, replica);
    if (badLog) this.observe(POINT.checkpointCorruption, this.rottenCheckpoint, replica);
    if (badSuperblock) this.observe(POINT.superblockCorruption, this.rottenSuperblock, replica);
  }

  /** Counts damage that was done here, once: a replica may find damage that nobody did. */
  private observe(point: number, damaged: boolean[], replica: number): void {
    if (damaged[replica] === true) this.coverage.observed[point]! += 1;
    damaged[replica] = false;
  }

  /** After a tick: gives the budget back once the impaired replica has everything on its disk again. */
  checkRecovered(state: ReplicaState): void {
    if (!this.impaired.has(state.replica)) return;
    if (!mayVote(state) || state.job !== JOB.none || state.syncedOp < state.op || state.clearTo > 0) return;
    this.impaired.delete(state.replica);
  }
}
