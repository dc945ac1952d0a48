/**
 * The command line of vopr: arguments in, what to do out. Decides everything, does nothing.
 *
 * The flags are those of Kimberlite's binary. Unlike there a number that is none, a value that is missing
 * and a name that is unknown are errors; a flag whose feature this simulator does not have is one too,
 * because a flag that is silently ignored is a test that silently did not happen.
 */
import { KimtestError } from "../contracts/errors.ts";
import { MAX_U64, parseU64 } from "../contracts/u64.ts";
import { canaryNamed } from "./canaries.ts";
import { INVARIANTS, type InvariantName } from "./invariants/catalogue.ts";
import { DEFAULT_MIX, NO_NETWORK_FAULTS, NO_STORAGE_FAULTS, scenarioNamed, type Scenario } from "./scenarios.ts";
import type { SimulationOptions } from "./simulation.ts";
import { NO_BUGS } from "./vsr/state.ts";

export const DEFAULT_ITERATIONS = 100;
const MAX_ITERATIONS = 1_000_000_000;
const MAX_EVENTS = 1_000_000;
const MAX_TIME_SECONDS = 1_000;
/** More requests than this per client would not fit into a replica's log. */
const MAX_REQUESTS_PER_CLIENT = 900;

export interface RunOptions {
  /** undefined: go on behind the checkpoint, or begin with 0. */
  readonly seed: bigint | undefined;
  readonly iterations: number;
  readonly simulation: SimulationOptions;
  /** Name of the scenario, null for the default mix. */
  readonly scenarioName: string | null;
  readonly canaryName: string | null;
  readonly networkFaults: boolean;
  readonly storageFaults: boolean;
  readonly json: boolean;
  readonly verbose: boolean;
  readonly diagnosis: boolean;
  readonly checkpointFile: string | null;
  readonly checkDeterminism: boolean;
  /** The flags that change what a seed does, to be printed with a failing seed. */
  readonly reproFlags: readonly string[];
}

export type Command =
  | { readonly name: "run"; readonly options: RunOptions }
  | { readonly name: "help" }
  | { readonly name: "list-scenarios"; readonly json: boolean }
  | { readonly name: "list-invariants"; readonly json: boolean };

/** Features of Kimberlite's binary that this simulator does not have. */
const UNSUPPORTED_FLAGS: Record<string, string> = {
  "--enable-trace": "traces",
  "--enable-projection-invariants": "projections",
  "--disable-projection-invariants": "projections",
  "--enable-query-invariants": "queries",
  "--disable-query-invariants": "queries",
  "--enable-sql-oracles": "SQL",
  "--min-fault-coverage": "coverage thresholds",
  "--min-invariant-coverage": "coverage thresholds",
  "--require-all-invariants": "coverage thresholds",
  "--coverage-threshold": "coverage thresholds",
};

const UNSUPPORTED_COMMANDS = ["repro", "show", "timeline", "bisect", "minimize", "stats", "dashboard", "tui"];

/** Flags that take a value. */
const VALUE_FLAGS: Record<string, string> = {
  "-s": "--seed",
  "--seed": "--seed",
  "-n": "--iterations",
  "--iterations": "--iterations",
  "-f": "--faults",
  "--faults": "--faults",
  "--scenario": "--scenario",
  "--max-events": "--max-events",
  "--max-time": "--max-time",
  "--checkpoint-file": "--checkpoint-file",
  "--workload-ops-per-tick": "--workload-ops-per-tick",
  "--workload-tick-ms": "--workload-tick-ms",
  "--enable-invariant": "--enable-invariant",
  "--disable-invariant": "--disable-invariant",
  "--canary": "--canary",
};

/** Flags that change what a seed does; the others change what is printed or kept. */
const NOT_IN_REPRO = new Set(["--seed", "--iterations", "--checkpoint-file", "--json", "--verbose"]);

