/** Critical news: more failures in one batch than anybody expects. At most one message an hour. */
import type { Batch } from "../../contracts/checkpoint.ts";
import { reasonOf } from "../../contracts/errors.ts";
import { isoAt } from "../platform/clock.ts";
import type { RunnerDependencies } from "../platform/dependencies.ts";
import type { CycleStateFile } from "../platform/state-file.ts";

const COOLDOWN_MS = 3_600_000;
/** Cycles of which a message is on its way: workers end bad batches side by side. */
const underWay = new WeakSet<CycleStateFile>();

export async function sendCritical(
  context: Pick<RunnerDependencies, "clock" | "notifier" | "log" | "metrics"> & {
    readonly state: CycleStateFile;
    readonly signal: AbortSignal;
  },
  batch: Batch,
  failures: number,
): Promise<void> {
  const { clock, state, notifier, log, metrics } = context;
  const sentAt = state.get().critical_sent_at;
  // Either way: a message from a time to come was sent by a clock that was wrong, and must not silence all until then.
  if (sentAt !== null && Math.abs(clock.nowMs() - Date.parse(sentAt)) < COOLDOWN_MS) return;
  if (underWay.has(state)) return;
  const subject = `kimtest: ${String(failures)} of ${String(batch.iterations)} seeds failed in one batch of ${batch.scenario}`;
  const body = `Batch from seed ${batch.starting_seed.toString()}, cycle ${String(state.get().cycle)}. See them with: kimtest list-failures`;
  underWay.add(state);
  try {
    await notifier.notify({ kind: "critical", subject, body }, context.signal);
  } catch (error) {
    // The cool-down starts with a message that was sent: the next such batch tries again.
    log.error({ reason: reasonOf(error) }, "critical message could not be sent");
    return;
  } finally {
    underWay.delete(state);
  }
  metrics.count("CriticalSent", 1);
  state.change((now) => ({ ...now, critical_sent_at: isoAt(clock.nowMs()) }));
}
