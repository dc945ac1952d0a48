/**
 * Runs one outside program and tells how it ended.
 *
 * Every run has a deadline and a limit on silence and on line length. The program leads a process group
 * of its own, so that stopping it stops its children. Live programs are noted on disk: a runner that was
 * killed leaves them behind, and the next one ends them first.
 */
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { execa } from "execa";
import { reasonOf, systemCodeOf } from "../../contracts/errors.ts";
import { HeadAndTail, lineSplitter } from "./lines.ts";
import { processStat } from "./process-table.ts";

/** Between SIGTERM and SIGKILL. */
const TERM_GRACE_MS = 2_000;
/** How long output may still come after the program has ended (a child of its own may hold the pipe). */
const PIPE_GRACE_MS = 2_000;
const WATCH_INTERVAL_MS = 200;
const EVIDENCE_BYTES = 64 * 1024;
/** A line longer than this is a flood. The longest honest one lists the failed seeds of a batch. */
const MAX_LINE_LENGTH = 8 * 1024 * 1024;

export interface ProgramOptions {
  /** Program and arguments; no shell. */
  readonly command: readonly string[];
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly deadlineMs: number;
  /** Longest silence on stdout; none by default. */
  readonly stallMs?: number;
  readonly maxLineLength?: number;
  /** Stops the program: ended as `stopped`. */
  readonly signal?: AbortSignal;
  /** Takes a line of stdout; while it works, no more is read. `stop` ends the program as `rejected`. */
  readonly onLine?: (line: string) => Promise<"continue" | "stop"> | "continue" | "stop";
}

export type Ending = "exited" | "killed" | "deadline" | "stalled" | "flooded" | "rejected" | "stopped" | "not-started";

export interface ProgramEnd {
  readonly ending: Ending;
  /** Null unless it exited by itself. */
  readonly exitCode: number | null;
  readonly signal: string | null;
  /** One line for people. */
  readonly description: string;
  /** Head and tail, at most 128 KiB each. */
  readonly stdout: string;
  readonly stderr: string;
  readonly durationMs: number;
  /** CPU time, milliseconds; the wall time where the system does not tell. */
  readonly cpuMs: number;
}

export interface Processes {
  run(options: ProgramOptions): Promise<ProgramEnd>;
  /** Ends programs that a killed runner left behind; returns how many. */
  reapLeftovers(): number;
}

function killGroup(pid: number, signal: "SIGTERM" | "SIGKILL"): void {
  try {
    process.kill(-pid, signal);
  } catch (error) {
    if (systemCodeOf(error) !== "ESRCH") throw error;
  }
}

const seconds = (ms: number): string => `${(ms / 1000).toFixed(1)} s`;

function describe(
  ending: Ending,
  options: ProgramOptions,
  exitCode: number | null,
  signal: string | null,
  error: unknown,
): string {
  const name = options.command[0] ?? "";
  switch (ending) {
    case "exited":
      return `exit code ${String(exitCode)}`;
    case "killed":
      return `killed by ${signal ?? "an unknown signal"}`;
    case "deadline":
      return `still running at its deadline of ${seconds(options.deadlineMs)}`;
    case "stalled":
      return `hung: printed nothing for ${seconds(options.stallMs ?? 0)}`;
    case "flooded":
      return `printed a line longer than ${String(options.maxLineLength ?? MAX_LINE_LENGTH)} characters`;
    case "rejected":
      return "stopped because its output made no sense";
    case "stopped":
      return "stopped with the runner";
    case "not-started":
      return systemCodeOf(error) === "ENOENT"
        ? `cannot be started: ${name} does not exist`
        : `cannot be started: ${reasonOf(error)}`;
  }
}

