/**
 * explore: all interleavings of a small scope, instead of many of a large one.
 *
 * Exit codes: 0 everything was visited and no invariant was violated, 1 one was, 6 a limit came first, 2
 * wrong usage.
 */
import { EXIT, KimtestError } from "../contracts/errors.ts";
import { stringifyJson } from "../contracts/json.ts";
import { progressLine } from "../contracts/progress.ts";
import { CANARIES, canaryNamed } from "./canaries.ts";
import { leaveQuietly, reportError, write } from "./console.ts";
import { explore, type ExplorationResult } from "./exploration/explorer.ts";
import type { Scope } from "./exploration/world.ts";
import { NO_BUGS } from "./vsr/state.ts";

interface ExploreOptions {
  readonly scope: Scope;
  readonly maxStates: number;
  readonly memoryMegabytes: number;
  readonly seconds: number;
  readonly canary: string | null;
  readonly json: boolean;
  readonly help: boolean;
}

const DEFAULTS: ExploreOptions = {
  scope: {
    replicas: 3,
    operations: 2,
    crashes: 1,
    corruptions: 0,
    maxView: 1,
    stateTransfer: false,
    heartbeats: false,
    symmetry: true,
  },
  maxStates: 3_000_000,
  memoryMegabytes: 2_048,
  seconds: 60,
  canary: null,
  json: false,
  help: false,
};

const HELP = `explore: bounded exhaustive exploration of the replica state machine

Usage: explore [flags]
  --operations N      requests of clients, 1 to 4 (default ${DEFAULTS.scope.operations})
  --crashes N         0 to 3 (default ${DEFAULTS.scope.crashes})
  --corruptions N     of the crashes, so many also spoil a slot on the disk, 0 or 1 (default 0)
  --max-view N        timers start no view beyond this one, 0 to 3 (default ${DEFAULTS.scope.maxView})
  --replicas N        3 or 5 (default 3)
  --state-transfer    replicas ask each other for entries they lack
  --heartbeats        primaries announce commits between requests
  --no-symmetry       visit worlds that differ by the names of clients each
  --max-states N      give up beyond (default ${DEFAULTS.maxStates})
  --max-memory N      give up beyond so many megabytes (default ${DEFAULTS.memoryMegabytes})
  --seconds N         give up after (default ${DEFAULTS.seconds})
  --canary NAME       plant a bug: ${CANARIES.map(({ name }) => name).join(", ")}
  --json              one JSON object, each minute before it a line of progress

Exit codes: 0 complete and no violation, 1 violation, 6 a limit came first, 2 wrong usage.
`;

/** @throws KimtestError `USAGE`. */
export function parseExploreArguments(argv: readonly string[]): ExploreOptions {
  let options = DEFAULTS;
  const inScope = (part: Partial<Scope>): void => {
    options = { ...options, scope: { ...options.scope, ...part } };
  };
  for (let index = 0; index < argv.length; index++) {
    const flag = argv[index]!;
    const number = (low: number, high: number): number => {
      index += 1;
      return whole(flag, argv[index], low, high);
    };
    if (flag === "--json") options = { ...options, json: true };
    else if (flag === "--help" || flag === "-h") options = { ...options, help: true };
    else if (flag === "--state-transfer") inScope({ stateTransfer: true });
    else if (flag === "--heartbeats") inScope({ heartbeats: true });
    else if (flag === "--no-symmetry") inScope({ symmetry: false });
    else if (flag === "--replicas") inScope({ replicas: odd(number(3, 5)) });
    else if (flag === "--operations") inScope({ operations: number(1, 4) });
    else if (flag === "--crashes") inScope({ crashes: number(0, 3) });
    else if (flag === "--corruptions") inScope({ corruptions: number(0, 1) });
    else if (flag === "--max-view") inScope({ maxView: number(0, 3) });
    else if (flag === "--max-states") options = { ...options, maxStates: number(1, 200_000_000) };
    else if (flag === "--max-memory") options = { ...options, memoryMegabytes: number(100, 1_000_000) };
    else if (flag === "--seconds") options = { ...options, seconds: number(1, 86_400) };
    else if (flag === "--canary") {
      index += 1;
      options = { ...options, canary: canaryNamed(argv[index] ?? "").name };
    } else {
      throw new KimtestError("USAGE", `unknown argument "${flag}"`, { hint: "explore --help lists all flags" });
    }
  }
  return options;
}

