/** What a simulation is given, and what it gives back. */
import type { DatabaseSize } from "../database/database.ts";
import type { InvariantName } from "../invariants/catalogue.ts";
import type { Scenario } from "../scenario.ts";
import type { ReplicaSummary } from "../trace.ts";
import type { PlantedBugs } from "../vsr/state.ts";

/** The clients of a scenario, and the auditor; see workload.ts. */
export function clientCountOf(scenario: Scenario): number {
  return scenario.clients + 1;
}

export function databaseSizeOf(scenario: Scenario): DatabaseSize {
  const { tenants, keysPerTenant, sessions } = scenario;
  return { tenants, keysPerTenant, clients: clientCountOf(scenario), sessions };
}

export interface SimulationOptions {
  readonly scenario: Scenario;
  readonly maxEvents: number;
  readonly maxTimeUs: number;
  readonly bugs: PlantedBugs;
  readonly invariants: ReadonlySet<InvariantName>;
  /** Reads and writes only. */
  readonly plainWorkload: boolean;
  /** Mean microseconds between an answer and the next request; 0 for no requests at all. */
  readonly thinkTimeUs: number;
}

export interface SimulationResult {
  readonly failure: { readonly invariant: string; readonly message: string } | null;
  /** What the replicas knew in the end; empty when nothing failed. */
  readonly replicas: readonly ReplicaSummary[];
  readonly events: number;
  readonly simulatedTimeUs: number;
  readonly storageHash: string;
  readonly kernelStateHash: string;
}
