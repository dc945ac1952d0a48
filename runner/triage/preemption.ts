/**
 * A failure right before a program was ended from outside is no bug yet: a machine that is taken away, or out of
 * memory, makes programs fail in ways of its own. Pure.
 */
import type { ProgramEnd } from "../platform/program-run.ts";

/**
 * Signals that somebody else sends: an operator, systemd, the kernel that is out of memory. A program that crashes
 * ends by others (SIGSEGV, SIGABRT, …), and those are its own.
 */
const FROM_OUTSIDE: ReadonlySet<string> = new Set(["SIGTERM", "SIGKILL", "SIGINT", "SIGHUP", "SIGQUIT", "SIGPWR"]);

/**
 * Whether a program was ended by something that is not its own fault, and what it said last is to be seen again
 * before it is believed. `isStopping`: the runner is told to stop; the end of a phase's time is not that, then the
 * machine is well.
 */
export function wasEndedFromOutside(end: Pick<ProgramEnd, "ending" | "signal">, isStopping: boolean): boolean {
  if (end.ending === "stopped") return isStopping;
  return end.ending === "killed" && FROM_OUTSIDE.has(end.signal ?? "");
}