function whole(flag: string, text: string | undefined, low: number, high: number): number {
  const value = text !== undefined && /^\d{1,9}$/.test(text) ? Number(text) : NaN;
  if (value >= low && value <= high) return value;
  throw new KimtestError("USAGE", `${flag} is "${text ?? ""}", but must be a whole number from ${low} to ${high}`, {
    hint: "explore --help lists all flags",
  });
}

function odd(replicas: number): number {
  if (replicas % 2 === 1) return replicas;
  throw new KimtestError("USAGE", `--replicas is ${replicas}, but must be odd`, { hint: "use 3 or 5" });
}

/** Runs the program; `argv` without node and script. Returns the exit code. */
export async function main(argv: readonly string[]): Promise<number> {
  process.stdout.on("error", leaveQuietly);
  try {
    const options = parseExploreArguments(argv);
    if (options.help) {
      await write(HELP);
      return EXIT.ok;
    }
    const startedMs = performance.now();
    const bugs = options.canary === null ? NO_BUGS : canaryNamed(options.canary).bugs;
    const limits = {
      maxStates: options.maxStates,
      maxMemoryBytes: options.memoryMegabytes * 1024 * 1024,
      deadlineMs: startedMs + options.seconds * 1000,
      // Written at once: a pipe is synchronous, and nothing else runs meanwhile.
      onProgress: (states: number): void => {
        if (options.json) process.stdout.write(progressLine(states, "states"));
      },
    };
    const result = explore(options.scope, bugs, limits, {
      nowMs: () => performance.now(),
      memoryBytes: () => process.memoryUsage.rss(),
    });
    const elapsedSeconds = (performance.now() - startedMs) / 1000;
    await write(options.json ? jsonReport(options, result, elapsedSeconds) : textReport(result, elapsedSeconds));
    if (result.violation !== null) return EXIT.failuresFound;
    return result.complete ? EXIT.ok : EXIT.inconclusive;
  } catch (error) {
    return reportError("explore", error);
  } finally {
    process.stdout.off("error", leaveQuietly);
  }
}

function jsonReport(options: ExploreOptions, result: ExplorationResult, elapsedSeconds: number): string {
  const { scope } = options;
  const report = {
    ...result,
    scope: {
      replicas: scope.replicas,
      operations: scope.operations,
      crashes: scope.crashes,
      corruptions: scope.corruptions,
      max_view: scope.maxView,
      state_transfer: scope.stateTransfer,
      heartbeats: scope.heartbeats,
      symmetry: scope.symmetry,
      canary: options.canary,
      max_states: options.maxStates,
      max_memory_megabytes: options.memoryMegabytes,
      seconds: options.seconds,
    },
    elapsed_secs: elapsedSeconds,
    states_per_sec: perSecond(result.states, elapsedSeconds),
  };
  return `${stringifyJson(report)}\n`;
}

function textReport(result: ExplorationResult, elapsedSeconds: number): string {
  const { states, represented, transitions, depth, limit, violation } = result;
  const renamed = represented === states ? "" : ` (standing for ${represented})`;
  const visited =
    `${states} states${renamed}, ${transitions} transitions, depth ${depth}, ` +
    `${elapsedSeconds.toFixed(1)} s, ${perSecond(states, elapsedSeconds)} states/s`;
  if (violation === null) {
    return limit === null
      ? `complete, no violation: ${visited}\n`
      : `INCOMPLETE, the limit on ${limit} came first: ${visited}\n`;
  }
  const steps = violation.trace.map((action, index) => `  ${index + 1}. ${action}\n`).join("");
  return `VIOLATED ${violation.invariant}: ${violation.message}\n${steps}${visited}\n`;
}

function perSecond(states: number, elapsedSeconds: number): number {
  return Math.round(states / Math.max(elapsedSeconds, 0.001));
}
