#!/usr/bin/env node
/** Entry point of `kimtest`: argv in, exit code out. Everything else is in program.ts and commands/. */
import { enableCompileCache } from "node:module";
import { CommanderError } from "commander";
import { EXIT } from "../contracts/errors.ts";
import { errorText, exitCodeOf } from "../runner/platform/program.ts";
import { systemDeps } from "./deps.ts";
import { buildProgram } from "./program.ts";

enableCompileCache();

// Whoever reads our output may stop reading (`kimtest list-failures | head`).
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  if (error.code !== "EPIPE") throw error;
  process.exitCode = EXIT.ok;
});

try {
  await buildProgram(systemDeps()).parseAsync(process.argv);
} catch (error) {
  if (error instanceof CommanderError) {
    // Commander has said it already; help and version are no errors.
    process.exitCode = error.exitCode === 0 ? EXIT.ok : EXIT.usage;
  } else {
    process.stderr.write(`${errorText("kimtest", error)}\n`);
    process.exitCode = exitCodeOf(error);
  }
}