/** `notesDirectory`: one small file per live program. */
export function createProcesses(notesDirectory: string): Processes {
  mkdirSync(notesDirectory, { recursive: true });

  async function run(options: ProgramOptions): Promise<ProgramEnd> {
    const startedMs = performance.now();
    const [file = "", ...args] = options.command;
    const child = execa(file, args, {
      ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
      ...(options.env === undefined ? {} : { env: options.env }),
      detached: true,
      cleanup: false,
      buffer: false,
      reject: false,
      stdin: "ignore",
      stdout: "pipe",
      stderr: "pipe",
    });
    const pid = child.pid;
    const stdout = new HeadAndTail(EVIDENCE_BYTES);
    const stderr = new HeadAndTail(EVIDENCE_BYTES);
    let forced: Ending | undefined;
    let cpuMs: number | undefined;
    let spokeMs = startedMs;
    let reading = true;
    let handling = false;
    const timers = new Set<NodeJS.Timeout>();

    const note = pid === undefined ? undefined : join(notesDirectory, String(pid));
    if (pid !== undefined && note !== undefined) writeFileSync(note, processStat(pid)?.startTicks ?? "");

    const sampleCpu = (): void => {
      const stat = pid === undefined ? undefined : processStat(pid);
      if (stat !== undefined) cpuMs = Math.max(cpuMs ?? 0, stat.cpuMs);
    };
    const end = (ending: Ending): void => {
      if (forced !== undefined || pid === undefined) return;
      forced = ending;
      sampleCpu();
      killGroup(pid, "SIGTERM");
      timers.add(
        setTimeout(() => {
          killGroup(pid, "SIGKILL");
        }, TERM_GRACE_MS),
      );
    };
    const watch = setInterval(() => {
      const nowMs = performance.now();
      sampleCpu();
      // Time in which we do not read is our silence, not the program's.
      if (handling) spokeMs = nowMs;
      if (nowMs - startedMs > options.deadlineMs) end("deadline");
      else if (options.stallMs !== undefined && reading && nowMs - spokeMs > options.stallMs) end("stalled");
    }, WATCH_INTERVAL_MS);
    const onAbort = (): void => {
      end("stopped");
    };
    options.signal?.addEventListener("abort", onAbort);
    if (options.signal?.aborted === true) onAbort();

    async function readStdout(): Promise<void> {
      try {
        await readLines();
      } catch (error) {
        end("rejected"); // the reader failed (a full disk, say): its program must not run on unread
        throw error;
      }
    }
    async function readLines(): Promise<void> {
      const splitter = lineSplitter(options.maxLineLength ?? MAX_LINE_LENGTH);
      for await (const chunk of child.stdout as AsyncIterable<Buffer>) {
        spokeMs = performance.now();
        stdout.push(chunk);
        if (forced !== undefined) continue; // drained, so that it can end
        const lines = splitter.push(chunk);
        if (lines === undefined) {
          end("flooded");
          continue;
        }
        handling = true;
        try {
          for (const line of lines) if ((await take(line)) === "stop") break;
        } finally {
          handling = false;
        }
        spokeMs = performance.now();
      }
      sampleCpu();
      const rest = splitter.rest();
      if (rest !== "" && forced === undefined) await take(rest);
      reading = false;
    }
    async function take(line: string): Promise<"continue" | "stop"> {
      const next = (await options.onLine?.(line)) ?? "continue";
      if (next === "stop") end("rejected");
      return next;
    }
    async function readStderr(): Promise<void> {
      for await (const chunk of child.stderr as AsyncIterable<Buffer>) stderr.push(chunk);
    }

    if (pid !== undefined) {
      child.nodeChildProcess.once("exit", () => {
        // Whoever inherited its pipes does not keep the runner waiting.
        timers.add(
          setTimeout(() => {
            killGroup(pid, "SIGKILL");
            child.stdout.destroy();
            child.stderr.destroy();
          }, PIPE_GRACE_MS),
        );
      });
    }

    try {
      const reads = Promise.allSettled([readStdout(), readStderr()]);
      const result = await child;
      const [out] = await reads;
      if (out.status === "rejected" && systemCodeOf(out.reason) !== "ERR_STREAM_PREMATURE_CLOSE") throw out.reason;
      const durationMs = performance.now() - startedMs;
      const exitCode = result.exitCode ?? null;
      const signal = result.signal ?? null;
      const ending = pid === undefined ? "not-started" : (forced ?? (exitCode === null ? "killed" : "exited"));
      return {
        ending,
        exitCode: ending === "exited" ? exitCode : null,
        signal,
        description: describe(ending, options, exitCode, signal, result.cause ?? result),
        stdout: stdout.toString(),
        stderr: stderr.toString(),
        durationMs,
        cpuMs: cpuMs ?? durationMs,
      };
    } finally {
      clearInterval(watch);
      for (const timer of timers) clearTimeout(timer);
      options.signal?.removeEventListener("abort", onAbort);
      if (pid !== undefined && forced !== undefined) killGroup(pid, "SIGKILL");
      if (note !== undefined) rmSync(note, { force: true });
    }
  }

  function reapLeftovers(): number {
    let reaped = 0;
    for (const name of readdirSync(notesDirectory)) {
      const note = join(notesDirectory, name);
      const pid = Number(name);
      const startTicks = readFileSync(note, "utf8");
      // Only the very process that was noted: its number may belong to somebody else by now.
      if (Number.isInteger(pid) && startTicks !== "" && processStat(pid)?.startTicks === startTicks) {
        killGroup(pid, "SIGKILL");
        reaped += 1;
      }
      rmSync(note, { force: true });
    }
    return reaped;
  }

  return { run, reapLeftovers };
}
