/** The world as the commands see it; tests build their own. */
import type { ChalkInstance } from "chalk";

export interface CliDeps {
  /** Results, to stdout. */
  readonly out: (text: string) => void;
  /** Messages, to stderr. */
  readonly err: (text: string) => void;
  /** Width of help, in columns. */
  readonly columns: number;
  /** Colours for stdout or stderr: none on a pipe, on a dumb terminal and with NO_COLOR (https://no-color.org). */
  readonly colours: (stream: "stdout" | "stderr") => Promise<ChalkInstance>;
  /** stderr, when it is a terminal that can be redrawn; else undefined. */
  readonly screen: NodeJS.WritableStream | undefined;
  readonly now: () => number;
  /** Aborted by Ctrl-C, SIGTERM and a closed terminal. Only a command that reads it takes these over. */
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
    columns: stdout.isTTY ? stdout.columns : DEFAULT_COLUMNS,
    colours: async (stream) => {
      // The library looks at the stream, TERM and FORCE_COLOR, but not at NO_COLOR.
      const { Chalk, chalkStderr } = await import("chalk");
      if ((env["NO_COLOR"] ?? "") !== "") return new Chalk({ level: 0 });
      return stream === "stdout" ? new Chalk() : chalkStderr;
    },
    screen: stderr.isTTY && env["TERM"] !== "dumb" ? stderr : undefined,
    now: () => Date.now(),
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
      controller.abort();
    } else if (performance.now() - firstMs > IMPATIENT_MS) {
      for (const name of signals) process.off(name, onSignal);
      process.kill(process.pid, signal);
    }
  };
  for (const signal of signals) process.on(signal, onSignal);
  return controller;
}
