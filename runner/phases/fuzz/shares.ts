/**
 * Which target fuzzes next, and for how long: pure.
 *
 * Time is measured in core time. Each target shall have the same share of it; a target that is closed (its
 * bug stops it at once, its program does not run) leaves its share to the others. Who has had least is next,
 * also twice at the same time when there are more cores than targets: no core waits while a target is ready.
 */
export interface Share {
  readonly target: string;
  /** Core time used; what running slices will use is counted as used. */
  readonly usedMs: number;
  readonly state: "building" | "ready" | "closed";
}

export interface FreeTime {
  /** Until the end, by the clock. */
  readonly leftMs: number;
  /** Core time until the end that no running slice will use. */
  readonly coreMs: number;
}

export type Turn =
  | { readonly kind: "slice"; readonly target: string; readonly ms: number }
  /** Something is being built: look again soon. */
  | { readonly kind: "wait" }
  | { readonly kind: "end" };

/** A shorter one is hardly more than the start of a process. */
export const MIN_SLICE_MS = 1_000;
/** After it the corpus is complete on the disk, findings are archived, and somebody else may be next. */
const MAX_SLICE_MS = 10 * 60_000;
/** While others are built, and beyond the own share: short enough that they soon get their cores. */
const MAX_SHORT_SLICE_MS = 60_000;

export function nextTurn(shares: readonly Share[], { leftMs, coreMs }: FreeTime): Turn {
  const open = shares.filter(({ state }) => state !== "closed");
  if (leftMs < MIN_SLICE_MS || open.length === 0) return { kind: "end" };
  const [first, ...others] = open.filter(({ state }) => state === "ready");
  if (first === undefined) return { kind: "wait" };
  const next = others.reduce((least, one) => (one.usedMs < least.usedMs ? one : least), first);
  const share = fairShare(
    open.map(({ usedMs }) => usedMs).sort((a, b) => a - b),
    coreMs,
  );
  const shortMs = Math.min(MAX_SHORT_SLICE_MS, Math.max(MIN_SLICE_MS, Math.min(share, leftMs) / 4));
  const longestMs = open.some(({ state }) => state === "building") ? shortMs : MAX_SLICE_MS;
  const ms = Math.min(longestMs, leftMs, Math.max(shortMs, share - next.usedMs));
  return { kind: "slice", target: next.target, ms };
}

/** What each has in the end when the free time goes to those who have least; who has more already keeps it. */
function fairShare(usedMs: readonly number[], coreMs: number): number {
  let sum = coreMs;
  let share = coreMs;
  for (const [index, used] of usedMs.entries()) {
    if (index > 0 && used >= share) break;
    sum += used;
    share = sum / (index + 1);
  }
  return share;
}
