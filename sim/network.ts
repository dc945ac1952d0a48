/**
 * The simulated network: every message has a delay of its own, so that messages overtake each other even
 * without a fault; with faults they are dropped, doubled, held back, clogged, or cut off.
 *
 * A link is one direction between two nodes. Everything heals with `heal`.
 */
import { POINT, type Coverage } from "./coverage.ts";
import type { Random } from "./random.ts";
import type { NetworkFaults } from "./scenario.ts";
import type { Scheduler } from "./scheduler.ts";
import { MESSAGE_NAMES, type Message } from "./vsr/messages.ts";

const MIN_DELAY_US = 200;
const MEAN_JITTER_US = 300;
/** A message later than this counts as delayed. */
const DELAYED_US = MIN_DELAY_US + 4 * MEAN_JITTER_US;

/** What happened to a delivered message on its way; a bit each. */
export const DELIVERED = { delayed: 1, duplicate: 2, reordered: 4, clogged: 8 } as const;

export class SimulatedNetwork {
  private readonly random: Random;
  private readonly scheduler: Scheduler;
  private readonly coverage: Coverage;
  private readonly nodeCount: number;
  private readonly deliverKind: number;
  private faults: NetworkFaults;
  /** Per link, until when nothing gets through, or nothing arrives. */
  private readonly cutUntilUs: number[];
  private readonly brokenUntilUs: number[];
  private readonly cloggedUntilUs: number[];

  constructor(
    random: Random,
    scheduler: Scheduler,
    coverage: Coverage,
    nodeCount: number,
    deliverKind: number,
    faults: NetworkFaults,
  ) {
    this.random = random;
    this.scheduler = scheduler;
    this.coverage = coverage;
    this.nodeCount = nodeCount;
    this.deliverKind = deliverKind;
    this.faults = faults;
    const links = nodeCount * nodeCount;
    this.cutUntilUs = new Array<number>(links).fill(0);
    this.brokenUntilUs = new Array<number>(links).fill(0);
    this.cloggedUntilUs = new Array<number>(links).fill(0);
  }

  send(from: number, to: number, message: Message): void {
    const { coverage, random, faults } = this;
    coverage.attempted[POINT.send]! += 1;
    coverage.phases[message.kind]! += 1;
    const link = from * this.nodeCount + to;
    const { nowUs, trace, decisions } = this.scheduler;
    trace?.add(nowUs, "NetworkSend", { from, to, message: MESSAGE_NAMES[message.kind as 0], view: message.view });
    if (this.cutUntilUs[link]! > nowUs) {
      coverage.observed[POINT.partition]! += 1;
      trace?.add(nowUs, "NetworkDrop", { from, to, message: MESSAGE_NAMES[message.kind as 0], reason: "partition" });
      return;
    }
    if (this.brokenUntilUs[link]! > nowUs) {
      coverage.observed[POINT.linkFailure]! += 1;
      trace?.add(nowUs, "NetworkDrop", { from, to, message: MESSAGE_NAMES[message.kind as 0], reason: "link" });
      return;
    }
    decisions?.at("message", link);
    if (faults.dropPerMillion > 0) {
      coverage.attempted[POINT.drop]! += 1;
      if (random.chance(faults.dropPerMillion) && (decisions === null || decisions.happens("drop"))) {
        coverage.applied[POINT.drop]! += 1;
        coverage.observed[POINT.drop]! += 1;
        trace?.add(nowUs, "NetworkDrop", { from, to, message: MESSAGE_NAMES[message.kind as 0], reason: "dropped" });
        return;
      }
    }
    this.dispatch(link, to, message, 0);
    if (faults.duplicatePerMillion > 0) {
      coverage.attempted[POINT.duplicate]! += 1;
      if (random.chance(faults.duplicatePerMillion) && (decisions === null || decisions.happens("duplicate"))) {
        coverage.applied[POINT.duplicate]! += 1;
        this.dispatch(link, to, message, DELIVERED.duplicate);
      }
    }
  }

