/**
 * The timeline of a run for people: replicas as lanes, the clients as the last one, messages as arrows between them,
 * time from top to bottom. Equal events give equal text.
 *
 *      1.203  |--prepare v0------------>|                        |
 *      1.610  |                         |--commit lost---x        |
 *      1.734  |                         : CRASH                  |
 */
import { KimtestError } from "../contracts/errors.ts";
import { printable } from "./printable.ts";
import type { TraceEvent, TraceType } from "./trace.ts";

/** What can be asked for; the beginning, the end and the violation are always there. */
export const TIMELINE_KINDS = {
  messages: ["NetworkDeliver"],
  sends: ["NetworkSend"],
  nodes: ["NodeCrash", "NodeRestart", "NodePause"],
  views: ["ReplicaUpdate"],
  commits: ["Commit", "CheckpointCreate", "CheckpointRecover"],
  faults: ["NetworkDrop", "NetworkPartition", "NetworkClog", "NetworkHeal", "StorageFault", "ClockJump"],
  requests: ["Read", "Write", "ReadModifyWrite", "Remove", "Scan", "ClientEvicted"],
  fsyncs: ["Fsync"],
  checks: ["InvariantCheck"],
} as const satisfies Record<string, readonly TraceType[]>;
export type TimelineKind = keyof typeof TIMELINE_KINDS;

export const TIMELINE_KIND_NAMES = Object.keys(TIMELINE_KINDS) as TimelineKind[];
/** The others say little and are many. */
export const DEFAULT_TIMELINE_KINDS = TIMELINE_KIND_NAMES.filter(
  (kind) => !["sends", "fsyncs", "checks"].includes(kind),
);

export interface TimelineOptions {
  readonly replicas: number;
  readonly columns: number;
  readonly kinds: readonly TimelineKind[];
  readonly fromUs: number;
  readonly toUs: number;
  /** So many events from the end. */
  readonly last: number;
}

/** Why a message did not arrive. */
const LOST: Readonly<Record<string, string>> = { partition: "cut", link: "broken", dropped: "lost" };
const TIME_COLUMNS = 12;
const MIN_LANE_COLUMNS = 8;

/** Events in time order, those that are asked for. */
export function selected(events: readonly TraceEvent[], options: TimelineOptions): readonly TraceEvent[] {
  const types = new Set<TraceType>(options.kinds.flatMap((kind) => TIMELINE_KINDS[kind]));
  for (const type of ["SimulationStart", "SimulationEnd", "InvariantViolation"] as const) types.add(type);
  return events
    .filter(({ type, time_us: timeUs }) => types.has(type) && timeUs >= options.fromUs && timeUs <= options.toUs)
    .slice(-options.last);
}

/** @throws KimtestError `USAGE` when the lanes do not fit. */
export function timelineText(events: readonly TraceEvent[], options: TimelineOptions): string {
  const canvas = new Canvas(options.replicas, options.columns);
  const down = downBefore(events);
  const chosen = new Set(selected(events, options));
  const lines = [canvas.header()];
  // All events are looked at, so that it is known who is down; only those asked for are shown.
  for (let at = 0; at < events.length; at++) {
    const event = events[at]!;
    if (event.type === "NodeCrash") down.add(event["replica"] as number);
    if (event.type === "NodeRestart") down.delete(event["replica"] as number);
    if (!chosen.has(event)) continue;
    const lastOp = lastOpOf(events, at, chosen);
    lines.push(...canvas.rows(event, lastOp, down));
    if (lastOp !== null) while (events[at]!["op"] !== lastOp) at += 1;
  }
  return lines.map((line) => `${line.trimEnd()}\n`).join("");
}

/** Who comes up before it has gone down was down when the events begin. */
function downBefore(events: readonly TraceEvent[]): Set<number> {
  const seen = new Set<number>();
  const down = new Set<number>();
  for (const { type, replica } of events) {
    if ((type !== "NodeCrash" && type !== "NodeRestart") || seen.has(replica as number)) continue;
    seen.add(replica as number);
    if (type === "NodeRestart") down.add(replica as number);
  }
  return down;
}

