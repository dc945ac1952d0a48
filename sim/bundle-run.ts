/** The run of a bundle, again and again: as it was, with some of its decisions, or left to itself from some event on. */
import { KimtestError } from "../contracts/errors.ts";
import { parseArguments, type RunOptions } from "./arguments.ts";
import type { Bundle } from "./bundle.ts";
import { logOf } from "./bundle-reader.ts";
import { Coverage } from "./coverage.ts";
import { runTwice, simulateSeed } from "./determinism.ts";
import { Follower, Tapes } from "./decisions/follower.ts";
import type { DecisionLog } from "./decisions/decisions.ts";
import { SeedCounter } from "./seed.ts";
import { Simulation, type EventDescription, type Watch } from "./simulation.ts";
import type { SimulationResult } from "./simulation/options.ts";
import type { Trace } from "./trace.ts";

export class BundleRun {
  readonly bundle: Bundle;
  readonly options: RunOptions;
  /** null: its decisions cannot be followed. */
  readonly log: DecisionLog | null;
  readonly seed: SeedCounter;
  private readonly tapes: Tapes;

  /** @throws KimtestError `USAGE` when this program does not know its flags. */
  constructor(bundle: Bundle, name: string) {
    this.bundle = bundle;
    this.options = optionsOf(bundle, name);
    this.log = logOf(bundle);
    this.seed = new SeedCounter(bundle.seed);
    this.tapes = new Tapes(this.seed.low, this.seed.high);
  }

  /** By its decisions where it has them, else by its seed. */
  again(trace?: Trace): SimulationResult {
    return this.log === null ? this.simulate({ trace }) : this.following(this.log, trace);
  }

  /** By its seed, twice: a failure when the two differ. */
  twice(): SimulationResult {
    return runTwice(simulateSeed, this.seed.low, this.seed.high, this.options.simulation, new Coverage());
  }

  following(log: DecisionLog, trace?: Trace): SimulationResult {
    return this.simulate({ trace, decisions: new Follower(this.tapes, log) });
  }

  /** Follows the first events, and is left to itself from there on; see Follower. */
  leftAlone(log: DecisionLog, afterEvents: number, continuation: number): SimulationResult {
    return this.simulate({ decisions: new Follower(this.tapes, log, afterEvents, continuation) });
  }

  /** What the event of this number is, for people. */
  eventNumbered(log: DecisionLog, number: number): EventDescription {
    return this.simulation({ decisions: new Follower(this.tapes, log) }).eventNumbered(number);
  }

  private simulate(watch: Watch): SimulationResult {
    return this.simulation(watch).run();
  }

  private simulation(watch: Watch): Simulation {
    const { low, high } = this.seed;
    return new Simulation(low, high, this.options.simulation, new Coverage(), watch);
  }

  /** True for a failure of the same signature; the scenario is the same anyway. */
  isSame({ failure }: SimulationResult): boolean {
    return failure?.invariant === this.bundle.failure.invariant;
  }

  /**
   * The log, when following it fails as the bundle says.
   *
   * @throws KimtestError `USAGE` when it has none, or does not fail so here: there is nothing to look for.
   */
  reproducibleLog(): DecisionLog {
    const { failure, commit } = this.bundle;
    if (this.log === null) {
      throw new KimtestError(
        "USAGE",
        `the bundle is of a ${failure.invariant} failure: its run is not the same twice`,
        {
          hint: "vopr repro shows the first event in which two runs differ",
        },
      );
    }
    const result = this.following(this.log);
    if (this.isSame(result)) return this.log;
    const instead = result.failure === null ? "passes" : `fails by ${result.failure.invariant}`;
    throw new KimtestError("USAGE", `the bundle has ${failure.invariant}, but its run ${instead} with this program`, {
      hint: `it was written at commit ${commit}; use that one`,
    });
  }
}

function optionsOf({ seed, flags }: Bundle, name: string): RunOptions {
  try {
    const command = parseArguments(["--seed", String(seed), "-n", "1", ...flags]);
    if (command.name === "run") return command.options;
  } catch (error) {
    if (!(error instanceof KimtestError)) throw error;
    throw new KimtestError("USAGE", `${name} has flags that this program does not know: ${error.message}`, {
      hint: "use the release that wrote it",
      cause: error,
    });
  }
  throw new KimtestError("USAGE", `the flags of ${name} are no run`, { hint: "see vopr show" });
}
