/**
 * Makes a run follow the decisions of another, those that are left.
 *
 * At every place the n-th decision is thrown from where the n-th one was thrown before. Where a place has more
 * decisions than were noted, its dice are seeded from the run's seed, the place and the number, so that they
 * are the same each time; no fault begins there. With `calmAfter` the run is left to itself after so many
 * events: the simulation ends its faults, and here all dice are thrown anew, by `continuation`.
 */
import { finish, mixHigh, mixLow } from "../hash.ts";
import { STREAM } from "../simulation/events.ts";
import { Tape } from "../tape.ts";
import {
  PLACES,
  STREAM_NAMES,
  placeKey,
  type Choice,
  type Decision,
  type DecisionLog,
  type Decisions,
  type Dice,
  type Place,
  type StreamName,
} from "./decisions.ts";

/** The streams of one seed, for all runs that follow it. */
export class Tapes {
  readonly seedLow: number;
  readonly seedHigh: number;
  readonly byStream: Readonly<Record<StreamName, Tape>>;

  constructor(seedLow: number, seedHigh: number) {
    this.seedLow = seedLow;
    this.seedHigh = seedHigh;
    const tapes = STREAM_NAMES.map((name) => [name, new Tape(seedLow, seedHigh, STREAM[name])]);
    this.byStream = Object.fromEntries(tapes) as Record<StreamName, Tape>;
  }
}

/** How far a place has come. */
interface Progress {
  readonly noted: readonly number[];
  next: number;
}

export class Follower implements Decisions {
  readonly hasThinkTime: boolean;
  readonly calmAfter: number | null;
  private readonly hasIdleTime: boolean;
  private readonly tapes: Tapes;
  private readonly log: DecisionLog;
  private readonly continuation: number;
  /** The faults that happen, by choice and place; see `keyOf`. */
  private readonly taken = new Set<string>();
  /** What clients and prober still ask; by choice and index. */
  private readonly toAsk = new Map<string, number[]>();
  /** The number of the last one that happens; by choice and index. */
  private readonly lastFault = new Map<string, number>();
  private readonly progress = new Map<number, Progress>();
  private dice!: Dice;
  private index = 0;
  private number = 0;
  private calm = false;

  constructor(tapes: Tapes, log: DecisionLog, calmAfter: number | null = null, continuation = 0) {
    this.tapes = tapes;
    this.log = log;
    this.calmAfter = calmAfter;
    this.continuation = continuation;
    for (const decision of log.taken) this.add(decision);
    this.hasThinkTime = this.taken.has(keyOf("think-time", 0, 0));
    this.hasIdleTime = this.taken.has(keyOf("idle-time", 0, 0));
  }

  private add({ choice, index, number }: Decision): void {
    const key = `${choice} ${index}`;
    if (choice !== "request" && choice !== "query") {
      this.taken.add(keyOf(choice, index, number));
      this.lastFault.set(key, number);
      return;
    }
    const asked = this.toAsk.get(key);
    if (asked === undefined) this.toAsk.set(key, [number]);
    else asked.push(number);
  }

  begin(dice: Dice): void {
    this.dice = dice;
  }

  at(place: Place, index: number): void {
    const progress = this.progressOf(place, index);
    this.throwAt(place, index, progress, progress.next);
  }

  private progressOf(place: Place, index: number): Progress {
    const key = placeKey(place, index);
    let progress = this.progress.get(key);
    if (progress === undefined) {
      progress = { noted: this.log.positions[place]?.[index] ?? [], next: 0 };
      this.progress.set(key, progress);
    }
    return progress;
  }

  /** Puts the dice to where they were for this decision. */
  private throwAt(place: Place, index: number, progress: Progress, number: number): void {
    const streams = PLACES[place];
    for (let at = 0; at < streams.length; at++) {
      const stream: StreamName = streams[at]!;
      const position = this.calm ? undefined : progress.noted[number * streams.length + at];
      if (position === undefined) this.reseed(stream, placeKey(place, index), number);
      else this.tapes.byStream[stream].seek(this.dice[stream], position);
    }
    progress.next = number + 1;
    this.index = index;
    this.number = number;
  }

  private reseed(stream: StreamName, key: number, number: number): void {
    const { seedLow, seedHigh } = this.tapes;
    const low = finish(mixLow(mixLow(mixLow(seedLow, key), number), this.continuation));
    const high = finish(mixHigh(mixHigh(mixHigh(seedHigh, key), number), this.continuation));
    this.dice[stream].reseed(low, high, STREAM[stream]);
  }

  happens(choice: Choice): boolean {
    // What a client reads is no fault: it goes on beyond the end of a whole log.
    if (choice === "audit" && this.log.whole) return true;
    return this.taken.has(keyOf(choice, this.index, this.number));
  }

  next(choice: "request" | "query", index: number): boolean {
    const progress = this.progressOf(choice, index);
    let number = this.toAsk.get(`${choice} ${index}`)?.shift();
    if (number === undefined && this.log.whole) number = progress.next;
    if (number === undefined) return false;
    this.throwAt(choice, index, progress, number);
    return true;
  }

  nextFault(choice: Choice, kind: number): boolean {
    const calm = this.progressOf("calm", kind);
    if (!this.hasIdleTime) {
      const last = this.lastFault.get(`${choice} ${kind}`) ?? -1;
      while (calm.next <= last && !this.taken.has(keyOf(choice, kind, calm.next))) calm.next += 1;
      if (calm.next > last) return false;
      this.progressOf("fault", kind).next = calm.next;
    }
    this.throwAt("calm", kind, calm, calm.next);
    return true;
  }

  takesPart(client: number): boolean {
    return this.taken.has(keyOf("client", client, 0));
  }

  onCalm(): void {
    this.calm = true;
  }
}

function keyOf(choice: Choice, index: number, number: number): string {
  return `${choice} ${index} ${number}`;
}
