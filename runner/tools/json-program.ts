/** Runs a program whose whole output is one JSON object, and reads it against a schema. */
import type { z } from "zod";
import { reasonOf } from "../../contracts/errors.ts";
import type { Processes } from "../platform/processes.ts";
import type { ProgramEnd, ProgramOptions } from "../platform/program-run.ts";
import { decodeJson } from "../store/read-json.ts";

export interface JsonProgramRun<T> {
  readonly end: ProgramEnd;
  /** Undefined when the program did not end well or its output cannot be read; `problem` says why. */
  readonly value: T | undefined;
  readonly problem: string | null;
}

/** `goodExits`: exit codes with which the output is complete. */
export async function runJsonProgram<T>(
  processes: Processes,
  options: Omit<ProgramOptions, "onLine">,
  schema: z.ZodType<T>,
  goodExits: readonly number[],
): Promise<JsonProgramRun<T>> {
  const lines: string[] = [];
  const end = await processes.run({
    ...options,
    onLine: (line) => {
      if (line.trim() !== "") lines.push(line);
      return lines.length > 1 ? "stop" : "continue";
    },
  });
  const bad = (problem: string): JsonProgramRun<T> => ({ end, value: undefined, problem });
  if (end.ending === "rejected") return bad("printed more than one line");
  if (end.ending !== "exited") return bad(end.description);
  if (end.exitCode === null || !goodExits.includes(end.exitCode))
    return bad(`${end.description}${firstLine(end.stderr)}`);
  if (lines.length === 0) return bad(`printed nothing, ${end.description}${firstLine(end.stderr)}`);
  try {
    return { end, value: decodeJson(lines[0] ?? "", "its output", schema), problem: null };
  } catch (error) {
    return bad(reasonOf(error));
  }
}

function firstLine(text: string): string {
  const line = text.trim().split("\n")[0] ?? "";
  return line === "" ? "" : `: ${line.slice(0, 200)}`;
}
