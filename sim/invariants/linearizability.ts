/**
 * Linearizability (Herlihy and Wing, 1990): the answers are those of one copy of the database executing
 * one operation at a time, each between its request and its answer.
 *
 * The checker is Wing and Gong's with Lowe's just-in-time linearisation ("Testing for linearizability",
 * 2017): walking through requests and answers in order, it keeps all configurations (value of the key,
 * set of open operations already executed) that explain the answers so far, and executes open operations
 * only when an answer forces it. A scan counts as one read of each of its keys. Keys are independent and checked one by one (Horn and Kroening, "Faster
 * linearizability checking via P-compositionality", 2015). Configurations are memoised; with one request
 * in flight per client their number stays small, and it is bounded.
 */
import { ABSENT, OPERATION, OPERATION_NAMES, sumOf } from "../database/operation.ts";

/** More configurations than this end the check without a verdict. */
export const MAX_CONFIGURATIONS = 100_000;
/** The open operations of a configuration are bits of one number. */
export const MAX_OPEN_OPERATIONS = 20;

const NO_ROWS: readonly number[] = [];

export interface HistoryOperation {
  readonly client: number;
  readonly kind: number;
  readonly tenant: number;
  /** Of all tenants: the keys of one come after those of another. */
  readonly key: number;
  readonly value: number;
  result: number;
  /** What a scan read, from `key` on. */
  rows: readonly number[];
  answered: boolean;
}

/** Requests and answers in the order in which clients sent and saw them. */
export class History {
  readonly operations: HistoryOperation[] = [];
  /** Operation index times two, plus one for the answer. */
  readonly events: number[] = [];

  /** Returns the index of the operation. */
  invoke(client: number, kind: number, key: number, value: number, tenant = 0): number {
    const index = this.operations.length;
    this.operations.push({ client, kind, tenant, key, value, result: 0, rows: NO_ROWS, answered: false });
    this.events.push(index * 2);
    return index;
  }

  answer(index: number, result: number, rows: readonly number[] | null = null): void {
    const operation = this.operations[index]!;
    operation.result = result;
    if (rows !== null) operation.rows = rows;
    operation.answered = true;
    this.events.push(index * 2 + 1);
  }
}

/** What the operation answers when it is executed on `value`, and what it leaves behind. */
export function sequentialResult(operation: HistoryOperation, value: number): { result: number; next: number } {
  switch (operation.kind) {
    case OPERATION.read:
    case OPERATION.scan:
      return { result: value, next: value };
    case OPERATION.write:
      return { result: operation.value, next: operation.value };
    case OPERATION.add: {
      const sum = sumOf(operation.tenant, value, operation.value);
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
    const { key, kind, rows, answered } = history.operations[event >> 1]!;
    // What reads and was not answered is explained by every order.
    if (!answered && (kind === OPERATION.read || kind === OPERATION.scan)) continue;
    const last = kind === OPERATION.scan ? key + rows.length - 1 : key;
    for (let at = key; at <= last; at++) {
      const events = eventsByKey.get(at);
      if (events === undefined) eventsByKey.set(at, [event]);
      else events.push(event);
    }
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
    configurations = executeUntil(history, key, slots, slot, configurations);
    if (configurations.size === 0) {
      const { client, kind, value } = history.operations[index]!;
      const result = answerFor(history.operations[index]!, key);
      const what = `${OPERATION_NAMES[kind]!}(key ${key}, value ${value}) of client ${client}`;
      return `no order of execution explains that ${what} was answered ${result}`;
    }
    slots[slot] = -1;
    slotOf.delete(index);
  }
  return null;
}

/** What the answer of an operation says about one key. */
function answerFor(operation: HistoryOperation, key: number): number {
  return operation.kind === OPERATION.scan ? operation.rows[key - operation.key]! : operation.result;
}

/** All configurations in which the operation in `slot` was executed with its own answer, its bit cleared. */
function executeUntil(
  history: History,
  key: number,
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
      if (operation.answered && answerFor(operation, key) !== result) continue;
      const after = next * SLOT_RANGE + (executed | (1 << candidate));
      if (seen.has(after)) continue;
      if (seen.size >= MAX_CONFIGURATIONS) throw new Error("a history has too many configurations to be checked");
      seen.add(after);
      open.push(after);
    }
  }
  return reached;
}
