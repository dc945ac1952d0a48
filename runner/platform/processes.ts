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
import { processStat } from "./process-table.ts";
import { killGroup, ProgramRun, type ProgramEnd, type ProgramOptions } from "./program-run.ts";

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
        if (pid !== undefined && note !== undefined) noted(pid, note);
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
function noted(pid: number, path: string): void {
  try {
    writeFileSync(path, processStat(pid)?.startTicks ?? "");
  } catch (error) {
    if (systemCodeOf(error) === "ENOSPC") return;
    killGroup(pid, "SIGKILL"); // nobody will watch it
    throw error;
  }
}

/** Ends the very process that was noted, if it still runs: its number may belong to somebody else by now. */
function reap(note: string, pid: number): boolean {
  const startTicks = readFileSync(note, "utf8");
  rmSync(note, { force: true });
  if (!Number.isInteger(pid) || startTicks === "" || processStat(pid)?.startTicks !== startTicks) return false;
  killGroup(pid, "SIGKILL");
  return true;
}
