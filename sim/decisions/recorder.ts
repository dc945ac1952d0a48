/** Notes the decisions of a run while its dice decide; the run is the same as without. */
import {
  PLACES,
  placeKey,
  type Choice,
  type Decision,
  type DecisionLog,
  type Decisions,
  type Dice,
  type Place,
  type Positions,
} from "./decisions.ts";

export class Recorder implements Decisions {
  readonly hasThinkTime = true;
  readonly calmAfter = null;
  private dice!: Dice;
  private nowUs!: () => number;
  private readonly positions: Partial<Record<Place, Map<number, number[]>>> = {};
  /** How many decisions a place and index has had. */
  private readonly counts = new Map<number, number>();
  private readonly taken: Decision[] = [];
  private index = 0;
  private number = 0;

  begin(dice: Dice, nowUs: () => number): void {
    this.dice = dice;
    this.nowUs = nowUs;
    this.take("think-time", 0, 0);
    this.take("idle-time", 0, 0);
  }

  at(place: Place, index: number): void {
    const { noted, count } = this.progressOf(place, index);
    for (const stream of PLACES[place]) noted.push(this.dice[stream].position);
    this.index = index;
    this.number = count;
  }

  /** Counts one more decision of a place and index. */
  private progressOf(place: Place, index: number): { noted: number[]; count: number } {
    const key = placeKey(place, index);
    const count = this.counts.get(key) ?? 0;
    this.counts.set(key, count + 1);
    const ofPlace = (this.positions[place] ??= new Map<number, number[]>());
    const noted = ofPlace.get(index) ?? [];
    if (count === 0) ofPlace.set(index, noted);
    return { noted, count };
  }

  happens(choice: Choice): boolean {
    this.take(choice, this.index, this.number);
    return true;
  }

  next(choice: "request" | "query", index: number): boolean {
    this.at(choice, index);
    return this.happens(choice);
  }

  nextFault(_choice: Choice, kind: number): boolean {
    this.at("calm", kind);
    return true;
  }

  takesPart(client: number): boolean {
    this.take("client", client, 0);
    return true;
  }

  onCalm(): void {
    throw new Error("a run that is recorded is left alone");
  }

  private take(choice: Choice, index: number, number: number): void {
    this.taken.push({ choice, index, number, timeUs: this.nowUs() });
  }

  get log(): DecisionLog {
    const places = Object.entries(this.positions).map(([place, noted]) => [place, Object.fromEntries(noted)]);
    return { positions: Object.fromEntries(places) as Positions, taken: this.taken, whole: true };
  }
}
