/**
 * The replicas of a simulation as machines: each with its disk, its clock and its lives, stepped by
 * messages, ticks and the ends of disk jobs. Which faults they suffer is decided elsewhere.
 */
import { PHASE, POINT, type Coverage } from "../coverage.ts";
import { SimulatedDisk, type CrashOutcome } from "../disk.ts";
import type { SimulatedNetwork } from "../network.ts";
import type { Random } from "../random.ts";
import type { Scheduler } from "../scheduler.ts";
import { MESSAGE_NAMES, type Message } from "../vsr/messages.ts";
import { startReplica } from "../vsr/recovery.ts";
import { INPUT, Input, step } from "../vsr/replica.ts";
import {
  DEFAULT_TIMEOUTS,
  JOB,
  Outputs,
  isSync,
  ReplicaState,
  TO_OTHER_REPLICAS,
  type ReplicaConfiguration,
} from "../vsr/state.ts";
import type { Byzantine } from "./byzantine.ts";
import { EVENT } from "./events.ts";
import type { Referee } from "./referee.ts";

const TICK_US = 20_000;
const WRITE_US = 60;
const FSYNC_US = 400;
const SLOW_DISK_FACTOR = 60;

/** Everything a cluster needs from the rest of a simulation. */
export interface ClusterSurroundings {
  readonly configuration: ReplicaConfiguration;
  readonly scheduler: Scheduler;
  readonly network: SimulatedNetwork;
  readonly coverage: Coverage;
  readonly diskRandom: Random;
  /** Called when a replica takes a step of a view change. */
  readonly onViewChangeStep: (replica: number) => void;
}

/** What a replica that starts finds on its disk. */
export interface DiskFindings {
  /** The log cannot be trusted: the replica recovers it from the others. */
  readonly badLog: boolean;
  /** The two copies of the superblock differ, or one is bad. */
  readonly badSuperblock: boolean;
}

const NOTHING_FOUND: DiskFindings = { badLog: false, badSuperblock: false };

export class Cluster {
  /** null while a replica is down. */
  readonly replicas: (ReplicaState | null)[] = [];
  readonly disks: SimulatedDisk[] = [];
  /** Counts the starts of each replica: events of an earlier life are not for this one. */
  readonly lives: number[] = [];
  readonly pausedUntilUs: number[] = [];
  readonly diskSlowUntilUs: number[] = [];
  /** How fast each replica's clock runs. */
  private readonly clockRates: number[] = [];
  /** How far ahead each replica's clock is. */
  readonly clockOffsetsUs: number[] = [];
  /** A replica that found itself in the wrong stays down for good. */
  private readonly stoppedItself: boolean[] = [];
  private readonly configuration: ReplicaConfiguration;
  private readonly scheduler: Scheduler;
  private readonly network: SimulatedNetwork;
  private referee!: Referee;
  /** Forges what one replica sends; null when all are honest. */
  liar: Byzantine | null = null;
  private readonly coverage: Coverage;
  private readonly diskRandom: Random;
  private readonly onViewChangeStep: (replica: number) => void;
  private readonly input = new Input();
  private readonly outputs = new Outputs();
  private nonces = 0;

  constructor(surroundings: ClusterSurroundings) {
    this.configuration = surroundings.configuration;
    this.scheduler = surroundings.scheduler;
    this.network = surroundings.network;
    this.coverage = surroundings.coverage;
    this.diskRandom = surroundings.diskRandom;
    this.onViewChangeStep = surroundings.onViewChangeStep;
  }

  /** Must be called before the first event. */
  watchedBy(referee: Referee): void {
    this.referee = referee;
  }

  /** Adds the next replica, on a formatted disk. */
  add(clockRate: number, random: Random): void {
    const replica = this.replicas.length;
    const state = new ReplicaState(replica, this.configuration);
    state.viewChangeAtUs = DEFAULT_TIMEOUTS.viewChangeUs + replica * DEFAULT_TIMEOUTS.viewChangeSpreadUs;
    this.replicas.push(state);
    this.disks.push(new SimulatedDisk());
    this.lives.push(1);
    this.pausedUntilUs.push(0);
    this.diskSlowUntilUs.push(0);
    this.clockRates.push(clockRate);
    this.clockOffsetsUs.push(0);
    this.stoppedItself.push(false);
    this.scheduler.schedule(random.between(1, TICK_US), EVENT.tick, replica, 1, null);
  }

  /** The replica if it is up and in this life. When it is paused the event is put off until it goes on. */
  awake(replica: number, life: number, kind: number): ReplicaState | null {
    if (life !== this.lives[replica] || this.isPaused(replica, kind, life, null)) return null;
    return this.replicas[replica] ?? null;
  }

  private isPaused(replica: number, kind: number, detail: number, message: Message | null): boolean {
    const waitUs = this.pausedUntilUs[replica]! - this.scheduler.nowUs;
    if (waitUs <= 0) return false;
    this.coverage.observed[POINT.pause]! += 1;
    this.scheduler.schedule(waitUs, kind, replica, detail, message);
    return true;
  }

  deliver(replica: number, marks: number, message: Message): void {
    if (this.isPaused(replica, EVENT.deliver, marks, message)) return;
    const state = this.replicas[replica] ?? null;
    if (state === null) return;
    this.network.delivered(marks);
    const { nowUs, trace } = this.scheduler;
    trace?.add(nowUs, "NetworkDeliver", {
      from: message.from,
      to: replica,
      message: MESSAGE_NAMES[message.kind as 0],
      view: message.view,
    });
    this.input.kind = INPUT.message;
    this.input.message = message;
    this.stepReplica(state);
  }

  tick(state: ReplicaState): void {
    this.scheduleTick(state.replica);
    this.input.kind = INPUT.tick;
    this.stepReplica(state);
  }

