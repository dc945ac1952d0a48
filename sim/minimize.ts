/**
 * Minimising a bundle: as few faults, clients, requests and queries as still make it fail by the same invariant.
 *
 * First whole groups are left out (a kind of fault, a client with its requests), which costs a run each and takes
 * most; then delta debugging works on what is left. Both are repeated until nothing changes. A smaller set counts
 * only if its run is not longer: what is left out shall make the failure easier to read.
 */
import type { BundleRun } from "./bundle-run.ts";
import { CHOICE_NAMES, type Decision, type DecisionLog } from "./decisions/decisions.ts";
import { minimized } from "./delta-debugging.ts";
import { Budget, type AskStop, type Limits } from "./limits.ts";
import type { SimulationResult } from "./simulation/options.ts";

export interface Minimized {
  readonly log: DecisionLog;
  readonly result: SimulationResult;
  readonly runs: number;
  /** False when a limit or a stop came before it was known that nothing more can be left out. */
  readonly complete: boolean;
}

/** @throws KimtestError `USAGE` when the bundle does not fail here as it says. */
export async function minimize(run: BundleRun, limits: Limits, askStop?: AskStop): Promise<Minimized> {
  return await new Minimizer(run, run.reproducibleLog(), new Budget(limits, askStop)).minimize();
}

class Minimizer {
  private readonly run: BundleRun;
  private readonly positions: DecisionLog["positions"];
  private readonly budget: Budget;
  private taken: readonly Decision[];
  private result: SimulationResult;

  constructor(run: BundleRun, log: DecisionLog, budget: Budget) {
    this.run = run;
    this.budget = budget;
    this.positions = log.positions;
    this.taken = log.taken;
    this.result = run.following(log);
  }

  async minimize(): Promise<Minimized> {
    let before: number;
    do {
      before = this.taken.length;
      for (const isLeftOut of groupsOf(this.taken)) await this.tryWithout(isLeftOut);
      await minimized(this.taken, this.stillFails, this.isOver);
    } while (this.taken.length < before && !this.isOver());
    return { log: this.logOf(this.taken), result: this.result, runs: this.budget.runs, complete: !this.isOver() };
  }

  private async tryWithout(isLeftOut: (decision: Decision) => boolean): Promise<void> {
    const rest = this.taken.filter((decision) => !isLeftOut(decision));
    if (rest.length < this.taken.length) await this.stillFails(rest);
  }

  /** Whether it fails as before with these alone; if so they are kept. */
  private readonly stillFails = async (taken: readonly Decision[]): Promise<boolean> => {
    if (!(await this.budget.spend())) return false;
    const result = this.run.following(this.logOf(taken));
    if (!this.run.isSame(result) || result.events > this.result.events) return false;
    this.taken = taken;
    this.result = result;
    return true;
  };

  private readonly isOver = (): boolean => this.budget.isOver;

  private logOf(taken: readonly Decision[]): DecisionLog {
    return { positions: this.positions, taken, whole: false };
  }
}

/** What is tried to be left out at once. */
function groupsOf(taken: readonly Decision[]): ((decision: Decision) => boolean)[] {
  const clients = new Set(taken.flatMap(({ choice, index }) => (choice === "client" ? [index] : [])));
  return [
    ...CHOICE_NAMES.map(
      (name) =>
        ({ choice }: Decision) =>
          choice === name,
    ),
    ...[...clients].map(
      (client) =>
        ({ choice, index }: Decision) =>
          (choice === "client" || choice === "request") && index === client,
    ),
  ];
}