interface Draft {
  seed: bigint | undefined;
  iterations: number;
  scenario: Scenario | null;
  faults: { network: boolean; storage: boolean };
  maxEvents: number | null;
  maxTimeSeconds: number | null;
  operationsPerTick: number | null;
  tickMs: number | null;
  canary: string | null;
  invariants: Set<InvariantName>;
  json: boolean;
  verbose: boolean;
  diagnosis: boolean;
  plainWorkload: boolean;
  checkDeterminism: boolean;
  checkpointFile: string | null;
  /** Set by a flag that replaces the run. */
  instead: "help" | "list-scenarios" | "list-invariants" | null;
  reproFlags: string[];
}

/** @throws KimtestError `USAGE` saying what is wrong and what to type instead. */
export function parseArguments(argv: readonly string[]): Command {
  const draft: Draft = {
    seed: undefined,
    iterations: DEFAULT_ITERATIONS,
    scenario: null,
    faults: { network: true, storage: true },
    maxEvents: null,
    maxTimeSeconds: null,
    operationsPerTick: null,
    tickMs: null,
    canary: null,
    invariants: new Set(INVARIANTS.map(({ name }) => name)),
    json: false,
    verbose: false,
    diagnosis: true,
    plainWorkload: false,
    checkDeterminism: false,
    checkpointFile: null,
    instead: null,
    reproFlags: [],
  };
  let index = readSubcommand(argv, draft);
  while (index < argv.length) index = readFlag(argv, index, draft);
  if (draft.instead === "help") return { name: "help" };
  if (draft.instead !== null) return { name: draft.instead, json: draft.json };
  return { name: "run", options: finish(draft) };
}

/** Returns the index of the first flag. */
function readSubcommand(argv: readonly string[], draft: Draft): number {
  const first = argv[0];
  if (first === undefined || first.startsWith("-")) return 0;
  if (UNSUPPORTED_COMMANDS.includes(first)) throw unsupported(first, "bundles and views");
  if (first === "scenarios") draft.instead = "list-scenarios";
  else if (first === "help") draft.instead = "help";
  else if (first !== "run") throw usage(`"${first}" is no command`, "commands: run (default), scenarios, help");
  return 1;
}

function readFlag(argv: readonly string[], index: number, draft: Draft): number {
  const argument = argv[index]!;
  const equals = argument.startsWith("--") ? argument.indexOf("=") : -1;
  const flag = equals < 0 ? argument : argument.slice(0, equals);
  const unsupportedFeature = UNSUPPORTED_FLAGS[flag];
  if (unsupportedFeature !== undefined) throw unsupported(flag, unsupportedFeature);
  const name = VALUE_FLAGS[flag];
  if (name === undefined) {
    if (equals >= 0) throw usage(`${flag} takes no value`, "leave out what follows the =");
    const plain = applySwitch(flag, draft);
    if (!NOT_IN_REPRO.has(plain)) draft.reproFlags.push(plain);
    return index + 1;
  }
  const value = equals < 0 ? argv[index + 1] : argument.slice(equals + 1);
  if (value === undefined || value === "" || (equals < 0 && /^-[^0-9]/.test(value))) {
    throw usage(`${flag} needs a value`, `for example: ${EXAMPLES[name] ?? `${flag} VALUE`}`);
  }
  applyValue(name, value, draft);
  if (!NOT_IN_REPRO.has(name)) draft.reproFlags.push(name, value);
  return equals < 0 ? index + 2 : index + 1;
}

const EXAMPLES: Record<string, string> = {
  "--seed": "--seed 17",
  "--iterations": "-n 100",
  "--faults": "--faults network,storage",
  "--scenario": "--scenario combined",
  "--checkpoint-file": "--checkpoint-file checkpoint.json",
};

