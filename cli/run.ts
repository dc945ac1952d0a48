/** argv in, exit code out: the one place where an error becomes text and a code. */
import { CommanderError } from "commander";
import { EXIT, KimtestError, reasonOf, systemCodeOf } from "../contracts/errors.ts";
import type { CliDeps } from "./deps.ts";
import { buildProgram } from "./program.ts";

/** `argv`: without node and script. Never rejects. */
export async function run(argv: readonly string[], deps: CliDeps): Promise<void> {
  try {
    await buildProgram(deps).parseAsync([...argv], { from: "user" });
  } catch (error) {
    if (error instanceof CommanderError) {
      // Commander has said it already; help and version are no errors.
      deps.setExitCode(error.exitCode === 0 ? EXIT.ok : EXIT.usage);
      return;
    }
    // Loaded here: a command that succeeds pays nothing for it.
    const [{ errorText, exitCodeOf }, { printableLines }] = await Promise.all([
      import("../runner/platform/program.ts"),
      import("../runner/phases/digest/printable.ts"),
    ]);
    const known = asKimtestError(error);
    deps.err(`${printableLines(errorText("kimtest", known))}\n`);
    deps.setExitCode(exitCodeOf(known));
  }
}

/** Of a file or folder that the user named: theirs to mend, and no bug of ours. */
const PATH_ERRORS: ReadonlySet<string> = new Set(
  "EACCES EEXIST EISDIR ELOOP ENAMETOOLONG ENOENT ENOTDIR EPERM EROFS".split(" "),
);
/** Of the machine. */
const MACHINE_ERRORS: ReadonlySet<string> = new Set("EDQUOT EFBIG EIO EMFILE ENFILE ENOMEM ENOSPC".split(" "));

function asKimtestError(error: unknown): unknown {
  const code = systemCodeOf(error);
  if (error instanceof KimtestError || code === undefined) return error;
  if (PATH_ERRORS.has(code)) {
    return new KimtestError("BAD_INPUT", reasonOf(error), { hint: "check the path and its permissions", cause: error });
  }
  if (MACHINE_ERRORS.has(code)) {
    return new KimtestError("LIMIT_EXCEEDED", reasonOf(error), {
      hint: "check the disk (`df -h`) and the limits (`ulimit -a`), then run it again",
      cause: error,
    });
  }
  return error;
}
