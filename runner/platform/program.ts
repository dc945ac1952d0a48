/** The frame of a small program: errors become text on stderr and an exit code. */
import { EXIT, KimtestError, reasonOf, systemCodeOf, type ExitCode } from "../../contracts/errors.ts";

/** Runs `main` and sets the exit code of this process. */
export function runProgram(name: string, main: () => ExitCode | Promise<ExitCode>): void {
  Promise.resolve()
    .then(main)
    .then(
      (code) => {
        process.exitCode = code;
      },
      (error: unknown) => {
        process.stderr.write(`${errorText(name, error)}\n`);
        process.exitCode = exitCodeOf(error);
      },
    );
}

/** Message, then the next step on a line of its own. */
export function errorText(name: string, error: unknown): string {
  if (error instanceof KimtestError) {
    return `${name}: ${error.message}${error.hint === undefined ? "" : `\n  ${error.hint}`}`;
  }
  if (isArgumentError(error)) return `${name}: ${reasonOf(error)}`;
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}

/** An error nobody made for people is a bug; 101 as a panic in Rust, so that nobody takes it for a finding. */
const EXIT_BUG = 101;

/** The exit code that an error ends a program with. */
export function exitCodeOf(error: unknown): number {
  if (error instanceof KimtestError) return error.exitCode;
  return isArgumentError(error) ? EXIT.usage : EXIT_BUG;
}

/** Of `parseArgs` in node:util. */
function isArgumentError(error: unknown): boolean {
  return systemCodeOf(error)?.startsWith("ERR_PARSE_ARGS_") ?? false;
}
