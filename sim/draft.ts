/** A command line half read: what each flag and each value changes in it. */
import { KimtestError } from "../contracts/errors.ts";
import { parseU64 } from "../contracts/u64.ts";
import { canaryNamed } from "./canaries.ts";
import { DEFAULT_ITERATIONS, DEFAULT_MAX_BUNDLES, DEFAULT_TRACE_MAX_MEBIBYTES } from "./flags.ts";
import { INVARIANTS, type InvariantName } from "./invariants/catalogue.ts";
import { type Scenario } from "./scenario.ts";
import { DEFAULT_TRACE_EVENTS, TRACE_FILTERS, type TraceFilter } from "./trace.ts";
import { wholeNumber } from "./number-argument.ts";
import { TRACE_FORMATS, type TraceFormat } from "./trace-file.ts";
import { scenarioNamed } from "./scenarios.ts";

const MAX_ITERATIONS = 1_000_000_000;
const MAX_EVENTS = 1_000_000;
const MAX_TIME_SECONDS = 1_000;
const MAX_TRACE_EVENTS = 1_000_000;
const MAX_TRACE_MEBIBYTES = 1_048_576;

export interface Draft {
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
  traceEverything: boolean;
  traceOnFailure: boolean;
  traceFilter: TraceFilter;
  traceEvents: number;
  traceMaxMebibytes: number;
  traceFile: string | null;
  /** null: as the file's name says. */
  traceFormat: TraceFormat | null;
  bundleFolder: string | null;
  maxBundles: number;
  maxBundlesPerInvariant: number;
  checkpointFile: string | null;
  /** Set by a flag that replaces the run. */
  instead: "help" | "list-scenarios" | "list-invariants" | "list-canaries" | null;
  reproFlags: string[];
}

/** What an empty command line means. */
export function emptyDraft(): Draft {
  return {
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
    traceEverything: false,
    traceOnFailure: true,
    traceFilter: "verbose",
    traceEvents: DEFAULT_TRACE_EVENTS,
    traceMaxMebibytes: DEFAULT_TRACE_MAX_MEBIBYTES,
    traceFile: null,
    traceFormat: null,
    bundleFolder: null,
    maxBundles: DEFAULT_MAX_BUNDLES,
    maxBundlesPerInvariant: Infinity,
    checkpointFile: null,
    instead: null,
    reproFlags: [],
  };
}

/** Returns the flag's long name. */
export function applySwitch(flag: string, draft: Draft): string {
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
    case "--list-canaries":
      draft.instead = "list-canaries";
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
      setGroup(draft, "vsr", flag === "--enable-vsr-invariants");
      return flag;
    case "--enable-projection-invariants":
    case "--disable-projection-invariants":
      setGroup(draft, "projection", flag === "--enable-projection-invariants");
      return flag;
    case "--enable-query-invariants":
    case "--disable-query-invariants":
      setGroup(draft, "sql", flag === "--enable-query-invariants");
      return flag;
    case "--enable-sql-oracles":
      setGroup(draft, "sql", true);
      return flag;
    case "--enable-trace":
      draft.traceEverything = true;
      return flag;
    case "--no-trace-on-failure":
      draft.traceOnFailure = false;
      return flag;
    // Always so in this simulator: the replicas are real.
    case "--vsr-mode":
      return flag;
    default:
      throw usage(`unknown argument "${flag}"`, "vopr --help lists all flags");
  }
}

function setGroup(draft: Draft, wanted: (typeof INVARIANTS)[number]["group"], enabled: boolean): void {
  for (const { name, group } of INVARIANTS) if (group === wanted) setInvariant(draft, name, enabled);
}

function setInvariant(draft: Draft, name: InvariantName, enabled: boolean): void {
  if (enabled) draft.invariants.add(name);
  else draft.invariants.delete(name);
}

/** `name` is the long name of a flag that takes a value. */
export function applyValue(name: string, value: string, draft: Draft): void {
  switch (name) {
    case "--seed":
      draft.seed = parseU64(value, name);
      break;
    case "--iterations":
      draft.iterations = wholeNumber(value, name, 1, MAX_ITERATIONS);
      break;
    case "--faults":
      draft.faults = faultsOf(value);
      break;
    case "--scenario":
      draft.scenario = scenarioNamed(value);
      break;
    case "--max-events":
      draft.maxEvents = wholeNumber(value, name, 1, MAX_EVENTS);
      break;
    case "--max-time":
      draft.maxTimeSeconds = wholeNumber(value, name, 1, MAX_TIME_SECONDS);
      break;
    case "--checkpoint-file":
      draft.checkpointFile = value;
      break;
    case "--workload-ops-per-tick":
      draft.operationsPerTick = wholeNumber(value, name, 0, 1_000);
      break;
    case "--workload-tick-ms":
      draft.tickMs = wholeNumber(value, name, 1, 10_000);
      break;
    case "--enable-invariant":
    case "--disable-invariant":
      setInvariant(draft, invariantNamed(value), name === "--enable-invariant");
      break;
    case "--trace-out":
      draft.traceFile = value;
      break;
    case "--bundle-out":
      draft.bundleFolder = value;
      break;
    case "--max-bundles":
      draft.maxBundles = wholeNumber(value, name, 1, MAX_ITERATIONS);
      break;
    case "--max-bundles-per-invariant":
      draft.maxBundlesPerInvariant = wholeNumber(value, name, 1, MAX_ITERATIONS);
      break;
    case "--trace-events":
      draft.traceEvents = wholeNumber(value, name, 1, MAX_TRACE_EVENTS);
      break;
    case "--trace-max-mebibytes":
      draft.traceMaxMebibytes = wholeNumber(value, name, 1, MAX_TRACE_MEBIBYTES);
      break;
    case "--trace-format":
      draft.traceFormat = oneOf(TRACE_FORMATS, value, "trace format", "formats");
      break;
    case "--trace-filter":
      draft.traceFilter = oneOf(TRACE_FILTERS, value, "trace filter", "filters");
      break;
    case "--canary":
      draft.canary = canaryNamed(value).name;
      break;
    default:
      throw new Error(`${name} is not handled`);
  }
}

function oneOf<Name extends string>(names: readonly Name[], wanted: string, what: string, list: string): Name {
  const found = names.find((candidate) => candidate === wanted);
  if (found !== undefined) return found;
  throw usage(`there is no ${what} "${wanted}"`, `${list}: ${names.join(", ")}`);
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

export function usage(message: string, hint: string): KimtestError {
  return new KimtestError("USAGE", message, { hint });
}

export function unsupported(what: string, feature: string): KimtestError {
  return usage(`${what} is not supported by the embedded vopr yet`, `it has no ${feature}; run without ${what}`);
}
