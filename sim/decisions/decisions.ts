/**
 * The decisions of a run: everything in it that is not determined by what happened before.
 *
 * A usual run has none of this: its dice decide. A run that is looked at closer is given a `Decisions`, which
 * is told the place of every decision before its dice are thrown, and asked whether what they want to happen
 * shall happen. The recorder (recorder.ts) notes where in their streams the dice were; the follower
 * (follower.ts) puts them back there, place by place. So a fault, a request or a client can be left out and
 * the decisions at all other places stay what they were, which they would not if one stream ran on.
 */
import type { Random } from "../random.ts";

/** Where decisions are made. Each place has an index (a link, a replica, …) and counts its decisions from 0. */
export const PLACES = {
  /** What becomes of a message; by link. */
  message: ["network"],
  /** How long a disk job takes; by replica. */
  diskJob: ["disk"],
  /** What a crash leaves on the disk, and for how long the replica is down; by replica. */
  crash: ["faults", "disk"],
  /** Whom a fault hits, and for how long; by kind of event. */
  fault: ["faults", "network"],
  /** How long until the next fault; by kind of event. */
  calm: ["faults"],
  /** Whether a replica crashes in a step of a view change; by replica. */
  viewChangeStep: ["faults"],
  /** Whether an fsync fails; by replica. */
  fsync: ["faults"],
  /** How fast a clock runs; by replica. */
  clock: ["faults"],
  /** How long a client waits before its next request; by client. */
  pause: ["workload"],
  /** What a client asks; by client. */
  request: ["workload"],
  /** What the projection of a replica is asked. */
  query: ["queries"],
  /** Whether a key is read in the end; by key. Nothing is drawn. */
  audit: [],
  /** Whether a Byzantine replica lies; nothing is drawn. */
  lie: [],
} as const satisfies Record<string, readonly StreamName[]>;
export type Place = keyof typeof PLACES;

export const PLACE_NAMES = Object.keys(PLACES) as Place[];
/** More than links, replicas or clients ever are. */
const INDEXES_PER_PLACE = 4096;

/** A place and its index as one number. */
export function placeKey(place: Place, index: number): number {
  return PLACE_NAMES.indexOf(place) * INDEXES_PER_PLACE + index;
}

/** The dice of a simulation; see simulation/events.ts. */
export const STREAM_NAMES = ["network", "disk", "faults", "workload", "queries"] as const;
export type StreamName = (typeof STREAM_NAMES)[number];
export type Dice = Readonly<Record<StreamName, Random>>;

/** What can be left out, and the place at which it is decided. */
export const CHOICES = {
  drop: "message",
  duplicate: "message",
  reorder: "message",
  crash: "fault",
  "power-loss": "fault",
  "slow-disk": "fault",
  partition: "fault",
  clog: "fault",
  "link-failure": "fault",
  pause: "fault",
  "clock-jump": "fault",
  corruption: "crash",
  "view-change-crash": "viewChangeStep",
  "fsync-failure": "fsync",
  "clock-drift": "clock",
  lie: "lie",
  client: "request",
  request: "request",
  query: "query",
  audit: "audit",
  /** All pauses between requests together: without, a client asks again as soon as it is answered. */
  "think-time": "pause",
  /** The time that faults took which are left out, together: without, the next fault of their kind comes sooner. */
  "idle-time": "calm",
} as const satisfies Record<string, Place>;
export type Choice = keyof typeof CHOICES;

export const CHOICE_NAMES = Object.keys(CHOICES) as Choice[];

/** Something that happened and could have been left out. */
export interface Decision {
  readonly choice: Choice;
  /** That of its place. */
  readonly index: number;
  /** The how manieth decision of that place it is. */
  readonly number: number;
  readonly timeUs: number;
}

/** Of every place and index: where in their streams the dice were, decision by decision, stream by stream. */
export type Positions = Partial<Record<Place, Readonly<Record<string, readonly number[]>>>>;

/** What a bundle carries. */
export interface DecisionLog {
  readonly positions: Positions;
  /** What happens; anything else that could is left out. */
  readonly taken: readonly Decision[];
  /** Nothing was left out: whoever follows it to its end may go on. */
  readonly whole: boolean;
}

export interface Decisions {
  /** Before the first event: the dice, and the clock. */
  begin(dice: Dice, nowUs: () => number): void;
  /** Before anything is drawn at this place. */
  at(place: Place, index: number): void;
  /** Whether what can happen at the place that was named last, or the one named here, happens. */
  happens(choice: Choice): boolean;
  /** Goes to the next request of a client, or the next query; false when there is none left. */
  next(choice: "request" | "query", index: number): boolean;
  /** Before the next fault of a kind is scheduled: goes to the next that happens; false when there is none left. */
  nextFault(choice: Choice, kind: number): boolean;
  takesPart(client: number): boolean;
  readonly hasThinkTime: boolean;
  /** After so many events the faults end and all dice are thrown anew; null for never. */
  readonly calmAfter: number | null;
  /** That moment has come. */
  onCalm(): void;
}
