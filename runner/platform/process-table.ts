/**
 * What the kernel knows of a process: its state, its start time (which tells it from a later one with the
 * same number) and its CPU time. Linux only, from /proc (proc(5)); elsewhere undefined.
 */
import { readFileSync } from "node:fs";
import { systemCodeOf } from "../../contracts/errors.ts";

/** USER_HZ, which Linux fixes at 100 for everything it shows in /proc. */
const MS_PER_TICK = 10;

export interface ProcessStat {
  /** One letter; Z and X are dead, only not yet collected by their parent. */
  readonly state: string;
  /** Ticks since boot at which it started. */
  readonly startTicks: string;
  /** CPU time of the process and its reaped children, milliseconds. */
  readonly cpuMs: number;
}

/** Reads something under /proc; undefined where there is none, or the process is gone. */
export function fromProc<Value>(read: () => Value): Value | undefined {
  try {
    return read();
  } catch (error) {
    // ESRCH: it ended between open and read.
    if (["ENOENT", "ESRCH", "EACCES"].includes(systemCodeOf(error) ?? "")) return undefined;
    throw error;
  }
}

export function processStat(pid: number): ProcessStat | undefined {
  const text = fromProc(() => readFileSync(`/proc/${String(pid)}/stat`, "utf8"));
  if (text === undefined) return undefined;
  // The command name stands in parentheses and may hold anything; the fields after it are plain.
  const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
  const ticks = [11, 12, 13, 14].reduce((sum, index) => sum + Number(fields[index]), 0);
  return { state: fields[0] ?? "?", startTicks: fields[19] ?? "0", cpuMs: ticks * MS_PER_TICK };
}
