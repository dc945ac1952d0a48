/** For tests: real runs, and real failures of planted bugs as bundles. */
import { parseArguments, type RunOptions } from "./arguments.ts";
import { BundleRun } from "./bundle-run.ts";
import { bundleOf, type Bundle } from "./bundle.ts";
import { canaryNamed } from "./canaries.ts";
import { Coverage } from "./coverage.ts";
import type { DecisionLog } from "./decisions/decisions.ts";
import { Recorder } from "./decisions/recorder.ts";
import { Simulation, type Watch } from "./simulation.ts";
import type { SimulationResult } from "./simulation/options.ts";
import { Trace } from "./trace.ts";

const MAX_SEEDS = 300;

export function runOptions(...argv: string[]): RunOptions {
  const command = parseArguments(argv);
  if (command.name !== "run") throw new Error("not a run");
  return command.options;
}

export function run(argv: readonly string[], seed: number, watch?: Watch): SimulationResult {
  return new Simulation(seed, 0, runOptions(...argv).simulation, new Coverage(), watch).run();
}

export interface Recorded {
  readonly result: SimulationResult;
  readonly log: DecisionLog;
  readonly trace: Trace;
}

export function recorded(argv: readonly string[], seed: number): Recorded {
  const trace = new Trace();
  const decisions = new Recorder();
  const result = run(argv, seed, { trace, decisions });
  return { result, log: decisions.log, trace };
}

/** As `--bundle-out` leaves it. */
export function bundleOfSeed(argv: readonly string[], seed: number): Bundle {
  const { result, log, trace } = recorded(argv, seed);
  const scenario = runOptions(...argv).scenarioName ?? "default";
  return bundleOf({ seed: BigInt(seed), scenario, commit: "unknown", flags: argv }, result, trace, log);
}

/** Of the first seed in which the invariant that is meant finds this canary. */
export function bundleOfCanary(name: string): Bundle {
  const { scenario, finds } = canaryNamed(name);
  const argv = ["--scenario", scenario, "--canary", name];
  for (let seed = 0; seed < MAX_SEEDS; seed++) {
    if (run(argv, seed).failure?.invariant === finds) return bundleOfSeed(argv, seed);
  }
  throw new Error(`${name} was not found in ${MAX_SEEDS} seeds`);
}

export function runOf(bundle: Bundle): BundleRun {
  return new BundleRun(bundle, "a bundle");
}
