/**
 * The event queue: a binary heap ordered by time, then by the order of scheduling.
 *
 * Time and sequence share one double (time * 2^22 + sequence, below 2^53), so that ordering is a single
 * comparison and equal times never tie: the same seed gives the same order everywhere.
 */
import type { Decisions } from "./decisions/decisions.ts";
import type { Trace } from "./trace.ts";
import type { Message } from "./vsr/messages.ts";

// A global is looked up slowly in a VM context, such as that of a test.
const { floor, min } = Math;

const SEQUENCE_RANGE = 2 ** 22;
/** Simulated time ends here (about 35 minutes), in microseconds. */
export const MAX_TIME_US = 2 ** 31 - 1;
/** Events that may be scheduled in one run. */
export const MAX_SCHEDULED = SEQUENCE_RANGE - 1;

/** One scheduled event; what `kind`, `target` and `detail` mean is the simulation's business. */
export class Event {
  /** Order: time and sequence in one number. */
  key = 0;
  kind = 0;
  target = 0;
  detail = 0;
  message: Message | null = null;
}

export class Scheduler {
  /** Time of the event popped last, in microseconds. */
  nowUs = 0;
  /** Where events are recorded; null when nobody wants to see them. Here because every part has a scheduler. */
  trace: Trace | null = null;
  /** Who is told of every decision, and may leave it out; null in a usual run: its dice decide. */
  decisions: Decisions | null = null;
  private readonly heap: Event[] = [];
  private readonly free: Event[] = [];
  private scheduled = 0;

  get length(): number {
    return this.heap.length;
  }

  /** Schedules an event `delayUs` from now (a whole number, not negative). */
  schedule(delayUs: number, kind: number, target: number, detail: number, message: Message | null): void {
    if (this.scheduled >= MAX_SCHEDULED) throw new Error(`more than ${MAX_SCHEDULED} events in one run`);
    const event = this.free.pop() ?? new Event();
    event.key = min(this.nowUs + delayUs, MAX_TIME_US) * SEQUENCE_RANGE + this.scheduled;
    event.kind = kind;
    event.target = target;
    event.detail = detail;
    event.message = message;
    this.scheduled += 1;
    this.siftUp(event);
  }

  /** The next event, or undefined; valid until it is given back with `release`. */
  pop(): Event | undefined {
    const heap = this.heap;
    const top = heap[0];
    if (top === undefined) return undefined;
    const last = heap.pop()!;
    if (heap.length > 0) this.siftDown(last);
    this.nowUs = floor(top.key / SEQUENCE_RANGE);
    return top;
  }

  release(event: Event): void {
    event.message = null;
    this.free.push(event);
  }

  private siftUp(event: Event): void {
    const heap = this.heap;
    let index = heap.length;
    heap.push(event);
    while (index > 0) {
      const parentIndex = (index - 1) >> 1;
      const parent = heap[parentIndex]!;
      if (parent.key <= event.key) break;
      heap[index] = parent;
      index = parentIndex;
    }
    heap[index] = event;
  }

  private siftDown(event: Event): void {
    const heap = this.heap;
    const length = heap.length;
    let index = 0;
    for (;;) {
      let childIndex = index * 2 + 1;
      if (childIndex >= length) break;
      let child = heap[childIndex]!;
      if (childIndex + 1 < length) {
        const right = heap[childIndex + 1]!;
        if (right.key < child.key) {
          child = right;
          childIndex += 1;
        }
      }
      if (child.key >= event.key) break;
      heap[index] = child;
      index = childIndex;
    }
    heap[index] = event;
  }
}
