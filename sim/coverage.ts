/**
 * What a batch has exercised: fault points, protocol phases, invariants, and what happened at least once.
 *
 * The catalogues are fixed, so that a percentage means the same in every batch: a fault that was never
 * injected lowers it. Counters are flat arrays; only the report at the end builds objects.
 */
import type { CoverageReport } from "../contracts/vopr.ts";
import { INVARIANTS, type InvariantName } from "./invariants/catalogue.ts";
import type { Attack } from "./scenario.ts";
import { MESSAGE_NAMES } from "./vsr/messages.ts";

/** Operations are hit when attempted, faults when applied. */
const FAULT_POINTS = [
  ["sim.storage.read", "operation"],
  ["sim.storage.write", "operation"],
  ["sim.storage.fsync", "operation"],
  ["sim.storage.crash", "fault"],
  ["sim.network.send", "operation"],
  ["sim.network.deliver", "operation"],
  ["sim.network.partition", "fault"],
  ["network.delay", "fault"],
  ["network.drop", "fault"],
  ["network.duplicate", "fault"],
  ["network.reorder", "fault"],
  ["network.clog", "fault"],
  ["network.link_failure", "fault"],
  ["storage.corruption", "fault"],
  ["storage.superblock_corruption", "fault"],
  ["storage.torn_write", "fault"],
  ["storage.crash_data_loss", "fault"],
  ["storage.slow", "fault"],
  ["storage.fsync_failure", "fault"],
  ["process.pause", "fault"],
  ["process.clock_drift", "fault"],
  ["network.partition_asymmetric", "fault"],
  ["network.partition_one_node", "fault"],
  ["network.swizzle", "fault"],
  ["storage.misdirected_write", "fault"],
  ["storage.checkpoint_corruption", "fault"],
  ["process.clock_skew", "fault"],
] as const;

/** Index of each attack in the counters. */
export const ATTACK_POINT: Readonly<Record<Attack, number>> = {
  equivocation: 0,
  "inflated-commit": 1,
  "commit-desync": 2,
  "invalid-metadata": 3,
  "forged-view-change": 4,
  "view-change-merge": 5,
  "tail-mismatch": 6,
  "identical-claims": 7,
  "oversized-start-view": 8,
  "invalid-repair-range": 9,
  "invalid-command": 10,
};

/** Index of each fault point in the counters. */
export const POINT = {
  read: 0,
  write: 1,
  fsync: 2,
  crash: 3,
  send: 4,
  deliver: 5,
  partition: 6,
  delay: 7,
  drop: 8,
  duplicate: 9,
  reorder: 10,
  clog: 11,
  linkFailure: 12,
  corruption: 13,
  superblockCorruption: 14,
  tornWrite: 15,
  crashDataLoss: 16,
  slowDisk: 17,
  fsyncFailure: 18,
  pause: 19,
  clockDrift: 20,
  partitionAsymmetric: 21,
  partitionOneNode: 22,
  swizzle: 23,
  misdirectedWrite: 24,
  checkpointCorruption: 25,
  clockSkew: 26,
} as const;

/** The name of a fault point by its index. */
export function faultName(point: number): string {
  return FAULT_POINTS[point]![0];
}

/** Lies of a replica; apart from the faults, because the protocol is not made to tolerate them. */
const ATTACK_NAMES = Object.keys(ATTACK_POINT) as readonly Attack[];

/** Phases that are no messages; their counters stand behind those of the messages. */
const OTHER_PHASES = [
  "vsr:committed",
  "vsr:view_change_complete",
  "vsr:log_installed",
  "vsr:recovery_complete",
  "vsr:checkpoint_taken",
  "vsr:checkpoint_received",
  "vsr:checkpoint_read",
  "storage:repair_complete",
  "storage:write_complete",
  "storage:fsync_complete",
  "process:crash",
  "process:restart",
  "client:answered",
  "client:retried",
  "client:evicted",
] as const;

const FIRST_OTHER = MESSAGE_NAMES.length;
export const PHASE = {
  committed: FIRST_OTHER,
  viewChangeComplete: FIRST_OTHER + 1,
  logInstalled: FIRST_OTHER + 2,
  recoveryComplete: FIRST_OTHER + 3,
  checkpointTaken: FIRST_OTHER + 4,
  checkpointReceived: FIRST_OTHER + 5,
  checkpointRead: FIRST_OTHER + 6,
  repairComplete: FIRST_OTHER + 7,
  writeComplete: FIRST_OTHER + 8,
  fsyncComplete: FIRST_OTHER + 9,
  crash: FIRST_OTHER + 10,
  restart: FIRST_OTHER + 11,
  answered: FIRST_OTHER + 12,
  retried: FIRST_OTHER + 13,
  evicted: FIRST_OTHER + 14,
} as const;

const PHASE_NAMES: readonly string[] = [
  ...MESSAGE_NAMES.map((name) =>
    name === "request" ? "client:request_sent" : name === "commit" ? "vsr:commit_broadcast" : `vsr:${name}_sent`,
  ),
  ...OTHER_PHASES,
];

/** Memory of a run must not grow with its seeds. */
export const MAX_QUERY_PLANS = 10_000;

