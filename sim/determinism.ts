/**
 * The determinism check: a seed is run twice, each time in a state of its own, and everything that can be seen of
 * the two runs must be equal: hashes, counts, end, and every event of their traces.
 */
import { DETERMINISM } from "../contracts/determinism.ts";
import { Coverage } from "./coverage.ts";
import { Simulation, type Watch } from "./simulation.ts";
import type { SimulationOptions, SimulationResult } from "./simulation/options.ts";
import { Trace, firstDivergence } from "./trace.ts";

/** So that the first event that differs is still there: a run of a usual length has some ten thousand. */
const COMPARED_EVENTS = 200_000;

export type Simulate = (
  low: number,
  high: number,
  options: SimulationOptions,
  coverage: Coverage,
  watch?: Watch,
) => SimulationResult;

export const simulateSeed: Simulate = (low, high, options, coverage, watch) =>
  new Simulation(low, high, options, coverage, watch).run();

/** The result of the first run; a failure of `determinism` when the second is another. */
export function runTwice(
  simulate: Simulate,
  low: number,
  high: number,
  options: SimulationOptions,
  coverage: Coverage,
): SimulationResult {
  const traces = [new Trace("verbose", COMPARED_EVENTS), new Trace("verbose", COMPARED_EVENTS)] as const;
  const result = simulate(low, high, options, coverage, { trace: traces[0] });
  const again = simulate(low, high, options, new Coverage(), { trace: traces[1] });
  const difference = differenceBetween(result, again);
  const divergence = firstDivergence(...traces);
  if (difference === null && divergence === null) return result;
  coverage.violated.add(DETERMINISM);
  const message = `${difference ?? "two runs of this seed end alike"}; ${divergence ?? "their traces are equal"}`;
  return { ...result, failure: { invariant: DETERMINISM, message } };
}

/** What differs between the results of two runs of one seed, or null. */
export function differenceBetween(first: SimulationResult, second: SimulationResult): string | null {
  const pairs: [string, string | number, string | number][] = [
    ["storage_hash", first.storageHash, second.storageHash],
    ["kernel_state_hash", first.kernelStateHash, second.kernelStateHash],
    ["events", first.events, second.events],
    ["simulated_time_us", first.simulatedTimeUs, second.simulatedTimeUs],
    ["failure", JSON.stringify(first.failure), JSON.stringify(second.failure)],
  ];
  const different = pairs.filter(([, one, other]) => one !== other);
  if (different.length === 0) return null;
  return `two runs of this seed differ: ${different.map(([what, one, other]) => `${what} ${one} != ${other}`).join(", ")}`;
}
