/** The world as the commands see it; tests build their own. */
import type { ChalkInstance } from "chalk";
import { KimtestError } from "../contracts/errors.ts";
import type { Here } from "./choice.ts";

export interface CliDeps {
  /** Results, to stdout. */
  readonly out: (text: string) => void;
  /** Messages, to stderr. */
  readonly err: (text: string) => void;
  /** Width of what is laid out, in columns; a terminal's may change. */
  readonly columns: number;
  /** Colours for stdout or stderr: none on a pipe, on a dumb terminal and with NO_COLOR (https://no-color.org). */
  readonly colours: (stream: "stdout" | "stderr") => Promise<ChalkInstance>;
  /** stderr, when it is a terminal that can be redrawn; else undefined. */
  readonly screen: NodeJS.WritableStream | undefined;
  /** stdout, when it is a terminal that can be redrawn; else undefined. */
  readonly board: NodeJS.WriteStream | undefined;
  readonly now: () => number;
  /** IANA name of the reader's time zone. */
  readonly timeZone: string;
  readonly here: Here;
  /** Asks the person at the terminal and returns the line typed; undefined where nobody can be asked. */
  readonly ask: ((question: string) => Promise<string>) | undefined;
  /**
   * Aborted by Ctrl-C, SIGTERM and a closed terminal, with the signal's name as its reason. Only a command that
   * reads it takes these over.
   */
  readonly stop: AbortSignal;
  readonly setExitCode: (code: number) => void;
  /** Ends the process with its exit code after so long, though something (a request that hangs) keeps it alive. */
  readonly endWithin: (ms: number) => void;
}

const DEFAULT_COLUMNS = 100;
/** A second signal later than this is a person who does not want to wait; npm passes on a first one twice. */
const IMPATIENT_MS = 1_000;

export function systemDeps(): CliDeps {
  const { stdout, stderr, env } = process;
  survivePipes([stdout, stderr]);
  let stop: AbortController | undefined;
  return {
    out: (text) => void stdout.write(text),
    err: (text) => void stderr.write(text),
    get columns() {
      return hasSize(stdout) ? stdout.columns : DEFAULT_COLUMNS;
    },
    colours: async (stream) => {
      // The library looks at the stream, TERM and FORCE_COLOR, but not at NO_COLOR.
      const { Chalk, chalkStderr } = await import("chalk");
      if ((env["NO_COLOR"] ?? "") !== "") return new Chalk({ level: 0 });
      return stream === "stdout" ? new Chalk() : chalkStderr;
    },
    screen: stderr.isTTY && env["TERM"] !== "dumb" ? stderr : undefined,
    board: hasSize(stdout) && env["TERM"] !== "dumb" ? stdout : undefined,
    now: () => Date.now(),
    get timeZone() {
      return Intl.DateTimeFormat().resolvedOptions().timeZone;
    },
    here: { env, folder: process.cwd() },
    get ask() {
      const isTerminal = process.stdin.isTTY && stdout.isTTY && stderr.isTTY;
      return isTerminal ? (question: string) => askOnTerminal(question, this.stop) : undefined;
    },
    get stop() {
      stop ??= stopOnSignals();
      return stop.signal;
    },
    setExitCode: (code) => {
      process.exitCode = code;
    },
    endWithin: (ms) => {
      setTimeout(() => {
        process.exit();
      }, ms).unref();
    },
  };
}

/** A terminal may be 0 x 0: one that nobody has told its size. */
const hasSize = (stream: NodeJS.WriteStream): boolean => stream.isTTY && stream.columns > 0 && stream.rows > 0;

/**
 * Whoever reads our output may stop reading (`kimtest list-failures | head`), and a terminal may close. The
 * work goes on without them, and the exit code stays the work's own.
 */
function survivePipes(streams: readonly NodeJS.WriteStream[]): void {
  for (const stream of streams) {
    stream.on("error", (error: NodeJS.ErrnoException) => {
      if (error.code !== "EPIPE" && error.code !== "EIO") throw error;
    });
  }
}

function stopOnSignals(): AbortController {
  const controller = new AbortController();
  let firstMs = 0;
  const signals = ["SIGINT", "SIGTERM", "SIGHUP"] as const;
  const onSignal = (signal: NodeJS.Signals): void => {
    if (!controller.signal.aborted) {
      firstMs = performance.now();
      controller.abort(signal);
    } else if (performance.now() - firstMs > IMPATIENT_MS) {
      for (const name of signals) process.off(name, onSignal);
      process.kill(process.pid, signal);
    }
  };
  for (const signal of signals) process.on(signal, onSignal);
  return controller;
}

/** A closed input is an empty answer; Ctrl-C stays a signal (`terminal: false`), so that everybody sees it. */
async function askOnTerminal(question: string, stop: AbortSignal): Promise<string> {
  const { createInterface } = await import("node:readline/promises");
  const lines = createInterface({ input: process.stdin, output: process.stderr, terminal: false });
  try {
    const closed = new Promise<string>((resolve) =>
      lines.once("close", () => {
        resolve("");
      }),
    );
    return await Promise.race([lines.question(question, { signal: stop }), closed]);
  } catch (error) {
    if (!stop.aborted) throw error;
    throw new KimtestError("INTERRUPTED", "interrupted; nothing was done", { cause: error });
  } finally {
    lines.close();
  }
}
