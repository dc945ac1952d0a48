/**
 * The fuzz program of the embedded profile: one target for a while, by fast-check (https://fast-check.dev).
 *
 *   fuzz --json --target NAME --seconds S --seed N     one JSON object on stdout (contracts/programs.ts), each
 *                                                      minute before it a line of progress
 *   fuzz --target NAME --seed N --path PATH            replay one counterexample
 *   fuzz --list
 *
 * Exit code 0: nothing found; 1: a counterexample; 2: usage.
 */
import { parseArgs } from "node:util";
import fc from "fast-check";
import { EXIT, KimtestError, type ExitCode } from "../contracts/errors.ts";
import { stringifyJson } from "../contracts/json.ts";
import type { FuzzRun } from "../contracts/programs.ts";
import { PROGRESS_INTERVAL_MS, progressLine } from "../contracts/progress.ts";
import { runProgram } from "../runner/platform/program.ts";
import { FUZZ_TARGETS } from "./fuzz-targets.ts";

/** Executions per call of fast-check; between calls the clock is read. */
const ROUND = 500;
const MAX_SECONDS = 24 * 3600;
const SHRINK_LIMIT_MS = 10_000;

/** `onProgress` is told from time to time how many executions there were. */
function fuzz(
  target: string,
  seconds: number,
  firstSeed: number,
  path: string | undefined,
  onProgress: (executions: number) => void,
): FuzzRun {
  const property = FUZZ_TARGETS[target]?.property;
  if (property === undefined) {
    throw new KimtestError("USAGE", `there is no fuzz target "${target}"`, {
      hint: `the targets are ${Object.keys(FUZZ_TARGETS).join(", ")}`,
    });
  }
  const startedMs = performance.now();
  const elapsedSeconds = (): number => (performance.now() - startedMs) / 1000;
  let executions = 0;
  let saidSeconds = 0;
  for (let seed = firstSeed; ; seed = (seed + 1) | 0) {
    const details = fc.check(property, {
      seed,
      numRuns: ROUND,
      ...(path === undefined ? {} : { path }),
      interruptAfterTimeLimit: Math.max(1, (seconds - elapsedSeconds()) * 1000) + SHRINK_LIMIT_MS,
    });
    executions += details.numRuns;
    if (details.failed && details.counterexample !== null) {
      const message =
        details.errorInstance instanceof Error ? details.errorInstance.message : String(details.errorInstance);
      const counterexample = fc.stringify(details.counterexample);
      return {
        target,
        executions,
        elapsed_secs: elapsedSeconds(),
        failure: { message, counterexample, seed, path: details.counterexamplePath, shrinks: details.numShrinks },
      };
    }
    if (path !== undefined || elapsedSeconds() >= seconds) {
      return { target, executions, elapsed_secs: elapsedSeconds(), failure: null };
    }
    if (elapsedSeconds() - saidSeconds >= PROGRESS_INTERVAL_MS / 1000) {
      saidSeconds = elapsedSeconds();
      onProgress(executions);
    }
  }
}

function numberFrom(text: string, flag: string, min: number, max: number): number {
  const value = Number(text);
  if (text.trim() !== "" && Number.isFinite(value) && value >= min && value <= max) return value;
  throw new KimtestError("USAGE", `${flag} is "${text}", but must be a number from ${String(min)} to ${String(max)}`);
}

function main(argv: string[]): ExitCode {
  const { values } = parseArgs({
    args: argv,
    options: {
      json: { type: "boolean", default: false },
      list: { type: "boolean", default: false },
      target: { type: "string" },
      seconds: { type: "string", default: "1" },
      seed: { type: "string", default: "1" },
      path: { type: "string" },
    },
  });
  if (values.list) {
    for (const [name, { description }] of Object.entries(FUZZ_TARGETS))
      process.stdout.write(`${name.padEnd(14)} ${description}\n`);
    return EXIT.ok;
  }
  if (values.target === undefined)
    throw new KimtestError("USAGE", "no target was named", { hint: "add --target NAME; --list shows them" });
  const seconds = numberFrom(values.seconds, "--seconds", 0, MAX_SECONDS);
  const seed = numberFrom(values.seed, "--seed", -(2 ** 31), 2 ** 31 - 1);
  const run = fuzz(values.target, seconds, seed, values.path, (executions) => {
    if (values.json) process.stdout.write(progressLine(executions, "executions"));
  });
  process.stdout.write(values.json ? `${stringifyJson(run, 0)}\n` : humanText(run));
  return run.failure === null ? EXIT.ok : EXIT.failuresFound;
}

function humanText(run: FuzzRun): string {
  const speed = `${String(run.executions)} executions in ${run.elapsed_secs.toFixed(1)} s`;
  if (run.failure === null) return `${run.target}: nothing found, ${speed}\n`;
  return `${run.target}: ${run.failure.message}\n  input: ${run.failure.counterexample}\n  ${speed}\n`;
}

runProgram("fuzz", () => main(process.argv.slice(2)));
