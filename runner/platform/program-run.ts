/** One run of an outside program, from its start to the account of how it ended. See processes.ts. */
import { randomUUID } from "node:crypto";
import { execa } from "execa";
import { reasonOf, systemCodeOf } from "../../contracts/errors.ts";
import { HeadAndTail, lineSplitter } from "./lines.ts";
import { processStat } from "./process-table.ts";

/** Between SIGTERM and SIGKILL. */
const TERM_GRACE_MS = 2_000;
/** How long output may still come after the program has ended (a child of its own may hold the pipe). */
const PIPE_GRACE_MS = 2_000;
const WATCH_INTERVAL_MS = 500;
const EVIDENCE_BYTES = 64 * 1024;
/** In the environment of a program and of its children: by which run they were started. */
export const RUN_VARIABLE = "KIMTEST_RUN";
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

export function killGroup(pid: number, signal: "SIGTERM" | "SIGKILL"): void {
  try {
    process.kill(-pid, signal);
  } catch (error) {
    if (systemCodeOf(error) !== "ESRCH") throw error;
  }
}

function startChild({ command, cwd, env }: ProgramOptions, id: string) {
  const [file = "", ...args] = command;
  return execa(file, args, {
    ...(cwd === undefined ? {} : { cwd }),
    env: { ...env, [RUN_VARIABLE]: id },
    detached: true, // leads a process group
    cleanup: false,
    buffer: false,
    reject: false,
    stdin: "ignore",
    stdout: "pipe",
    stderr: "pipe",
  });
}

export class ProgramRun {
  /** No other run's. */
  readonly id = randomUUID();
  readonly #options: ProgramOptions;
  readonly #child: ReturnType<typeof startChild>;
  readonly #startedMs = performance.now();
  readonly #stdout = new HeadAndTail(EVIDENCE_BYTES);
  readonly #stderr = new HeadAndTail(EVIDENCE_BYTES);
  readonly #timers = new Set<NodeJS.Timeout>();
  /** Set when we ended it, and why. */
  #forced: Ending | undefined;
  #cpuMs: number | undefined;
  /** When it last printed something, or when we last kept it waiting. */
  #spokeMs = this.#startedMs;
  #watchedMs = this.#startedMs;
  #isHandlingLines = false;
  #isOutputOver = false;
  #exitedMs: number | undefined;
  #secondLook: NodeJS.Immediate | undefined;

  constructor(options: ProgramOptions) {
    this.#options = options;
    this.#child = startChild(options, this.id);
  }

  /** Undefined when it could not be started. */
  get pid(): number | undefined {
    return this.#child.pid;
  }

