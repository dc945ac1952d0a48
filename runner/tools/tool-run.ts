/**
 * Runs a tool whose output is text for people, and keeps that text for its judge and for the store.
 *
 * Both streams are taken as one, in the order in which they were written: a log in which the error stands
 * far from what led to it helps nobody, and libFuzzer prints everything on stderr.
 */
import { access, constants, stat } from "node:fs/promises";
import { delimiter, join } from "node:path";
import type { Processes } from "../platform/processes.ts";
import type { ProgramEnd, ProgramOptions } from "../platform/program-run.ts";

/** Characters kept of the head of a log, and again of its tail. A long error trace has some 100 KiB. */
const KEPT_CHARACTERS = 8 * 1024 * 1024;
/** `exec` makes the shell become the program: its process, exit code and signals are the program's own. */
const MERGED = ["/bin/sh", "-c", 'exec "$@" 2>&1', "sh"];

export type ToolOptions = Omit<ProgramOptions, "onLine"> & {
  /** Sees each line as it comes. */
  readonly watch?: (line: string) => void;
};

export interface ToolOutput {
  readonly end: ProgramEnd;
  /** What it printed; the middle of a very long text is left out, and says so. */
  readonly text: string;
}

export async function runTool(processes: Processes, { watch, ...options }: ToolOptions): Promise<ToolOutput> {
  const [program = ""] = options.command;
  const missing = await whyNotRunnable(program, options.env?.["PATH"] ?? process.env["PATH"] ?? "", options.cwd);
  if (missing !== undefined) return { end: notStarted(missing), text: "" };
  const log = new BoundedText(KEPT_CHARACTERS);
  const end = await processes.run({
    ...options,
    command: [...MERGED, ...options.command],
    onLine: (line) => {
      log.push(line);
      watch?.(line);
      return "continue";
    },
  });
  return { end, text: log.toString() };
}

/** Why the text proves nothing at all: the tool did not end by itself. Undefined when it did. */
export function notByItself({ end }: ToolOutput): string | undefined {
  return end.ending === "exited" ? undefined : end.description;
}

/** The last line that says something, for a reason. */
export function lastWords(text: string): string {
  const last = text
    .split("\n")
    .map((line) => line.trim())
    .findLast((line) => line !== "");
  return last === undefined ? "" : `: ${last.slice(0, 200)}`;
}

/** The shell would say the same, but with an exit code that a tool may use as well. */
export async function whyNotRunnable(
  program: string,
  path: string,
  cwd: string | undefined,
): Promise<string | undefined> {
  const candidates = program.includes("/")
    ? [program.startsWith("/") ? program : join(cwd ?? ".", program)]
    : path
        .split(delimiter)
        .filter((folder) => folder !== "")
        .map((folder) => join(folder, program));
  for (const candidate of candidates) if (await isExecutable(candidate)) return undefined;
  return `cannot be started: ${program} does not exist or may not be executed`;
}

/** A folder is executable to access(2) as well. */
async function isExecutable(path: string): Promise<boolean> {
  return Promise.all([access(path, constants.X_OK), stat(path)]).then(
    ([, found]) => found.isFile(),
    () => false,
  );
}

function notStarted(description: string): ProgramEnd {
  const nothing = { stdout: "", stderr: "", durationMs: 0, cpuMs: 0 };
  return { ending: "not-started", exitCode: null, signal: null, description, ...nothing };
}

/** Lines joined to a text of which at most the head and the tail are kept. */
class BoundedText {
  readonly #limit: number;
  readonly #head: string[] = [];
  #headLength = 0;
  #tail: string[] = [];
  /** Index of the oldest line of the tail that is kept; those before it are dropped now and then. */
  #oldest = 0;
  #tailLength = 0;
  #dropped = 0;

  constructor(limit: number) {
    this.#limit = limit;
  }

  push(line: string): void {
    const length = line.length + 1;
    if (this.#tail.length === 0 && this.#headLength + length <= this.#limit) {
      this.#head.push(line);
      this.#headLength += length;
      return;
    }
    this.#tail.push(line);
    this.#tailLength += length;
    while (this.#tailLength > this.#limit && this.#oldest < this.#tail.length - 1) {
      this.#tailLength -= this.#tail[this.#oldest]!.length + 1;
      this.#dropped += 1;
      this.#oldest += 1;
    }
    if (this.#oldest > 10_000) {
      this.#tail = this.#tail.slice(this.#oldest);
      this.#oldest = 0;
    }
  }

  toString(): string {
    const gap = this.#dropped === 0 ? [] : [`[… ${String(this.#dropped)} lines left out …]`];
    return [...this.#head, ...gap, ...this.#tail.slice(this.#oldest)].join("\n");
  }
}