/** Returns the flag's long name. */
function applySwitch(flag: string, draft: Draft): string {
  switch (flag) {
    case "-h":
    case "--help":
      draft.instead = "help";
      return "--help";
    case "-v":
    case "--verbose":
      draft.verbose = true;
      return "--verbose";
    case "--json":
      draft.json = true;
      return flag;
    case "--list-scenarios":
      draft.instead = "list-scenarios";
      return flag;
    case "--list-invariants":
      draft.instead = "list-invariants";
      return flag;
    case "--no-faults":
      draft.faults = { network: false, storage: false };
      return flag;
    case "--check-determinism":
      draft.checkDeterminism = true;
      return flag;
    case "--no-enhanced-workloads":
      draft.plainWorkload = true;
      return flag;
    case "--no-failure-diagnosis":
      draft.diagnosis = false;
      return flag;
    case "--core-invariants-only":
      draft.invariants = new Set(INVARIANTS.filter(({ group }) => group === "core").map(({ name }) => name));
      return flag;
    case "--enable-vsr-invariants":
    case "--disable-vsr-invariants":
      for (const { name, group } of INVARIANTS) {
        if (group === "vsr") setInvariant(draft, name, flag === "--enable-vsr-invariants");
      }
      return flag;
    // Always so in this simulator: real replicas, and no traces to be left out.
    case "--vsr-mode":
    case "--no-trace-on-failure":
      return flag;
    default:
      throw usage(`unknown argument "${flag}"`, "vopr --help lists all flags");
  }
}

function setInvariant(draft: Draft, name: InvariantName, enabled: boolean): void {
  if (enabled) draft.invariants.add(name);
  else draft.invariants.delete(name);
}

function applyValue(name: string, value: string, draft: Draft): void {
  switch (name) {
    case "--seed":
      draft.seed = parseU64(value, name);
      break;
    case "--iterations":
      draft.iterations = whole(value, name, 1, MAX_ITERATIONS);
      break;
    case "--faults":
      draft.faults = faultsOf(value);
      break;
    case "--scenario":
      draft.scenario = scenarioNamed(value);
      break;
    case "--max-events":
      draft.maxEvents = whole(value, name, 1, MAX_EVENTS);
      break;
    case "--max-time":
      draft.maxTimeSeconds = whole(value, name, 1, MAX_TIME_SECONDS);
      break;
    case "--checkpoint-file":
      draft.checkpointFile = value;
      break;
    case "--workload-ops-per-tick":
      draft.operationsPerTick = whole(value, name, 0, 1_000);
      break;
    case "--workload-tick-ms":
      draft.tickMs = whole(value, name, 1, 10_000);
      break;
    case "--enable-invariant":
    case "--disable-invariant":
      setInvariant(draft, invariantNamed(value), name === "--enable-invariant");
      break;
    case "--canary":
      draft.canary = canaryNamed(value).name;
      break;
    default:
      throw new Error(`${name} is not handled`);
  }
}

function whole(text: string, what: string, low: number, high: number): number {
  const value = /^\d{1,15}$/.test(text) ? Number(text) : NaN;
  if (value >= low && value <= high) return value;
  throw usage(`${what} is "${text}", but must be a whole number from ${low} to ${high}`, `write it in digits alone`);
}

function faultsOf(list: string): { network: boolean; storage: boolean } {
  const names = list.split(",").map((name) => name.trim().toLowerCase());
  for (const name of names) {
    if (name !== "network" && name !== "storage") {
      throw usage(`--faults names "${name}"`, "faults: network, storage, or both with a comma between");
    }
  }
  return { network: names.includes("network"), storage: names.includes("storage") };
}

function invariantNamed(name: string): InvariantName {
  const invariant = INVARIANTS.find((candidate) => candidate.name === name);
  if (invariant !== undefined) return invariant.name;
  throw usage(
    `there is no invariant "${name}"`,
    `invariants: ${INVARIANTS.map((candidate) => candidate.name).join(", ")}`,
  );
}

