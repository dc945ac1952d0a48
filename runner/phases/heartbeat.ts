/** What a tool prints while it works for long, as the heartbeat that the no-progress alarm listens to. */
import { PROGRESS_INTERVAL_MS } from "../../contracts/progress.ts";
import type { PhaseContext } from "./context.ts";

/**
 * Takes the lines of one run. At most one a minute counts as work, and none that only repeats the line before it:
 * a tool that hangs in a loop prints as well.
 */
export function lineHeartbeat({ clock, worked }: Pick<PhaseContext, "clock" | "worked">): (line: string) => void {
  let previous: string | undefined;
  let countedMs = clock.monotonicMs();
  return (line) => {
    const isNew = line !== previous;
    previous = line;
    const nowMs = clock.monotonicMs();
    if (!isNew || nowMs - countedMs < PROGRESS_INTERVAL_MS) return;
    countedMs = nowMs;
    worked();
  };
}