  /** @throws what `onLine` throws, after the program has been ended. */
  async end(): Promise<ProgramEnd> {
    const { signal } = this.#options;
    const watch = setInterval(() => {
      this.#watch();
    }, WATCH_INTERVAL_MS);
    const onAbort = (): void => {
      this.#force("stopped");
    };
    signal?.addEventListener("abort", onAbort);
    if (signal?.aborted === true) onAbort();
    this.#child.nodeChildProcess.once("exit", () => {
      this.#exitedMs = performance.now();
      this.#closePipesSoon();
    });
    try {
      const reads = Promise.allSettled([this.#readStdout(), this.#readStderr()]);
      const result = await this.#child;
      const [out] = await reads;
      if (out.status === "rejected") throw out.reason;
      return this.#account(result.exitCode ?? null, result.signal ?? null, result.cause ?? result);
    } finally {
      clearInterval(watch);
      clearImmediate(this.#secondLook);
      for (const timer of this.#timers) clearTimeout(timer);
      signal?.removeEventListener("abort", onAbort);
      if (this.pid !== undefined && this.#forced !== undefined) killGroup(this.pid, "SIGKILL");
    }
  }

  /** Ends the program and its children; the first reason counts. */
  #force(ending: Ending): void {
    const { pid } = this;
    if (this.#forced !== undefined || pid === undefined) return;
    this.#forced = ending;
    this.#sampleCpu();
    killGroup(pid, "SIGTERM");
    this.#later(TERM_GRACE_MS, () => {
      killGroup(pid, "SIGKILL");
    });
  }

  #later(ms: number, act: () => void): void {
    this.#timers.add(setTimeout(act, ms));
  }

  #watch(): void {
    this.#sampleCpu();
    const nowMs = performance.now();
    // Time in which we do not read is our silence, not the program's; so is time in which this process, or all of the
    // machine, stood still.
    const lateMs = Math.max(0, nowMs - this.#watchedMs - WATCH_INTERVAL_MS);
    this.#watchedMs = nowMs;
    this.#spokeMs = this.#isHandlingLines ? nowMs : Math.min(nowMs, this.#spokeMs + lateMs);
    if (this.#overdue() === undefined) return;
    // After a pause of our own the timers come before what the program did meanwhile: that is looked at first.
    this.#secondLook = setImmediate(() => {
      const ending = this.#overdue();
      if (ending !== undefined) this.#force(ending);
    });
  }

  #overdue(): Ending | undefined {
    const { deadlineMs, stallMs } = this.#options;
    const nowMs = performance.now();
    // What has ended met its deadline; reading what it printed may take as long once more.
    if (nowMs - (this.#exitedMs ?? this.#startedMs) > deadlineMs) return "deadline";
    const isSilent = this.#exitedMs === undefined && !this.#isOutputOver && !this.#isHandlingLines;
    return isSilent && stallMs !== undefined && nowMs - this.#spokeMs > stallMs ? "stalled" : undefined;
  }

  #sampleCpu(): void {
    const stat = this.pid === undefined ? undefined : processStat(this.pid);
    if (stat !== undefined) this.#cpuMs = Math.max(this.#cpuMs ?? 0, stat.cpuMs);
  }

  /** Whoever inherited its pipes does not keep the runner waiting; output that is still being read is waited for. */
  #closePipesSoon(): void {
    this.#later(PIPE_GRACE_MS, () => {
      const isReading = this.#isHandlingLines || performance.now() - this.#spokeMs < PIPE_GRACE_MS;
      if (isReading && !this.#isOutputOver) {
        this.#closePipesSoon();
        return;
      }
      if (this.pid !== undefined) killGroup(this.pid, "SIGKILL");
      this.#child.stdout.destroy();
      this.#child.stderr.destroy();
    });
  }

  async #readStdout(): Promise<void> {
    try {
      await this.#readLines();
    } catch (error) {
      if (systemCodeOf(error) === "ERR_STREAM_PREMATURE_CLOSE") return; // we closed it: the program had ended
      this.#force("rejected"); // the reader failed (a full disk, say): its program must not run on unread
      throw error;
    }
  }

  async #readLines(): Promise<void> {
    const splitter = lineSplitter(this.#options.maxLineLength ?? MAX_LINE_LENGTH);
    for await (const chunk of this.#child.stdout as AsyncIterable<Buffer>) {
      this.#spokeMs = performance.now();
      this.#stdout.push(chunk);
      if (this.#forced !== undefined) continue; // drained, so that it can end
      const lines = splitter.push(chunk);
      if (lines === undefined) this.#force("flooded");
      else await this.#handle(lines);
    }
    this.#sampleCpu();
    const rest = splitter.rest();
    if (rest !== "" && this.#forced === undefined) await this.#handle([rest]);
    this.#isOutputOver = true;
  }

  async #handle(lines: readonly string[]): Promise<void> {
    const { onLine } = this.#options;
    if (onLine === undefined) return;
    this.#isHandlingLines = true;
    try {
      for (const line of lines) {
        const next = onLine(line);
        // Awaiting what is no promise would cost a turn of the event loop per line.
        if ((typeof next === "string" ? next : await next) === "stop") {
          this.#force("rejected");
          break;
        }
      }
    } finally {
      this.#isHandlingLines = false;
    }
    this.#spokeMs = performance.now();
  }

  async #readStderr(): Promise<void> {
    for await (const chunk of this.#child.stderr as AsyncIterable<Buffer>) this.#stderr.push(chunk);
  }

  #account(exitCode: number | null, signal: string | null, error: unknown): ProgramEnd {
    const durationMs = performance.now() - this.#startedMs;
    const byItself = exitCode === null ? "killed" : "exited";
    const ending = this.pid === undefined ? "not-started" : (this.#forced ?? byItself);
    return {
      ending,
      exitCode: ending === "exited" ? exitCode : null,
      signal,
      description: describe(ending, this.#options, exitCode, signal, error),
      stdout: this.#stdout.toString(),
      stderr: this.#stderr.toString(),
      durationMs,
      cpuMs: this.#cpuMs ?? durationMs,
    };
  }
}

function describe(
  ending: Ending,
  options: ProgramOptions,
  exitCode: number | null,
  signal: string | null,
  error: unknown,
): string {
  const seconds = (ms: number): string => `${(ms / 1000).toFixed(1)} s`;
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
        ? `cannot be started: ${options.command[0] ?? ""} does not exist`
        : `cannot be started: ${reasonOf(error)}`;
  }
}
