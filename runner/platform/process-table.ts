/**
 * What the kernel knows of a process: its start time (which tells it from a later one with the same
 * number) and its CPU time. Linux only, from /proc (proc(5)); elsewhere undefined.
 */
import { readFileSync } from "node:fs";

/** USER_HZ, which Linux fixes at 100 for everything it shows in /proc. */
const MS_PER_TICK = 10;

export interface ProcessStat {
  /** Ticks since boot at which it started. */
  readonly startTicks: string;
  /** CPU time of the process and its reaped children, milliseconds. */
  readonly cpuMs: number;
}

export function processStat(pid: number): ProcessStat | undefined {
  let text: string;
  try {
    text = readFileSync(`/proc/${String(pid)}/stat`, "utf8");
  } catch {
    return undefined; // gone, or no /proc on this system
  }
  // The command name stands in parentheses and may hold anything; the fields after it are plain.
  const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
  const ticks = [11, 12, 13, 14].reduce((sum, index) => sum + Number(fields[index]), 0);
  const startTicks = fields[19];
  return startTicks === undefined ? undefined : { startTicks, cpuMs: ticks * MS_PER_TICK };
}
