/**
 * Traces: what happened in one run, as events with simulated time only, so that equal seeds have equal traces.
 *
 * Nothing is recorded in a usual run: a run is repeated with a trace when somebody wants to see it, because
 * the same seed gives the same run. The newest events are kept, in a ring.
 */
import type { ReplicaState } from "./vsr/state.ts";

/** Events kept, unless something else is asked for. */
export const DEFAULT_TRACE_EVENTS = 10_000;

/** `minimal`: what changes a replica or is a fault; `verbose`: messages, fsyncs and passed checks as well. */
export const TRACE_FILTERS = ["failures_only", "minimal", "verbose"] as const;
export type TraceFilter = (typeof TRACE_FILTERS)[number];

/** Every type of event, and the filter from which on it is recorded. */
export const TRACE_TYPES = {
  SimulationStart: "failures_only",
  SimulationEnd: "failures_only",
  InvariantViolation: "failures_only",
  NodeCrash: "minimal",
  NodeRestart: "minimal",
  NodePause: "minimal",
  NetworkPartition: "minimal",
  NetworkClog: "minimal",
  NetworkHeal: "minimal",
  StorageFault: "minimal",
  ClockJump: "minimal",
  ReplicaUpdate: "minimal",
  CheckpointCreate: "minimal",
  CheckpointRecover: "minimal",
  Commit: "minimal",
  Read: "minimal",
  Write: "minimal",
  ReadModifyWrite: "minimal",
  Remove: "minimal",
  Scan: "minimal",
  ClientEvicted: "minimal",
  NetworkSend: "verbose",
  NetworkDeliver: "verbose",
  NetworkDrop: "verbose",
  Fsync: "verbose",
  InvariantCheck: "verbose",
} as const satisfies Record<string, TraceFilter>;
export type TraceType = keyof typeof TRACE_TYPES;

export interface TraceEvent {
  readonly seq: number;
  /** How many events the simulation had begun; 0 before the first. */
  readonly event: number;
  readonly time_us: number;
  readonly type: TraceType;
  readonly [field: string]: string | number | boolean;
}

export class Trace {
  /** Events that are kept, the newest. */
  readonly capacity: number;
  private readonly level: number;
  private readonly ring: TraceEvent[] = [];
  /** Events recorded, those that the ring has lost included. */
  recorded = 0;
  /** Set by the simulation. */
  event = 0;

  constructor(filter: TraceFilter = "verbose", capacity = DEFAULT_TRACE_EVENTS) {
    this.capacity = capacity;
    this.level = TRACE_FILTERS.indexOf(filter);
  }

  add(timeUs: number, type: TraceType, fields: Readonly<Record<string, string | number | boolean>>): void {
    if (TRACE_FILTERS.indexOf(TRACE_TYPES[type]) > this.level) return;
    this.ring[this.recorded % this.capacity] = {
      seq: this.recorded,
      event: this.event,
      time_us: timeUs,
      type,
      ...fields,
    };
    this.recorded += 1;
  }

  /** Oldest first. */
  get events(): TraceEvent[] {
    const start = this.recorded % this.capacity;
    if (this.recorded <= this.capacity) return this.ring.slice();
    return [...this.ring.slice(start), ...this.ring.slice(0, start)];
  }
}

/** The first event in which two traces differ, for messages to people; null when they are equal. */
export function firstDivergence(one: Trace, other: Trace): string | null {
  const [first, second] = [one.events, other.events];
  for (let at = 0; at < Math.max(first.length, second.length); at++) {
    const [a, b] = [first[at], second[at]];
    if (a === undefined || b === undefined || !isEqualEvent(a, b)) {
      const kept = Math.max(one.recorded, other.recorded) > one.capacity ? " of those kept" : "";
      return `first diverging event${kept}: ${textOf(a)} or ${textOf(b)}`;
    }
  }
  return null;
}

/** Events of one type have the same fields. */
function isEqualEvent(one: TraceEvent, other: TraceEvent): boolean {
  if (one.type !== other.type) return false;
  for (const field in one) if (one[field] !== other[field]) return false;
  return true;
}

function textOf(event: TraceEvent | undefined): string {
  return event === undefined ? "none" : JSON.stringify(event);
}

/** What a replica knew when the run ended. */
export interface ReplicaSummary {
  readonly replica: number;
  readonly status: string;
  readonly view: number;
  readonly op: number;
  readonly commit: number;
  readonly checkpoint: number;
}

const STATUSES = ["normal", "view-change", "recovering"];

export function summaryOf(state: ReplicaState | null, replica: number): ReplicaSummary {
  if (state === null) return { replica, status: "down", view: 0, op: 0, commit: 0, checkpoint: 0 };
  const { status, view, op, commit, durable } = state;
  return { replica, status: STATUSES[status] ?? "unknown", view, op, commit, checkpoint: durable.checkpointOp };
}
