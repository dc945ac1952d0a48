/**
 * Runs a program whose output is one JSON object, and reads it against a schema.
 *
 * Before the object it may print lines of progress (contracts/programs.ts). Each that says more than the one
 * before is passed on: it is a piece of work really done, and the only thing that tells a long run from a
 * hung one.
 */
import type { z } from "zod";
import { reasonOf } from "../../contracts/errors.ts";
import { programProgressSchema } from "../../contracts/programs.ts";
import { PROGRESS_BEGIN } from "../../contracts/progress.ts";
import type { Processes } from "../platform/processes.ts";
import type { ProgramEnd, ProgramOptions } from "../platform/program-run.ts";
import { decodeJson } from "../store/read-json.ts";

/** More than this is not the one object that was asked for. */
const MAX_OUTPUT_LENGTH = 8 * 1024 * 1024;

export interface JsonProgramRun<T> {
  readonly end: ProgramEnd;
  /** Undefined when the program did not end well or its output cannot be read; `problem` says why. */
  readonly value: T | undefined;
  readonly problem: string | null;
}

export interface JsonProgramOptions extends Omit<ProgramOptions, "onLine"> {
  /** Called for each line of progress that says more than the one before. */
  readonly onProgress: () => void;
}

/** `goodExits`: exit codes with which the output is complete. */
export async function runJsonProgram<T>(
  processes: Processes,
  options: JsonProgramOptions,
  schema: z.ZodType<T>,
  goodExits: readonly number[],
): Promise<JsonProgramRun<T>> {
  const lines: string[] = [];
  let length = 0;
  let done = 0;
  const end = await processes.run({
    ...options,
    onLine: (line) => {
      const doneNow = progressIn(line);
      if (doneNow !== undefined) {
        if (doneNow > done) options.onProgress();
        done = Math.max(done, doneNow);
        return "continue";
      }
      lines.push(line);
      length += line.length + 1;
      return length > MAX_OUTPUT_LENGTH ? "stop" : "continue";
    },
  });
  const bad = (problem: string): JsonProgramRun<T> => ({ end, value: undefined, problem });
  if (end.ending === "rejected") return bad(`printed more than ${String(MAX_OUTPUT_LENGTH)} characters`);
  if (end.ending !== "exited") return bad(end.description);
  if (end.exitCode === null || !goodExits.includes(end.exitCode))
    return bad(`${end.description}${firstLine(end.stderr)}`);
  const text = lines.join("\n").trim();
  if (text === "") return bad(`printed nothing, ${end.description}${firstLine(end.stderr)}`);
  try {
    return { end, value: decodeJson(text, "its output", schema), problem: null };
  } catch (error) {
    return bad(reasonOf(error));
  }
}

/** How much is done by a line of progress; undefined for any other line, which then is part of the object. */
function progressIn(line: string): number | undefined {
  if (!line.startsWith(PROGRESS_BEGIN)) return undefined;
  try {
    return decodeJson(line, "a line of progress", programProgressSchema).progress.done;
  } catch {
    return undefined; // makes the whole output unreadable, and that is said
  }
}

function firstLine(text: string): string {
  const line = text.trim().split("\n")[0] ?? "";
  return line === "" ? "" : `: ${line.slice(0, 200)}`;
}