  private dispatch(link: number, to: number, message: Message, duplicate: number): void {
    const { coverage, random, faults } = this;
    const { decisions } = this.scheduler;
    let marks = duplicate;
    let delayUs = MIN_DELAY_US + random.exponential(MEAN_JITTER_US);
    coverage.attempted[POINT.delay]! += 1;
    if (faults.reorderPerMillion > 0) {
      coverage.attempted[POINT.reorder]! += 1;
      if (random.chance(faults.reorderPerMillion) && (decisions === null || decisions.happens("reorder"))) {
        coverage.applied[POINT.reorder]! += 1;
        marks |= DELIVERED.reordered;
        delayUs += random.exponential(faults.reorderDelayMs * 1000);
      }
    }
    const cloggedForUs = this.cloggedUntilUs[link]! - this.scheduler.nowUs;
    if (cloggedForUs > 0) {
      delayUs += cloggedForUs;
      marks |= DELIVERED.clogged;
    }
    if (delayUs > DELAYED_US) {
      coverage.applied[POINT.delay]! += 1;
      marks |= DELIVERED.delayed;
    }
    this.scheduler.schedule(delayUs, this.deliverKind, to, marks, message);
  }

  /** Counts what was seen to happen to a delivered message. */
  delivered(marks: number): void {
    const { observed, attempted } = this.coverage;
    attempted[POINT.deliver]! += 1;
    if (marks === 0) return;
    if ((marks & DELIVERED.delayed) !== 0) observed[POINT.delay]! += 1;
    if ((marks & DELIVERED.duplicate) !== 0) observed[POINT.duplicate]! += 1;
    if ((marks & DELIVERED.reordered) !== 0) observed[POINT.reorder]! += 1;
    if ((marks & DELIVERED.clogged) !== 0) observed[POINT.clog]! += 1;
  }

  /** Cuts a random set of nodes, or one replica, off from the rest: in both directions or in one. */
  partition(replicaCount: number, forUs: number): void {
    const untilUs = this.scheduler.nowUs + forUs;
    const oneNode = this.random.below(3) === 0;
    // A bit per node; never all on one side.
    const side = oneNode ? 1 << this.random.below(replicaCount) : 1 + this.random.below(2 ** this.nodeCount - 2);
    const asymmetric = this.random.below(4) === 0;
    this.scheduler.trace?.add(this.scheduler.nowUs, "NetworkPartition", { side, asymmetric, for_us: forUs });
    this.count(POINT.partition);
    if (oneNode) this.count(POINT.partitionOneNode);
    if (asymmetric) this.count(POINT.partitionAsymmetric);
    for (let from = 0; from < this.nodeCount; from++) {
      for (let to = 0; to < this.nodeCount; to++) {
        const fromSide = (side >>> from) & 1;
        const toSide = (side >>> to) & 1;
        if (fromSide === toSide || (asymmetric && fromSide === 0)) continue;
        this.cutUntilUs[from * this.nodeCount + to] = untilUs;
      }
    }
  }

  /** Counts a swizzle; the clogging of each node follows by itself. */
  beginSwizzle(): void {
    this.count(POINT.swizzle);
  }

  /** Breaks one direction between two replicas. */
  breakLink(replicaCount: number, forUs: number): void {
    this.count(POINT.linkFailure);
    const from = this.random.below(replicaCount);
    const to = (from + 1 + this.random.below(replicaCount - 1)) % replicaCount;
    this.brokenUntilUs[from * this.nodeCount + to] = this.scheduler.nowUs + forUs;
  }

  /** Clogs all links of one node. */
  clog(node: number, forUs: number): void {
    this.count(POINT.clog);
    this.scheduler.trace?.add(this.scheduler.nowUs, "NetworkClog", { node, for_us: forUs });
    const untilUs = this.scheduler.nowUs + forUs;
    for (let other = 0; other < this.nodeCount; other++) {
      this.cloggedUntilUs[node * this.nodeCount + other] = untilUs;
      this.cloggedUntilUs[other * this.nodeCount + node] = untilUs;
    }
  }

  heal(without: NetworkFaults): void {
    this.faults = without;
    this.cutUntilUs.fill(0);
    this.brokenUntilUs.fill(0);
    this.cloggedUntilUs.fill(0);
  }

  private count(point: number): void {
    this.coverage.attempted[point]! += 1;
    this.coverage.applied[point]! += 1;
  }
}
