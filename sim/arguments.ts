/**
 * The command line of vopr: arguments in, what to do out. Decides everything, does nothing.
 *
 * The flags are those of Kimberlite's binary. Unlike there a number that is none, a value that is missing
 * and a name that is unknown are errors, because a flag that is silently ignored is a test that silently did
 * not happen.
 */
import type { CoverageThresholds } from "../contracts/coverage-thresholds.ts";
import { MAX_U64 } from "../contracts/u64.ts";
import { canaryNamed } from "./canaries.ts";
import { applySwitch, applyValue, emptyDraft, unsupported, usage, type Draft } from "./draft.ts";
import { BUNDLE_COMMANDS, EXAMPLES, NOT_IN_REPRO, UNSUPPORTED_COMMANDS, VALUE_FLAGS } from "./flags.ts";
import { NO_NETWORK_FAULTS, NO_STORAGE_FAULTS, type Scenario } from "./scenario.ts";
import { DEFAULT_MIX } from "./scenarios.ts";
import type { SimulationOptions } from "./simulation/options.ts";
import { ThresholdFlags } from "./threshold-flags.ts";
import { formatOf, type TraceFormat } from "./trace-file.ts";
import type { TraceFilter } from "./trace.ts";
import { NO_BUGS } from "./vsr/state.ts";

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
  /** Every seed is traced, not only one that failed. */
  readonly traceEverything: boolean;
  readonly traceOnFailure: boolean;
  readonly traceFilter: TraceFilter;
  /** How many events of a run are kept, the newest. */
  readonly traceEvents: number;
  /** So large the trace file may get. */
  readonly traceMaxMebibytes: number;
  /** Where traces go; null for none. */
  readonly traceFile: string | null;
  readonly traceFormat: TraceFormat;
  /** Every failed seed leaves a bundle in this folder; null for none. */
  readonly bundleFolder: string | null;
  /** So many failed seeds at most leave one: a batch in which all fail must not fill a disk. */
  readonly maxBundles: number;
  /** So that a failure that comes often leaves room for one that comes rarely. */
  readonly maxBundlesPerInvariant: number;
  readonly checkpointFile: string | null;
  readonly checkDeterminism: boolean;
  /** What the batch must have exercised; null when nothing was asked for. */
  readonly thresholds: CoverageThresholds | null;
  /** The flags that change what a seed does, to be printed with a failing seed. */
  readonly reproFlags: readonly string[];
}

export type Command =
  | { readonly name: "run"; readonly options: RunOptions }
  | { readonly name: "help" }
  | { readonly name: "list-scenarios"; readonly json: boolean }
  | { readonly name: "list-invariants"; readonly json: boolean }
  | { readonly name: "list-canaries"; readonly json: boolean };

/** @throws KimtestError `USAGE` saying what is wrong and what to type instead. */
export function parseArguments(argv: readonly string[]): Command {
  const draft = emptyDraft();
  const thresholds = new ThresholdFlags();
  let index = readSubcommand(argv, draft);
  while (index < argv.length) index = readFlag(argv, index, draft, thresholds);
  if (draft.instead === "help") return { name: "help" };
  if (draft.instead !== null) return { name: draft.instead, json: draft.json };
  return { name: "run", options: finish(draft, thresholds.thresholds()) };
}

/** Returns the index of the first flag. */
function readSubcommand(argv: readonly string[], draft: Draft): number {
  const first = argv[0];
  if (first === undefined || first.startsWith("-")) return 0;
  if (UNSUPPORTED_COMMANDS.includes(first)) throw unsupported(first, "such view");
  if (first === "scenarios") draft.instead = "list-scenarios";
  else if (first === "help") draft.instead = "help";
  else if (first !== "run")
    throw usage(`"${first}" is no command`, `commands: run (default), ${BUNDLE_COMMANDS.join(", ")}, scenarios, help`);
  return 1;
}

function readFlag(argv: readonly string[], index: number, draft: Draft, thresholds: ThresholdFlags): number {
  const argument = argv[index]!;
  const equals = argument.startsWith("--") ? argument.indexOf("=") : -1;
  const flag = equals < 0 ? argument : argument.slice(0, equals);
  const name = VALUE_FLAGS.get(flag);
  if (name === undefined) {
    if (equals >= 0) throw usage(`${flag} takes no value`, "leave out what follows the =");
    const plain = thresholds.takesSwitch(flag) ? flag : applySwitch(flag, draft);
    if (!NOT_IN_REPRO.has(plain)) draft.reproFlags.push(plain);
    return index + 1;
  }
  const value = equals < 0 ? argv[index + 1] : argument.slice(equals + 1);
  if (value === undefined || value === "" || (equals < 0 && /^-[^0-9]/.test(value))) {
    throw usage(`${flag} needs a value`, `for example: ${EXAMPLES.get(name) ?? `${flag} VALUE`}`);
  }
  if (!thresholds.takesValue(name, value)) applyValue(name, value, draft);
  if (!NOT_IN_REPRO.has(name)) draft.reproFlags.push(name, value);
  return equals < 0 ? index + 2 : index + 1;
}

function finish(draft: Draft, thresholds: CoverageThresholds | null): RunOptions {
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
  if (draft.traceEverything && draft.traceFile === null)
    throw usage("--enable-trace without --trace-out would be written nowhere", "for example: --trace-out trace.ndjson");
  if (draft.traceFormat !== null && draft.traceFile === null)
    throw usage("--trace-format without --trace-out has nothing to say of", "for example: --trace-out trace.json");
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
    traceEverything: draft.traceEverything,
    traceOnFailure: draft.traceOnFailure,
    traceFilter: draft.traceFilter,
    traceEvents: draft.traceEvents,
    traceMaxMebibytes: draft.traceMaxMebibytes,
    traceFile: draft.traceFile,
    traceFormat: draft.traceFormat ?? formatOf(draft.traceFile ?? ""),
    bundleFolder: draft.bundleFolder,
    maxBundles: draft.maxBundles,
    maxBundlesPerInvariant: draft.maxBundlesPerInvariant,
    checkpointFile: draft.checkpointFile,
    checkDeterminism: draft.checkDeterminism,
    thresholds,
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
