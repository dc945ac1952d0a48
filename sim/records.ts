/** The NDJSON records of a run, as text: `{data, timestamp, type}` per line, shapes in contracts/vopr.ts. */
import { stringifyJson } from "../contracts/json.ts";
import type { CoverageValidation } from "../contracts/vopr.ts";
import type { RunOptions } from "./arguments.ts";
import type { Coverage } from "./coverage.ts";
import type { Diagnosis } from "./diagnosis.ts";
import type { SimulationResult } from "./simulation/options.ts";

/** RFC 3339 with nanoseconds and an offset, as Kimberlite's binary prints it. */
export function timestampOf(date: Date): string {
  return `${date.toISOString().slice(0, -1)}000000+00:00`;
}

/** Built by hand: one per seed. */
export function iterationRecord(
  seed: string,
  result: SimulationResult,
  scenario: string,
  timestamp: string,
  diagnosis: Diagnosis | null,
): string {
  const { events, failure } = result;
  const data =
    failure === null
      ? `{"events":${events},"kernel_state_hash":"${result.kernelStateHash}","seed":${seed},` +
        `"simulated_time_ms":${result.simulatedTimeUs / 1000},"status":"ok","storage_hash":"${result.storageHash}"}`
      : `{${diagnosis === null ? "" : `"diagnosis":${stringifyJson(diagnosis, 0)},`}"events":${events},"invariant":${JSON.stringify(failure.invariant)},` +
        `"message":${JSON.stringify(failure.message)},"scenario":${JSON.stringify(scenario)},` +
        `"seed":${seed},"simulated_time_ms":${result.simulatedTimeUs / 1000},"status":"failed"}`;
  return `{"data":${data},"timestamp":"${timestamp}","type":"iteration"}\n`;
}

export function startRecord(
  options: RunOptions,
  startingSeed: bigint,
  checkpointLoaded: boolean,
  timestamp: string,
): string {
  const data = {
    canary: options.canaryName,
    checkpoint_loaded: checkpointLoaded,
    iterations: options.iterations,
    network_faults: options.networkFaults,
    scenario: options.scenarioName,
    starting_seed: startingSeed,
    storage_faults: options.storageFaults,
  };
  return `${stringifyJson({ data, timestamp, type: "start" }, 0)}\n`;
}

export interface BatchTotals {
  readonly successes: number;
  readonly failures: number;
  readonly elapsedSeconds: number;
  readonly failedSeeds: readonly bigint[];
  /** Bundles written; null when none were asked for. */
  readonly bundles: number | null;
  /** How many went into the trace file, and how many found no room; null when there is no such file. */
  readonly traces: { readonly written: number; readonly leftOut: number } | null;
}

/** Stands before the end where coverage thresholds are not met; else empty. */
export function coverageFailuresRecord({ violations }: CoverageValidation, timestamp: string): string {
  if (violations.length === 0) return "";
  const data = { failures: violations.map(({ message }) => message) };
  return `${stringifyJson({ data, timestamp, type: "coverage_failures" }, 0)}\n`;
}

export function batchCompleteRecord(
  totals: BatchTotals,
  coverage: Coverage,
  validation: CoverageValidation | null,
  timestamp: string,
): string {
  const { successes, failures, elapsedSeconds, failedSeeds, bundles, traces } = totals;
  const data = {
    ...(bundles === null ? {} : { bundles_written: bundles }),
    coverage: coverage.report(),
    ...(validation === null ? {} : { coverage_validation: validation }),
    elapsed_secs: elapsedSeconds,
    failed_seeds: failedSeeds,
    failures,
    properties: coverage.properties(),
    rate: elapsedSeconds > 0 ? (successes + failures) / elapsedSeconds : 0,
    successes,
    ...(traces === null ? {} : { traces_left_out: traces.leftOut, traces_written: traces.written }),
  };
  return `${stringifyJson({ data, timestamp, type: "batch_complete" }, 0)}\n`;
}
