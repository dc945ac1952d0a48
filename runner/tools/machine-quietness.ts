/**
 * How quiet the machine is: its load and what is busy on it before a run, and the CPU time that its hypervisor gave
 * to others during it.
 *
 * The load is an average over one minute, so after a phase of ours it is our own. `quietMoment` therefore waits for
 * it to fade, and looks meanwhile at the CPU time itself, which knows no past.
 */
import type { Quietness } from "../../contracts/benchmark-history.ts";
import type { Clock } from "../platform/clock.ts";
import type { CpuTicks, MachineSample } from "../platform/machine-sample.ts";

/** Longest wait for the load of our own phases to fade: what is left of it after that is 5 %. */
const MAX_WAIT_MS = 180_000;
/** After such a pause a load is not ours any more, or hardly. */
const FADED_MS = 120_000;
const MAX_STEP_MS = 5_000;
/** CPU time is counted in hundredths of a second: a shorter moment is no measurement. */
const MIN_STEP_MS = 100;

export interface QuietMoment {
  /** The last sample: the run begins now. */
  readonly before: MachineSample;
  readonly quietness: Pick<Quietness, "load_average_before" | "busy_share_before">;
}

/** `mayWaitMs`: no longer than this; `quietLoad`: a load with which nothing has to be waited for. */
export interface QuietMomentOptions {
  readonly clock: Clock;
  readonly signal: AbortSignal;
  readonly mayWaitMs: number;
  readonly quietLoad: number;
  readonly sample: () => Promise<MachineSample>;
}

/** Waits until the load is low, at least for a moment in which others can be seen. */
export async function quietMoment(options: QuietMomentOptions): Promise<QuietMoment> {
  const { clock, signal, mayWaitMs, quietLoad, sample } = options;
  const stepMs = Math.min(MAX_STEP_MS, Math.max(MIN_STEP_MS, mayWaitMs / 4));
  const endMs = Math.min(MAX_WAIT_MS, mayWaitMs);
  let earlier: MachineSample;
  let before = await sample();
  let waitedMs = 0;
  do {
    earlier = before;
    await clock.sleep(stepMs, signal);
    before = await sample();
    waitedMs += stepMs;
  } while (!signal.aborted && before.loadAverage !== null && before.loadAverage > quietLoad && waitedMs < endMs);
  const { loadAverage } = before;
  const isOthers = loadAverage !== null && (loadAverage <= quietLoad || waitedMs >= FADED_MS);
  return {
    before,
    quietness: {
      load_average_before: isOthers ? loadAverage : null,
      busy_share_before: shareOf(earlier.ticks, before.ticks, ({ total, idle }) => total - idle),
    },
  };
}

/** Share of the CPU time between two samples that the hypervisor gave to others. */
export const stolenShare = (before: MachineSample, after: MachineSample): number | null =>
  shareOf(before.ticks, after.ticks, ({ stolen }) => stolen);

function shareOf(before: CpuTicks | null, after: CpuTicks | null, part: (ticks: CpuTicks) => number): number | null {
  if (before === null || after === null) return null;
  const total = after.total - before.total;
  const counted = part(after) - part(before);
  // A reboot in between starts the count again: then nothing is known.
  return total <= 0 || counted < 0 ? null : Math.min(1, counted / total);
}
