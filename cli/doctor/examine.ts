/** Runs checks side by side, each with a deadline of its own, and makes a finding of whatever becomes of it. */
import { KimtestError, reasonOf } from "../../contracts/errors.ts";
import type { DoctorCheck } from "../../contracts/reports.ts";
import type { Check, Finding } from "./checks.ts";

export async function examine(checks: readonly Check[], deadlineMs: number, stop: AbortSignal): Promise<DoctorCheck[]> {
  return Promise.all(
    checks.map(async (check) => ({ name: check.name, ...(await findingOf(check, deadlineMs, stop)) })),
  );
}

async function findingOf({ isNeeded, look }: Check, deadlineMs: number, stop: AbortSignal): Promise<Finding> {
  const result = isNeeded ? "fault" : "warning";
  const late = Promise.withResolvers<Finding>();
  const own = new AbortController();
  const timer = setTimeout(() => {
    own.abort();
    late.resolve({ result, what: `no answer within ${String(deadlineMs / 1_000)} s`, fix: LATE_FIX });
  }, deadlineMs);
  try {
    const looking = Promise.resolve().then(() => look(AbortSignal.any([own.signal, stop])));
    const found = await Promise.race([looking, late.promise]);
    return found.result === "fault" ? { ...found, result } : found;
  } catch (error) {
    // A mistake of ours is no finding about this machine.
    if (!(error instanceof KimtestError)) throw error;
    if (error.code === "INTERRUPTED" && stop.aborted) throw error;
    return { result, what: reasonOf(error), fix: error.hint ?? null };
  } finally {
    clearTimeout(timer);
  }
}

const LATE_FIX = "check the network, and try again";
