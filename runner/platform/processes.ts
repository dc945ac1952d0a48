/**
 * Runs one outside program and tells how it ended.
 *
 * Every run has a deadline and a limit on silence and on line length. The program leads a process group
 * of its own, so that stopping it stops its children. Live programs are noted on disk: a runner that was
 * killed leaves them behind, and the next one ends them first.
 */
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { systemCodeOf } from "../../contracts/errors.ts";
import { membersOf, processStat, wasGiven } from "./process-table.ts";
import { killGroup, ProgramRun, RUN_VARIABLE, type ProgramEnd, type ProgramOptions } from "./program-run.ts";

export interface Processes {
  run(options: ProgramOptions): Promise<ProgramEnd>;
  /** Ends programs that a killed runner left behind; returns how many. */
  reapLeftovers(): number;
}

/** `notesDirectory`: one small file per live program. */
export function createProcesses(notesDirectory: string): Processes {
  mkdirSync(notesDirectory, { recursive: true });
  return {
    async run(options) {
      const run = new ProgramRun(options);
      const { pid } = run;
      const note = pid === undefined ? undefined : join(notesDirectory, String(pid));
      try {
        if (pid !== undefined && note !== undefined) noted(run, pid, note);
        return await run.end();
      } finally {
        if (note !== undefined) rmSync(note, { force: true });
      }
    },
    reapLeftovers: () =>
      readdirSync(notesDirectory).filter((name) => reap(join(notesDirectory, name), Number(name))).length,
  };
}

/** Without its note a program only would not be ended after a kill of this runner: a full disk is not worth its life. */
function noted({ id }: ProgramRun, pid: number, path: string): void {
  try {
    writeFileSync(path, `${processStat(pid)?.startTicks ?? ""} ${id}`);
  } catch (error) {
    if (systemCodeOf(error) === "ENOSPC") return;
    killGroup(pid, "SIGKILL"); // nobody will watch it
    throw error;
  }
}

/** Ends the very program that was noted, or what it left: its number may belong to somebody else by now. */
function reap(note: string, pid: number): boolean {
  const [startTicks = "", id] = readFileSync(note, "utf8").split(" ");
  rmSync(note, { force: true });
  if (!Number.isInteger(pid)) return false;
  const isLeader = startTicks !== "" && processStat(pid)?.startTicks === startTicks;
  // A leader that is dead leaves its children, and its number to nobody as long as they are there.
  const isOurs = isLeader || (id !== undefined && membersOf(pid).some((one) => wasGiven(one, RUN_VARIABLE, id)));
  if (isOurs) killGroup(pid, "SIGKILL");
  return isOurs;
}