function finish(draft: Draft): RunOptions {
  const base = draft.scenario ?? DEFAULT_MIX;
  const maxEvents = draft.maxEvents ?? base.maxEvents;
  const scenario: Scenario = {
    ...base,
    network: draft.faults.network ? base.network : NO_NETWORK_FAULTS,
    storage: draft.faults.storage ? base.storage : NO_STORAGE_FAULTS,
    // A longer run is one with more requests.
    requestsPerClient: Math.min(
      Math.ceil(base.requestsPerClient * Math.max(1, maxEvents / base.maxEvents)),
      MAX_REQUESTS_PER_CLIENT,
    ),
  };
  if (draft.seed !== undefined && draft.seed + BigInt(draft.iterations) - 1n > MAX_U64) {
    throw usage(
      `${draft.iterations} seeds from ${draft.seed} on do not fit into 64 bits`,
      "use a smaller --seed or -n",
    );
  }
  if (draft.invariants.size === 0)
    throw usage("all invariants are disabled", "leave at least one, or nothing is tested");
  return {
    seed: draft.seed,
    iterations: draft.iterations,
    simulation: {
      scenario,
      maxEvents,
      maxTimeUs: draft.maxTimeSeconds === null ? base.maxTimeMs * 1000 : draft.maxTimeSeconds * 1_000_000,
      bugs: draft.canary === null ? NO_BUGS : canaryNamed(draft.canary).bugs,
      invariants: draft.invariants,
      plainWorkload: draft.plainWorkload,
      thinkTimeUs: thinkTimeUs(draft, base),
    },
    scenarioName: draft.scenario?.name ?? null,
    canaryName: draft.canary,
    networkFaults: scenario.network !== NO_NETWORK_FAULTS,
    storageFaults: scenario.storage !== NO_STORAGE_FAULTS,
    json: draft.json,
    verbose: draft.verbose,
    diagnosis: draft.diagnosis,
    checkpointFile: draft.checkpointFile,
    checkDeterminism: draft.checkDeterminism,
    reproFlags: draft.reproFlags,
  };
}

/** So many operations per tick over all clients, or the scenario's own pace. */
function thinkTimeUs(draft: Draft, scenario: Scenario): number {
  if (draft.operationsPerTick === null && draft.tickMs === null) return scenario.thinkTimeMs * 1000;
  const operations = draft.operationsPerTick ?? 5;
  const tickMs = draft.tickMs ?? 10;
  return operations === 0 ? 0 : Math.max(1, Math.round((scenario.clients * tickMs * 1000) / operations));
}

function usage(message: string, hint: string): KimtestError {
  return new KimtestError("USAGE", message, { hint });
}

function unsupported(what: string, feature: string): KimtestError {
  return usage(`${what} is not supported by the embedded vopr yet`, `it has no ${feature}; run without ${what}`);
}

export const HELP = `vopr: deterministic simulation of Viewstamped Replication

Usage: vopr [flags]            run seeds and check the invariants
       vopr scenarios [--json] list the scenarios

Seeds
  -s, --seed N                 first seed, 0 to 2^64 - 1 (default 0, or behind the checkpoint)
  -n, --iterations N           number of seeds (default ${DEFAULT_ITERATIONS})
      --scenario NAME          a named mix of faults (see --list-scenarios)
  -f, --faults LIST            network, storage, or network,storage (default both)
      --no-faults              no faults at all
      --max-events N           events until faults and new requests end (default: the scenario's)
      --max-time SECONDS       simulated seconds until they end (default: the scenario's)
      --check-determinism      run every seed twice and compare
      --canary NAME            plant a bug: skip-fsync

Workload
      --workload-ops-per-tick N   operations per tick over all clients; 0 for none
      --workload-tick-ms N        length of a tick
      --no-enhanced-workloads     reads and writes only

Invariants
      --enable-invariant NAME, --disable-invariant NAME
      --enable-vsr-invariants, --disable-vsr-invariants, --core-invariants-only
      --list-invariants

Output
      --json                   one JSON object per line
  -v, --verbose                every seed, failures with details and a command that repeats them
      --no-failure-diagnosis   without the details
      --checkpoint-file PATH   where to go on, and where to keep how far it got
      --list-scenarios         with --json as data
  -h, --help

Accepted because it is always so: --vsr-mode, --no-trace-on-failure.
Exit codes: 0 no seed failed, 1 some did, 2 wrong usage, 101 the simulator itself broke, 130 and 143 stopped.
`;
