/**
 * What the kernel knows of a process: its state, its start time (which tells it from a later one with the
 * same number) and its CPU time. Linux only, from /proc (proc(5)); elsewhere undefined.
 */
import { readdirSync, readFileSync } from "node:fs";
import { systemCodeOf } from "../../contracts/errors.ts";

/** USER_HZ, which Linux fixes at 100 for everything it shows in /proc. */
const MS_PER_TICK = 10;

export interface ProcessStat {
  /** One letter; Z and X are dead, only not yet collected by their parent. */
  readonly state: string;
  /** Number of its process group. */
  readonly group: number;
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
  const [state = "?", , group] = fields;
  return { state, group: Number(group), startTicks: fields[19] ?? "0", cpuMs: ticks * MS_PER_TICK };
}

/** Numbers of the processes in a group; one that is dead but not collected counts as well. */
export function membersOf(group: number): number[] {
  const pids = (fromProc(() => readdirSync("/proc")) ?? []).map(Number).filter(Number.isInteger);
  return pids.filter((pid) => processStat(pid)?.group === group);
}

/** Whether a process was started with this variable; false for one of somebody else's. */
export function wasGiven(pid: number, name: string, value: string): boolean {
  const given = fromProc(() => readFileSync(`/proc/${String(pid)}/environ`, "utf8"));
  return given?.split("\0").includes(`${name}=${value}`) ?? false;
}
