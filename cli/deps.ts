/** The world as the commands see it; tests build their own. */
import { Chalk, type ChalkInstance } from "chalk";
import type { ExitCode } from "../contracts/errors.ts";

export interface CliDeps {
  /** Results. */
  readonly out: (text: string) => void;
  /** Messages. */
  readonly err: (text: string) => void;
  /** stdout is a terminal that can be redrawn. */
  readonly isTerminal: boolean;
  readonly columns: number;
  /** Colours for stdout; none on a pipe or with NO_COLOR (https://no-color.org). */
  readonly colour: ChalkInstance;
  readonly now: () => number;
  /** Aborted by Ctrl-C and SIGTERM. */
  readonly stop: AbortSignal;
  readonly setExitCode: (code: ExitCode) => void;
}

export function systemDeps(): CliDeps {
  const stop = new AbortController();
  const isTerminal = process.stdout.isTTY;
  return {
    out: (text) => void process.stdout.write(text),
    err: (text) => void process.stderr.write(text),
    isTerminal,
    columns: isTerminal ? process.stdout.columns : 100,
    colour: isTerminal && process.env["NO_COLOR"] === undefined ? new Chalk() : new Chalk({ level: 0 }),
    now: () => Date.now(),
    get stop() {
      // Only a command that asks for it takes Ctrl-C into its own hands.
      for (const signal of ["SIGINT", "SIGTERM"] as const) {
        if (process.listenerCount(signal) === 0)
          process.on(signal, () => {
            stop.abort();
          });
      }
      return stop.signal;
    },
    setExitCode: (code) => {
      process.exitCode = code;
    },
  };
}
