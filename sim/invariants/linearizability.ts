/**
 * Linearizability (Herlihy and Wing, 1990): the answers are those of one copy of the database executing
 * one operation at a time, each between its request and its answer.
 *
 * The checker is Wing and Gong's with Lowe's just-in-time linearisation ("Testing for linearizability",
 * 2017): walking through requests and answers in order, it keeps all configurations (value of the key,
 * set of open operations already executed) that explain the answers so far, and executes open operations
 * only when an answer forces it. Keys are independent and checked one by one (Horn and Kroening, "Faster
 * linearizability checking via P-compositionality", 2015). Configurations are memoised; with one request
 * in flight per client their number stays small, and it is bounded.
 */
import { ABSENT, OPERATION, OPERATION_NAMES } from "../database/operation.ts";

/** More configurations than this end the check without a verdict. */
export const MAX_CONFIGURATIONS = 100_000;
/** The open operations of a configuration are bits of one number. */
export const MAX_OPEN_OPERATIONS = 20;

export interface HistoryOperation {
  readonly client: number;
  readonly kind: number;
  readonly key: number;
  readonly value: number;
  result: number;
  answered: boolean;
}

/** Requests and answers in the order in which clients sent and saw them. */
export class History {
  readonly operations: HistoryOperation[] = [];
  /** Operation index times two, plus one for the answer. */
  readonly events: number[] = [];

  /** Returns the index of the operation. */
  invoke(client: number, kind: number, key: number, value: number): number {
    const index = this.operations.length;
    this.operations.push({ client, kind, key, value, result: 0, answered: false });
    this.events.push(index * 2);
    return index;
  }

  answer(index: number, result: number): void {
    const operation = this.operations[index]!;
    operation.result = result;
    operation.answered = true;
    this.events.push(index * 2 + 1);
  }
}

/** What the operation answers when it is executed on `value`, and what it leaves behind. */
export function sequentialResult(operation: HistoryOperation, value: number): { result: number; next: number } {
  switch (operation.kind) {
    case OPERATION.read:
      return { result: value, next: value };
    case OPERATION.write:
      return { result: operation.value, next: operation.value };
    case OPERATION.add: {
      const sum = ((value + operation.value) & 0x7fffffff) | 1;
      return { result: sum, next: sum };
    }
    case OPERATION.remove:
      return { result: value, next: ABSENT };
    default:
      throw new Error(`operation ${operation.kind} has no key`);
  }
}

export type LinearizabilityVerdict =
  { readonly linearizable: true } | { readonly linearizable: false; readonly reason: string };

/** Checks a whole history, key by key. */
export function checkLinearizability(history: History): LinearizabilityVerdict {
  const eventsByKey = new Map<number, number[]>();
  for (const event of history.events) {
    const key = history.operations[event >> 1]!.key;
    const events = eventsByKey.get(key);
    if (events === undefined) eventsByKey.set(key, [event]);
    else events.push(event);
  }
  for (const [key, events] of eventsByKey) {
    const reason = checkKey(history, key, events);
    if (reason !== null) return { linearizable: false, reason };
  }
  return { linearizable: true };
}

/** A configuration as one number: the value (31 bits) times 2^20 plus the executed open operations. */
const SLOT_RANGE = 2 ** MAX_OPEN_OPERATIONS;

function checkKey(history: History, key: number, events: readonly number[]): string | null {
  /** Open operations; a free slot holds -1. */
  const slots: number[] = [];
  const slotOf = new Map<number, number>();
  let configurations = new Set<number>([ABSENT * SLOT_RANGE]);
  for (const event of events) {
    const index = event >> 1;
    if ((event & 1) === 0) {
      let slot = slots.indexOf(-1);
      if (slot < 0) slot = slots.length;
      if (slot >= MAX_OPEN_OPERATIONS) throw new Error("too many open operations in one history");
      slots[slot] = index;
      slotOf.set(index, slot);
      continue;
    }
    const slot = slotOf.get(index)!;
    configurations = executeUntil(history, slots, slot, configurations);
    if (configurations.size === 0) {
      const { client, kind, value, result } = history.operations[index]!;
      const what = `${OPERATION_NAMES[kind]!}(key ${key}, value ${value}) of client ${client}`;
      return `no order of execution explains that ${what} was answered ${result}`;
    }
    slots[slot] = -1;
    slotOf.delete(index);
  }
  return null;
}

/** All configurations in which the operation in `slot` was executed with its own answer, its bit cleared. */
function executeUntil(
  history: History,
  slots: readonly number[],
  slot: number,
  configurations: Set<number>,
): Set<number> {
  const reached = new Set<number>();
  const seen = new Set<number>(configurations);
  const open = [...configurations];
  const wanted = 1 << slot;
  for (let configuration = open.pop(); configuration !== undefined; configuration = open.pop()) {
    const executed = configuration % SLOT_RANGE;
    if ((executed & wanted) !== 0) {
      reached.add(configuration - wanted);
      continue;
    }
    const value = Math.floor(configuration / SLOT_RANGE);
    for (let candidate = 0; candidate < slots.length; candidate++) {
      const index = slots[candidate]!;
      if (index < 0 || (executed & (1 << candidate)) !== 0) continue;
      const operation = history.operations[index]!;
      const { result, next } = sequentialResult(operation, value);
      if (operation.answered && operation.result !== result) continue;
      const after = next * SLOT_RANGE + (executed | (1 << candidate));
      if (seen.has(after)) continue;
      if (seen.size >= MAX_CONFIGURATIONS) throw new Error("a history has too many configurations to be checked");
      seen.add(after);
      open.push(after);
    }
  }
  return reached;
}
