/** What the two programs of this folder share: writing results, and saying why one ends without any. */
import { once } from "node:events";
import { inspect } from "node:util";
import { KimtestError } from "../contracts/errors.ts";

/** As a program killed by SIGPIPE: whoever read us is gone, and nobody is left to be told. */
export const EXIT_READER_GONE = 141;
/** As a Rust program that panicked: the simulator itself is wrong, not what it tests. */
export const EXIT_PANIC = 101;

/** Writes to standard output; settles when more may be written. */
export async function write(text: string): Promise<void> {
  if (!process.stdout.write(text)) await once(process.stdout, "drain");
}

/** For errors of standard output. */
export function leaveQuietly(error: NodeJS.ErrnoException): void {
  if (error.code === "EPIPE") process.exit(EXIT_READER_GONE);
  throw error;
}

/** Prints a thrown value to standard error and returns the exit code. */
export function reportError(program: string, error: unknown): number {
  if (error instanceof KimtestError) {
    process.stderr.write(`${program}: ${error.message}\n${error.hint === undefined ? "" : `hint: ${error.hint}\n`}`);
    return error.exitCode;
  }
  process.stderr.write(`${program}: internal error, the simulator is broken\n`);
  process.stderr.write(`${inspect(error)}\n`);
  return EXIT_PANIC;
}
