/**
 * All that a generator of random numbers will ever show, so that another can be put back to any place in it:
 * a run that follows the decisions of an earlier one throws its dice from where they were thrown then.
 */
import { Random } from "./random.ts";

/** A state is kept every so many draws; the rest of the way is drawn again. */
const DRAWS_PER_MARK = 64;

export class Tape {
  private readonly marks: Random[];

  /** Of the generator that these seed; see random.ts. */
  constructor(seedLow: number, seedHigh: number, stream: number) {
    this.marks = [new Random(seedLow, seedHigh, stream)];
  }

  /** Puts a generator to where it has made so many draws. */
  seek(random: Random, position: number): void {
    const mark = Math.floor(position / DRAWS_PER_MARK);
    while (this.marks.length <= mark) this.marks.push(furtherThan(this.marks.at(-1)!));
    random.become(this.marks[mark]!);
    skip(random, position % DRAWS_PER_MARK);
  }
}

function furtherThan(mark: Random): Random {
  const next = new Random(0, 0, 0);
  next.become(mark);
  skip(next, DRAWS_PER_MARK);
  return next;
}

function skip(random: Random, draws: number): void {
  for (let draw = 0; draw < draws; draw++) random.next();
}
