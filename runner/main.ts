#!/usr/bin/env node
/**
 * The service on the instance: one cycle, or the one that was interrupted, then it ends.
 *
 *   runner --settings FILE --state FOLDER
 *
 * systemd starts the launcher again, which takes a new bundle and new settings at each boundary between cycles
 * (docs/adr/0010-one-cycle-per-process.md). Exit code 0: a cycle was run, or it was told to stop; 2: arguments
 * or settings; 5: AWS cannot be reached.
 */
import { parseArgs } from "node:util";
import { KimtestError, type ExitCode } from "../contracts/errors.ts";
import { runProgram } from "./platform/program.ts";
import { service } from "./service.ts";

const HINT = "runner --settings FILE --state FOLDER";

function main(argv: string[]): Promise<ExitCode> {
  const options = { settings: { type: "string" }, state: { type: "string" } } as const;
  const { values } = parseArgs({ args: argv, options });
  const { settings, state } = values;
  if (settings === undefined || settings === "")
    throw new KimtestError("USAGE", "--settings is missing: the file with the service's settings", { hint: HINT });
  if (state === undefined || state === "")
    throw new KimtestError("USAGE", "--state is missing: the folder for state, outbox and log", { hint: HINT });
  return service({ settingsPath: settings, stateFolder: state, env: process.env });
}

runProgram("runner", () => main(process.argv.slice(2)));