/** Commits of one replica in one event are one line: the last of them; null for anything else. */
function lastOpOf(events: readonly TraceEvent[], first: number, chosen: ReadonlySet<TraceEvent>): number | null {
  const { type, replica, event } = events[first]!;
  if (type !== "Commit") return null;
  let at = first;
  for (let next = events[at + 1]; next !== undefined; next = events[at + 1]) {
    if (next.type !== "Commit" || next["replica"] !== replica || next.event !== event || !chosen.has(next)) break;
    at += 1;
  }
  return events[at]!["op"] as number;
}

class Canvas {
  private readonly replicas: number;
  private readonly columns: number;
  private readonly laneColumns: number;

  constructor(replicas: number, columns: number) {
    const lanes = replicas + 1;
    const least = TIME_COLUMNS + lanes * MIN_LANE_COLUMNS;
    if (columns < least) {
      throw new KimtestError("USAGE", `${columns} columns are too few for ${lanes} lanes`, {
        hint: `a wider terminal, or --columns ${least} or more`,
      });
    }
    this.replicas = replicas;
    this.columns = columns;
    this.laneColumns = Math.floor((columns - TIME_COLUMNS) / lanes);
  }

  header(): string {
    const names = Array.from({ length: this.replicas }, (_, replica) => `replica ${replica}`);
    const cells = [...names, "clients"].map((name) => cut(name, this.laneColumns - 1).padEnd(this.laneColumns));
    return "time ms".padStart(TIME_COLUMNS - 2).padEnd(TIME_COLUMNS) + cells.join("");
  }

  rows(event: TraceEvent, lastOp: number | null, down: ReadonlySet<number>): string[] {
    const time = (event.time_us / 1000)
      .toFixed(3)
      .padStart(TIME_COLUMNS - 2)
      .padEnd(TIME_COLUMNS);
    const across = acrossText(event, this.replicas);
    if (across !== null) return this.wrapped(time, across);
    const lanes = this.lanes(down);
    if (event.type === "NetworkDeliver" || event.type === "NetworkDrop") this.arrow(lanes, event);
    else this.note(lanes, this.laneOf(nodeOf(event, this.replicas)), noteOf(event, lastOp, this.replicas));
    return [time + lanes.join("")];
  }

  /** One character per column. */
  private lanes(down: ReadonlySet<number>): string[] {
    const row = new Array<string>(this.laneColumns * (this.replicas + 1)).fill(" ");
    for (let lane = 0; lane <= this.replicas; lane++) row[lane * this.laneColumns] = down.has(lane) ? ":" : "|";
    return row;
  }

  private laneOf(node: number): number {
    return Math.min(node, this.replicas);
  }

  private note(row: string[], lane: number, text: string): void {
    put(row, lane * this.laneColumns + 2, cut(text, this.laneColumns - 3));
  }

  private arrow(row: string[], event: TraceEvent): void {
    const from = event["from"] as number;
    const to = event["to"] as number;
    const [left, right] = [from, to].map((node) => this.laneOf(node) * this.laneColumns).sort((a, b) => a - b) as [
      number,
      number,
    ];
    const inside = right - left - 1;
    const isLost = event.type === "NetworkDrop";
    const what = isLost ? ` ${LOST[String(event["reason"])] ?? event["reason"]}` : ` v${event["view"]}`;
    const label = `${event["message"]}${what}${clientText(Math.max(from, to), this.replicas)}`;
    const line = `--${cut(printable(label), inside - 4)}`.padEnd(inside - 1, "-");
    const head = isLost ? "x" : from < to ? ">" : "<";
    put(row, left + 1, from < to ? `${line}${head}` : `${head}${line}`);
  }

