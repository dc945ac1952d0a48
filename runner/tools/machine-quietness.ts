/**
 * How quiet the machine is: its load before a run, and the CPU time that its hypervisor gave to others during it.
 * Both come from Linux's /proc; where there is none they are null, which is not the same as quiet.
 */
import { readFile } from "node:fs/promises";
import type { Quietness } from "../../contracts/benchmark-history.ts";
import { systemCodeOf } from "../../contracts/errors.ts";

/** Since boot, in clock ticks, over all CPUs. */
export interface CpuTicks {
  readonly total: number;
  readonly stolen: number;
}

export interface MachineSample {
  readonly loadAverage: number | null;
  readonly ticks: CpuTicks | null;
}

/** Taken before the first suite and after the last one. `folder`: /proc, or a stand-in for it. */
export async function machineSample(folder = "/proc"): Promise<MachineSample> {
  const [load, ticks] = await Promise.all([readIfThere(`${folder}/loadavg`), readIfThere(`${folder}/stat`)]);
  return {
    loadAverage: load === null ? null : loadAverageOf(load),
    ticks: ticks === null ? null : cpuTicksOf(ticks),
  };
}

/** Of the time between two samples; the load is that of the first, when none of it was ours. */
export function quietnessBetween(before: MachineSample, after: MachineSample): Quietness {
  return { load_average_before: before.loadAverage, steal_share: stolenShare(before.ticks, after.ticks) };
}

function stolenShare(before: CpuTicks | null, after: CpuTicks | null): number | null {
  if (before === null || after === null) return null;
  const total = after.total - before.total;
  const stolen = after.stolen - before.stolen;
  // A reboot in between starts the count again: then nothing is known.
  return total <= 0 || stolen < 0 ? null : Math.min(1, stolen / total);
}

/** The first field of /proc/loadavg: runnable tasks, averaged over one minute. Null when it is something else. */
export function loadAverageOf(text: string): number | null {
  const first = /^(\d+\.\d+) /.exec(text)?.[1];
  return first === undefined ? null : Number(first);
}

/** The first line of /proc/stat: user nice system idle iowait irq softirq steal, then guest, which user holds already. */
export function cpuTicksOf(text: string): CpuTicks | null {
  const fields = /^cpu +((?:\d+ ){7}\d+)/.exec(text)?.[1]?.split(" ").map(Number);
  const stolen = fields?.[7];
  if (fields === undefined || stolen === undefined) return null;
  return { total: fields.reduce((sum, ticks) => sum + ticks, 0), stolen };
}

async function readIfThere(path: string): Promise<string | null> {
  try {
    return await readFile(path, "utf8");
  } catch (error) {
    if (systemCodeOf(error) === "ENOENT") return null;
    throw error;
  }
}
