/**
 * Was the machine quiet while it measured? A run beside other work says more of that work than of the code:
 * on a two-core machine with load 2 to 4 the same binary was seen to vary by half (docs/benchmarks.md).
 */
import type { BenchmarkRun } from "../../contracts/benchmark-history.ts";

export interface QuietLimits {
  /** Load average before the run, per core. */
  readonly loadPerCore: number;
  /** Share of CPU time that was busy while nothing of ours ran. */
  readonly busyShare: number;
  /** Share of CPU time given to others by the hypervisor. */
  readonly stealShare: number;
}

export const QUIET_LIMITS: QuietLimits = { loadPerCore: 0.5, busyShare: 0.5, stealShare: 0.02 };

/** `unknown` when the system does not say; the reason names what was too loud or is not known. */
export interface QuietVerdict {
  readonly quiet: "yes" | "no" | "unknown";
  readonly reason: string | null;
}

export function quietVerdict(run: BenchmarkRun, limits: QuietLimits = QUIET_LIMITS): QuietVerdict {
  const { load_average_before: load, busy_share_before: busy, steal_share: steal } = run.quietness;
  const loadLimit = limits.loadPerCore * run.machine.cores;
  if (load !== null && load > loadLimit)
    return { quiet: "no", reason: `load ${load.toFixed(2)} before the run, above ${loadLimit.toFixed(2)}` };
  if (busy !== null && busy > limits.busyShare)
    return {
      quiet: "no",
      reason: `${percent(busy)} of CPU time busy before the run, above ${percent(limits.busyShare)}`,
    };
  if (steal !== null && steal > limits.stealShare)
    return { quiet: "no", reason: `${percent(steal)} of CPU time stolen, above ${percent(limits.stealShare)}` };
  const missing = [load === null && busy === null ? "load" : [], steal === null ? "steal" : []].flat();
  if (missing.length > 0) return { quiet: "unknown", reason: `${missing.join(" and ")} not known` };
  return { quiet: "yes", reason: null };
}

const percent = (share: number): string => `${(share * 100).toFixed(1)} %`;