  /** Text that belongs to no lane. */
  private wrapped(time: string, text: string): string[] {
    const width = this.columns - TIME_COLUMNS;
    const lines: string[] = [];
    let rest = printable(text);
    while (rest.length > width) {
      const space = rest.lastIndexOf(" ", width);
      const end = space > width / 2 ? space : width;
      lines.push(rest.slice(0, end));
      rest = rest.slice(end).trimStart();
    }
    return [...lines, rest].map((line, index) => (index === 0 ? time : " ".repeat(TIME_COLUMNS)) + line);
  }
}

function put(row: string[], at: number, text: string): void {
  for (let index = 0; index < text.length; index++) row[at + index] = text[index]!;
}

function cut(text: string, width: number): string {
  return text.length <= width ? text : `${text.slice(0, Math.max(width - 1, 0))}~`;
}

function clientText(node: number, replicas: number): string {
  return node < replicas ? "" : ` c${node - replicas}`;
}

function nodeOf(event: TraceEvent, replicas: number): number {
  const node = event["replica"] ?? event["node"] ?? event["from"];
  return typeof node === "number" ? node : replicas;
}

const milliseconds = (us: unknown): string => `${Number(us) / 1000} ms`;

function acrossText(event: TraceEvent, replicas: number): string | null {
  const type: string = event.type;
  switch (type) {
    case "SimulationStart":
      return `== begins: scenario ${event["scenario"]}, ${event["replicas"]} replicas`;
    case "SimulationEnd":
      return `== ends after ${event["events"]} events`;
    case "InvariantViolation":
      return `!! ${event["invariant"]} is violated: ${event["message"]}`;
    case "InvariantCheck":
      return `   ${event["invariant"]} ${event["passed"] === true ? "holds" : "does not hold"}`;
    case "NetworkHeal":
      return "~~ all faults end";
    case "NetworkPartition":
      return `~~ partition${event["asymmetric"] === true ? ", one way" : ""}: ${sideText(event, replicas)} cut off for ${milliseconds(event["for_us"])}`;
    default:
      return null;
  }
}

/** A bit per node. */
function sideText(event: TraceEvent, replicas: number): string {
  const side = Number(event["side"]);
  const nodes = Array.from({ length: 31 }, (_, node) => node).filter((node) => ((side >>> node) & 1) === 1);
  return nodes.map((node) => (node < replicas ? String(node) : `c${node - replicas}`)).join(" ");
}

function noteOf(event: TraceEvent, lastOp: number | null, replicas: number): string {
  return printable(notes(event, lastOp, replicas));
}

function notes(event: TraceEvent, lastOp: number | null, replicas: number): string {
  const type: string = event.type;
  switch (type) {
    case "NetworkSend":
      return `sends ${event["message"]} to ${Number(event["to"]) < replicas ? event["to"] : clientText(Number(event["to"]), replicas).trim()}`;
    case "NodeCrash":
      return "CRASH";
    case "NodeRestart":
      return "restart";
    case "NodePause":
      return `pause ${milliseconds(event["for_us"])}`;
    case "NetworkClog":
      return `clogged ${milliseconds(event["for_us"])}${clientText(Number(event["node"]), replicas)}`;
    case "StorageFault":
      return `DISK ${event["fault"]}`;
    case "ClockJump":
      return `clock +${milliseconds(event["by_us"])}`;
    case "ReplicaUpdate":
      return `view ${event["view"]}${event["primary"] === true ? " primary" : ""} op ${event["op"]}`;
    case "Commit":
      return `commit ${event["op"]}${lastOp === null || lastOp === event["op"] ? "" : `-${lastOp}`}`;
    case "CheckpointCreate":
      return `checkpoint ${event["op"]}`;
    case "CheckpointRecover":
      return `got checkpoint ${event["op"]}`;
    case "Fsync":
      return "fsync";
    case "ClientEvicted":
      return `c${event["client"]} evicted`;
    default:
      return `c${event["client"]} ${type} ${event["key"]} = ${event["result"]}`;
  }
}
