/**
 * vopr, the embedded simulator: command line in, exit code out.
 *
 * The only place that touches the process: arguments, standard output, signals, exit code.
 */
import { appendFile, mkdir, rename, stat, writeFile } from "node:fs/promises";
import { dirname } from "node:path";
import { setImmediate } from "node:timers/promises";
import { systemCodeOf } from "../contracts/errors.ts";
import { stringifyJson } from "../contracts/json.ts";
import { parseArguments, type Command } from "./arguments.ts";
import { runBatch, type BatchDeps } from "./batch.ts";
import { CANARIES } from "./canaries.ts";
import { simulatorCommit } from "./commit.ts";
import { leaveQuietly, reportError, write } from "./console.ts";
import { simulateSeed } from "./determinism.ts";
import { BUNDLE_COMMANDS } from "./flags.ts";
import { HELP } from "./help.ts";
import { INVARIANTS } from "./invariants/catalogue.ts";
import { scenarioList, scenarioTable } from "./scenario-list.ts";
import { withSignals, type StopRequested } from "./signals.ts";

/** Runs the program; `argv` without node and script. Returns the exit code. */
export async function main(argv: readonly string[]): Promise<number> {
  process.stdout.on("error", leaveQuietly);
  try {
    const [first, ...rest] = argv;
    const onBundle = BUNDLE_COMMANDS.find((name) => name === first);
    // Loaded on use: it takes a library that would slow every start.
    if (onBundle !== undefined) return await (await import("./bundle-command.ts")).bundleCommand(onBundle, rest);
    return await perform(parseArguments(argv));
  } catch (error) {
    return reportError("vopr", error);
  } finally {
    process.stdout.off("error", leaveQuietly);
  }
}

async function perform(command: Command): Promise<number> {
  switch (command.name) {
    case "help":
      await write(HELP);
      return 0;
    case "list-scenarios":
      await write(command.json ? `${stringifyJson({ scenarios: scenarioList() })}\n` : scenarioTable());
      return 0;
    case "list-invariants":
      await write(command.json ? `${stringifyJson({ invariants: INVARIANTS })}\n` : invariantTable());
      return 0;
    case "list-canaries":
      await write(command.json ? `${stringifyJson({ canaries: canaryList() })}\n` : canaryTable());
      return 0;
    case "run": {
      const options = command.options;
      return await withSignals((stopRequested) => runBatch(options, batchDeps(stopRequested)));
    }
  }
}

function batchDeps(stopRequested: StopRequested): BatchDeps {
  return {
    simulate: simulateSeed,
    commit: simulatorCommit(process.env),
    writeFile: async (path, bytes) => {
      await mkdir(dirname(path), { recursive: true });
      // Under its name only when it is whole: somebody may be waiting for it, and we may be killed.
      const temporary = `${path}.${process.pid}.tmp`;
      await writeFile(temporary, bytes);
      await rename(temporary, path);
    },
    appendFile: (path, text) => appendFile(path, text),
    sizeOf,
    warn: (text) => {
      process.stderr.write(`vopr: ${text}\n`);
    },
    write,
    breathe: async () => {
      await setImmediate();
    },
    stopRequested,
    now: () => new Date(),
    monotonicMs: () => performance.now(),
  };
}

async function sizeOf(path: string): Promise<number> {
  try {
    return (await stat(path)).size;
  } catch (error) {
    if (systemCodeOf(error) === "ENOENT") return 0;
    throw error;
  }
}

function canaryList(): object[] {
  return CANARIES.map(({ name, description, finds, scenario }) => ({ name, description, finds, scenario }));
}

function canaryTable(): string {
  return CANARIES.map(
    ({ name, description, finds, scenario }) =>
      `${name}: found by ${finds === "determinism" ? "--check-determinism" : finds} in ${scenario}\n    ${description}\n`,
  ).join("");
}

function invariantTable(): string {
  return INVARIANTS.map(({ name, group, description }) => `${name} (${group})\n    ${description}\n`).join("");
}