  private scheduleTick(replica: number): void {
    this.scheduler.schedule(TICK_US, EVENT.tick, replica, this.lives[replica]!, null);
  }

  /** True while the disk of a replica is busy with an fsync. */
  isSyncing(replica: number): boolean {
    return isSync(this.disks[replica]!.job);
  }

  completeDiskJob(state: ReplicaState): void {
    const phase = this.isSyncing(state.replica) ? PHASE.fsyncComplete : PHASE.writeComplete;
    if (phase === PHASE.fsyncComplete) {
      this.scheduler.trace?.add(this.scheduler.nowUs, "Fsync", { replica: state.replica, success: true });
    }
    this.disks[state.replica]!.complete();
    this.coverage.phases[phase]! += 1;
    this.input.kind = INPUT.diskDone;
    this.stepReplica(state);
  }

  private clock(replica: number): number {
    return Math.floor(this.scheduler.nowUs * this.clockRates[replica]!) + this.clockOffsetsUs[replica]!;
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

  /** Does what a step asked for, and has it checked. */
  private perform(state: ReplicaState): void {
    const { outputs } = this;
    const { replica } = state;
    if (this.scheduler.trace !== null) this.traceCommits(replica);
    this.referee.beforeEffects(state, outputs);
    if (outputs.installed || outputs.becamePrimary) {
      this.scheduler.trace?.add(this.scheduler.nowUs, "ReplicaUpdate", {
        replica,
        view: state.view,
        op: state.op,
        commit: state.commit,
        primary: outputs.becamePrimary,
      });
    }
    if (outputs.panic !== null) {
      this.replicas[replica] = null;
      this.stoppedItself[replica] = true;
      return;
    }
    this.sendMessages(replica);
    if (outputs.diskTrimTo > 0) this.disks[replica]!.trim(outputs.diskTrimTo);
    if (outputs.diskJob !== JOB.none) this.beginDiskJob(replica);
    if (outputs.diskSuperblock !== null || outputs.installed || outputs.becamePrimary) this.onViewChangeStep(replica);
    this.referee.afterEffects(state);
  }

  private traceCommits(replica: number): void {
    const { nowUs, trace } = this.scheduler;
    const { committed, checkpoint, adopted } = this.outputs;
    for (const { op, view } of committed) trace?.add(nowUs, "Commit", { replica, op, view });
    if (checkpoint !== null) trace?.add(nowUs, "CheckpointCreate", { replica, op: checkpoint.op });
    if (adopted !== null) trace?.add(nowUs, "CheckpointRecover", { replica, op: adopted.op });
  }

  private sendMessages(replica: number): void {
    const { messages, recipients } = this.outputs;
    for (let index = 0; index < messages.length; index++) {
      const message = messages[index]!;
      const to = recipients[index]!;
      if (to !== TO_OTHER_REPLICAS) {
        this.sendOne(replica, to, message);
        continue;
      }
      for (let other = 0; other < this.configuration.replicaCount; other++) {
        if (other !== replica) this.sendOne(replica, other, message);
      }
    }
  }

  private sendOne(replica: number, to: number, message: Message): void {
    this.network.send(replica, to, this.liar === null ? message : this.liar.forge(replica, to, message));
  }

  private beginDiskJob(replica: number): void {
    const { outputs, diskRandom } = this;
    const job = outputs.diskJob;
    this.disks[replica]!.begin(outputs);
    const sync = isSync(job);
    this.scheduler.decisions?.at("diskJob", replica);
    this.coverage.attempted[sync ? POINT.fsync : POINT.write]! += 1;
    let delayUs = sync ? FSYNC_US / 2 + diskRandom.exponential(FSYNC_US / 2) : diskRandom.exponential(WRITE_US);
    if (this.diskSlowUntilUs[replica]! > this.scheduler.nowUs) {
      delayUs *= SLOW_DISK_FACTOR;
      this.coverage.observed[POINT.slowDisk]! += 1;
    }
    this.scheduler.schedule(delayUs, EVENT.diskDone, replica, this.lives[replica]!, null);
  }

  /** Stops a replica as a power loss does; says what became of what was not synced. */
  stop(replica: number, mayTear: boolean): CrashOutcome {
    this.coverage.phases[PHASE.crash]! += 1;
    this.scheduler.trace?.add(this.scheduler.nowUs, "NodeCrash", { replica });
    this.replicas[replica] = null;
    this.lives[replica]! += 1;
    this.pausedUntilUs[replica] = 0;
    return this.disks[replica]!.crash(this.diskRandom, mayTear);
  }

  /** Starts a replica that is down, from what is on its disk; says what it found there. */
  restart(replica: number): DiskFindings {
    if (this.replicas[replica] !== null || this.stoppedItself[replica]!) return NOTHING_FOUND;
    const { coverage, outputs } = this;
    coverage.attempted[POINT.read]! += 1;
    coverage.phases[PHASE.restart]! += 1;
    this.scheduler.trace?.add(this.scheduler.nowUs, "NodeRestart", { replica });
    outputs.clear();
    this.nonces += 1;
    const disk = this.disks[replica]!;
    const nowUs = this.clock(replica);
    const { state, recovering } = startReplica(replica, this.configuration, disk, nowUs, this.nonces, outputs);
    this.replicas[replica] = state;
    // What it read from its own disk is not what it was given by others.
    outputs.adopted = null;
    this.referee.onStart(state);
    const found = { badLog: recovering, badSuperblock: state.superblockRepairNeeded };
    this.perform(state);
    this.scheduleTick(replica);
    return found;
  }

  /** Ends the slowness of disks. */
  heal(): void {
    this.diskSlowUntilUs.fill(0);
  }
}
