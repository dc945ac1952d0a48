/**
 * Bisection of a bundle: the first event after which its failure is certain.
 *
 * A failure is certain after event k when the run follows the bundle for k events and is then left to itself (no
 * fault begins any more, those that lie over it end, all dice are thrown anew, the clients go on), and every one
 * of N such continuations fails by the same invariant. So before that event somebody could still have been
 * lucky, and after it nobody is. Certainty is sampled: a continuation that passes once in a thousand may be
 * missed. And it may come and go, because an event can also mend something: what is found is an event before
 * which the failure is not certain and after which it is.
 */
import type { BundleRun } from "./bundle-run.ts";
import { Budget, type AskStop, type Limits } from "./limits.ts";
import { Trace, type TraceEvent } from "./trace.ts";

/** Of the trace: more than a run has, so that the event that is found can be described. */
const EVENTS_IN_REACH = 1_000_000;

export interface Bisection {
  /** The failure is certain after this event; 0 when it needs no fault and no luck at all. */
  readonly event: number;
  /** The newest event after which it is known not to be certain; null when there is none. */
  readonly uncertainAfter: number | null;
  /** Of the continuations after `uncertainAfter`, so many fail all the same; null when an end came before all were run. */
  readonly failingBefore: number | null;
  readonly continuations: number;
  /** Events of the whole run. */
  readonly events: number;
  readonly timeUs: number;
  readonly description: string;
  /** What happened in that event. */
  readonly trace: readonly TraceEvent[];
  readonly runs: number;
  /** False when a limit or a stop came first: the event lies between `uncertainAfter` and `event`. */
  readonly complete: boolean;
}

/** @throws KimtestError `USAGE` when the bundle does not fail here as it says. */
export async function bisect(
  run: BundleRun,
  continuations: number,
  limits: Limits,
  askStop?: AskStop,
): Promise<Bisection> {
  const log = run.reproducibleLog();
  const budget = new Budget(limits, askStop);
  const trace = new Trace("verbose", EVENTS_IN_REACH);
  const { events } = run.following(log, trace);

  /** How many continuations after the event fail as the bundle does; one that does not can end it. */
  const failingAfter = async (event: number, isForAll: boolean): Promise<number | null> => {
    let failing = 0;
    for (let continuation = 1; continuation <= continuations; continuation++) {
      if (!(await budget.spend())) return null;
      if (run.isSame(run.leftAlone(log, event, continuation))) failing += 1;
      else if (!isForAll) break;
    }
    return failing;
  };

  let uncertain: number | null = null;
  let certain = events;
  // The start, then by halves.
  for (let middle = 0; middle < certain && middle !== uncertain;) {
    const failing = await failingAfter(middle, false);
    if (failing === null) break;
    if (failing === continuations) certain = middle;
    else uncertain = middle;
    middle = Math.floor(((uncertain ?? 0) + certain) / 2);
  }
  const { timeUs, description } = run.eventNumbered(log, certain);
  const ofEvent = trace.events.filter(({ event, type }) => event === certain && type !== "SimulationEnd");
  return {
    event: certain,
    uncertainAfter: uncertain,
    failingBefore: uncertain === null ? 0 : await failingAfter(uncertain, true),
    continuations,
    events,
    timeUs,
    description,
    trace: certain === 0 ? [] : ofEvent,
    runs: budget.runs,
    complete: certain === 0 || certain - 1 === uncertain,
  };
}
