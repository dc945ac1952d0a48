/**
 * A look at the machine: its load, and where its CPU time went since it was started. From Linux's /proc; where there
 * is none it is null, which is not the same as quiet.
 */
import { readFile } from "node:fs/promises";
import { systemCodeOf } from "../../contracts/errors.ts";

/** Since boot, in clock ticks, over all CPUs. */
export interface CpuTicks {
  readonly total: number;
  /** Waiting for a disk is idle, too: the CPU is free. */
  readonly idle: number;
  readonly stolen: number;
}

export interface MachineSample {
  readonly loadAverage: number | null;
  readonly ticks: CpuTicks | null;
}

/** `folder`: /proc, or a stand-in for it. */
export async function machineSample(folder = "/proc"): Promise<MachineSample> {
  const [load, ticks] = await Promise.all([readIfThere(`${folder}/loadavg`), readIfThere(`${folder}/stat`)]);
  return {
    loadAverage: load === null ? null : loadAverageOf(load),
    ticks: ticks === null ? null : cpuTicksOf(ticks),
  };
}

/** The first field of /proc/loadavg: runnable tasks, averaged over one minute. Null when it is something else. */
export function loadAverageOf(text: string): number | null {
  const first = /^(\d+\.\d+) /.exec(text)?.[1];
  return first === undefined ? null : Number(first);
}

/** The first line of /proc/stat: user nice system idle iowait irq softirq steal, then guest, which user holds already. */
export function cpuTicksOf(text: string): CpuTicks | null {
  const fields = /^cpu +((?:\d+ ){7}\d+)/.exec(text)?.[1]?.split(" ").map(Number);
  const [, , , idle, waiting, , , stolen] = fields ?? [];
  if (fields === undefined || idle === undefined || waiting === undefined || stolen === undefined) return null;
  return { total: fields.reduce((sum, ticks) => sum + ticks, 0), idle: idle + waiting, stolen };
}

async function readIfThere(path: string): Promise<string | null> {
  try {
    return await readFile(path, "utf8");
  } catch (error) {
    if (systemCodeOf(error) === "ENOENT") return null;
    throw error;
  }
}
