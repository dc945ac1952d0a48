/**
 * vopr, the embedded simulator: command line in, exit code out.
 *
 * The only place that touches the process: arguments, standard output, signals, exit code.
 */
import { readFileSync } from "node:fs";
import { appendFile, writeFile } from "node:fs/promises";
import { setImmediate } from "node:timers/promises";
import { stringifyJson } from "../contracts/json.ts";
import { parseArguments, type Command } from "./arguments.ts";
import { runBatch, type BatchDeps } from "./batch.ts";
import type { Bundle } from "./bundle.ts";
import { Coverage } from "./coverage.ts";
import { SeedCounter } from "./seed.ts";
import { KimtestError, reasonOf } from "../contracts/errors.ts";
import { CANARIES } from "./canaries.ts";
import { leaveQuietly, reportError, write } from "./console.ts";
import { HELP } from "./help.ts";
import { INVARIANTS } from "./invariants/catalogue.ts";
import { scenarioList, scenarioTable } from "./scenario-list.ts";
import { Simulation } from "./simulation.ts";

const EXIT_BY_SIGNAL = { SIGINT: 130, SIGTERM: 143 } as const;

/** Runs the program; `argv` without node and script. Returns the exit code. */
export async function main(argv: readonly string[]): Promise<number> {
  process.stdout.on("error", leaveQuietly);
  try {
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
    case "show":
      await write((await import("./bundle-reader.ts")).bundleText(await readBundle(command.path)));
      return 0;
    case "repro":
      return await reproduce(await readBundle(command.path));
    case "run": {
      const options = command.options;
      return await withSignals((stopRequested) => runBatch(options, batchDeps(stopRequested)));
    }
  }
}

async function readBundle(path: string): Promise<Bundle> {
  let bytes: Buffer;
  try {
    bytes = readFileSync(path);
  } catch (error) {
    throw new KimtestError("USAGE", `${path} cannot be read: ${reasonOf(error)}`, {
      hint: "name a bundle",
      cause: error,
    });
  }
  const { decodeBundle } = await import("./bundle-reader.ts");
  return decodeBundle(bytes, path);
}

/** Runs the seed of a bundle again: 1 when it fails by the same invariant, 0 when it does not. */
async function reproduce({ seed, flags, failure }: Bundle): Promise<number> {
  const command = parseArguments(["--seed", String(seed), "-n", "1", ...flags]);
  if (command.name !== "run")
    throw new KimtestError("USAGE", "the bundle's flags are no run", { hint: "see vopr show" });
  const { low, high } = new SeedCounter(BigInt(seed));
  const found = new Simulation(low, high, command.options.simulation, new Coverage()).run().failure;
  if (found?.invariant === failure.invariant) {
    await write(`reproduced: ${failure.invariant}\n`);
    return 1;
  }
  const instead = found === null ? "passed" : `failed by ${found.invariant}`;
  await write(`not reproduced: seed ${seed} ${instead}, the bundle has ${failure.invariant}\n`);
  return 0;
}

function batchDeps(stopRequested: () => number | undefined): BatchDeps {
  return {
    simulate: (low, high, options, coverage, trace) => new Simulation(low, high, options, coverage, trace).run(),
    writeFile: (path, bytes) => writeFile(path, bytes),
    appendFile: (path, text) => appendFile(path, text),
    write,
    breathe: async () => {
      await setImmediate();
    },
    stopRequested,
    now: () => new Date(),
    monotonicMs: () => performance.now(),
  };
}

/** Runs `body` while signals are noted instead of ending the process. */
async function withSignals(body: (stopRequested: () => number | undefined) => Promise<number>): Promise<number> {
  let exitCode: number | undefined;
  const note = (signal: NodeJS.Signals): void => {
    exitCode = EXIT_BY_SIGNAL[signal as keyof typeof EXIT_BY_SIGNAL];
  };
  process.on("SIGINT", note).on("SIGTERM", note);
  try {
    return await body(() => exitCode);
  } finally {
    process.off("SIGINT", note).off("SIGTERM", note);
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