export class Coverage {
  readonly attempted = new Array<number>(FAULT_POINTS.length).fill(0);
  readonly applied = new Array<number>(FAULT_POINTS.length).fill(0);
  readonly observed = new Array<number>(FAULT_POINTS.length).fill(0);
  readonly attacksAttempted = new Array<number>(ATTACK_NAMES.length).fill(0);
  readonly attacksApplied = new Array<number>(ATTACK_NAMES.length).fill(0);
  /** Messages sent by kind, then the other phases. */
  readonly phases = new Array<number>(PHASE_NAMES.length).fill(0);
  /** Checks made, by invariant. */
  readonly invariants: Record<InvariantName, number>;
  readonly violated = new Set<string>();
  /** Signatures of the plans that queries were executed by, as many as are kept. */
  private readonly queryPlans = new Set<string>();
  simulatedTimeUs = 0;
  events = 0;

  constructor() {
    this.invariants = Object.fromEntries(INVARIANTS.map(({ name }) => [name, 0])) as Record<InvariantName, number>;
  }

  /** A query was executed by this plan. There are millions of them: beyond the limit a new one is not counted. */
  countQueryPlan(signature: string): void {
    if (this.queryPlans.size < MAX_QUERY_PLANS) this.queryPlans.add(signature);
  }

  /** The `coverage` object of a `batch_complete` record. */
  report(): object {
    const points = this.points();
    const hit = points.filter((point) => point.hit).length;
    const reached = this.reachedPhases();
    const executed = Object.values(this.invariants).filter((count) => count > 0).length;
    return {
      fault_points: {
        total: points.length,
        hit,
        coverage_percent: percent(hit, points.length),
        fault_points: Object.fromEntries(points.map((point) => [point.name, point.counts])),
      },
      phases: {
        total_events: reached.reduce((sum, phase) => sum + phase.count, 0),
        unique_phases: reached.length,
        phase_counts: Object.fromEntries(reached.map((phase) => [phase.name, phase.count])),
      },
      invariants: {
        total: INVARIANTS.length,
        executed,
        coverage_percent: percent(executed, INVARIANTS.length),
        invariant_counts: { ...this.invariants },
      },
      byzantine: Object.fromEntries(
        ATTACK_NAMES.map((name, index) => [
          name,
          { attempted: this.attacksAttempted[index]!, applied: this.attacksApplied[index]! },
        ]),
      ),
      ...this.thresholdReport(),
    };
  }

  private points() {
    return FAULT_POINTS.map(([name, kind], index) => {
      const counts = {
        attempted: this.attempted[index]!,
        applied: this.applied[index]!,
        observed: this.observed[index]!,
      };
      return { name, counts, hit: (kind === "operation" ? counts.attempted : counts.applied) > 0 };
    });
  }

  private reachedPhases() {
    return PHASE_NAMES.map((name, index) => ({ name, count: this.phases[index]! })).filter(({ count }) => count > 0);
  }

  /** The same in the shape that coverage thresholds are checked against: counts, and phases with dots. */
  thresholdReport(): CoverageReport {
    const points = this.points();
    const hit = points.filter((point) => point.hit).map(({ name }) => name);
    return {
      total_fault_points: points.length,
      fault_points_hit: hit.length,
      hit_fault_points: hit,
      missed_fault_points: points.filter((point) => !point.hit).map(({ name }) => name),
      invariant_executions: { ...this.invariants },
      missed_invariants: Object.entries(this.invariants).flatMap(([name, count]) => (count === 0 ? [name] : [])),
      view_changes: this.phases[PHASE.viewChangeComplete]!,
      repairs: this.phases[PHASE.repairComplete]!,
      unique_query_plans: this.queryPlans.size,
      phase_events: Object.fromEntries(this.reachedPhases().map(({ name, count }) => [name.replace(":", "."), count])),
      total_events: this.events,
      simulation_time_ns: this.simulatedTimeUs * 1000,
    };
  }

  /**
   * The `properties` object: `always` is each invariant, `sometimes` each fault that should have been
   * injected at least once, `reached` each phase.
   */
  properties(): object {
    const faults = FAULT_POINTS.flatMap(([name, kind], index) => (kind === "fault" ? [{ name, index }] : []));
    const unsatisfied = faults.filter(({ index }) => this.applied[index] === 0).map(({ name }) => name);
    const unreached = PHASE_NAMES.filter((_name, index) => this.phases[index] === 0);
    const always = Object.values(this.invariants).filter((count) => count > 0).length;
    const satisfied = faults.length - unsatisfied.length;
    const reached = PHASE_NAMES.length - unreached.length;
    return {
      total_observed: always + satisfied + reached,
      always_evaluated: always,
      never_evaluated: 0,
      sometimes_satisfied: satisfied,
      sometimes_total: faults.length,
      reached_hit: reached,
      reached_total: PHASE_NAMES.length,
      violation_count: this.violated.size,
      unsatisfied_sometimes_ids: unsatisfied,
      unreached_ids: unreached,
      violated_ids: [...this.violated].sort(),
    };
  }
}

function percent(part: number, whole: number): number {
  return Math.round((part / whole) * 10_000) / 100;
}
