/**
 * The frame of a smoke test: runs checks one by one, each within its time, and keeps what they came to.
 *
 * What a check does is done by the modules of the phases and by their adapters, on the same dependencies as in a
 * cycle. Whatever becomes of one check, the others are run; nothing that was not seen is passed.
 */
import { reasonOf, KimtestError } from "../../contracts/errors.ts";
import type { CanaryResult } from "../../contracts/canary.ts";
import type { Profile } from "../../contracts/profile.ts";
import type { SmokeCheck, SmokePart } from "../../contracts/smoke.ts";
import { failed, inconclusive, PASSED, type Judgement, type Verdict } from "../../contracts/verdict.ts";
import { lonePhase } from "../lone-phase.ts";
import type { PhaseContext } from "../phases/context.ts";
import type { RunnerDependencies } from "../platform/dependencies.ts";
import type { CycleStateFile } from "../platform/state-file.ts";
import { shellQuoted } from "../tools/shell.ts";

/** A check that is being run, for people who wait for it. */
export interface RunningCheck {
  readonly part: SmokePart;
  readonly name: string;
  /** What it does just now. */
  readonly activity: () => string;
}

export interface SmokeWatcher {
  began(check: RunningCheck): void;
  /** `running`: as it was given to `began`. */
  ended(check: SmokeCheck, running: RunningCheck): void;
  warning(message: string): void;
}

export interface SmokeOptions {
  readonly profile: Profile;
  /** Checks at the same time, where they do not disturb each other. */
  readonly workers: number;
  readonly limitMs: number;
  /** Of one check; what is prepared for all of them has only the limit of the whole. */
  readonly checkLimitMs: number;
  readonly signal: AbortSignal;
  readonly watcher: SmokeWatcher;
}

/** What a look has come to. */
export interface Shown {
  readonly verdict: Verdict;
  readonly what: string;
  readonly hint: string | null;
}

/** `seen`: what is said when it passed; `hint`: what is typed next when it did not. */
export function shown({ verdict, reason }: Judgement, seen: string, hint: string): Shown {
  return verdict === "passed" ? { verdict, what: seen, hint: null } : { verdict, what: reason ?? "no reason", hint };
}

/** A hint. The work tree of a repository is removed at the end, a person has a checkout of their own. */
export const byHand = (command: readonly string[]): string =>
  `run it by hand, in the checkout: ${command.map(shellQuoted).join(" ")}`;

/** A planted bug that was looked for and not found is a failure of the harness; one that could not be, is not. */
export function canaryShown({ found, runs, reason }: CanaryResult, hint: string): Shown {
  const why = reason ?? "no reason given";
  const judgement = runs === 0 ? inconclusive(why) : failed(`the planted bug was not found: ${why}`);
  return shown(found ? PASSED : judgement, "the planted bug was found", hint);
}

export class Smoke {
  readonly dependencies: RunnerDependencies;
  readonly options: SmokeOptions;
  readonly state: CycleStateFile;
  readonly checks: SmokeCheck[] = [];
  readonly warnings: string[] = [];
  readonly #startedMs: number;

  constructor(dependencies: RunnerDependencies, options: SmokeOptions, state: CycleStateFile) {
    this.dependencies = dependencies;
    this.options = options;
    this.state = state;
    this.#startedMs = dependencies.clock.monotonicMs();
  }

  get profile(): Profile {
    return this.options.profile;
  }

  get signal(): AbortSignal {
    return this.options.signal;
  }

  #isStopped(): boolean {
    return this.signal.aborted;
  }

  /** Of the whole, milliseconds. */
  leftMs(): number {
    return this.options.limitMs - (this.dependencies.clock.monotonicMs() - this.#startedMs);
  }

  context(budgetMs: number, signal: AbortSignal = this.signal): PhaseContext {
    return lonePhase(this.dependencies, {
      profile: this.profile,
      state: this.state,
      signal,
      budgetMs,
      worked: () => undefined,
      warn: (message) => {
        this.warnings.push(message);
        this.options.watcher.warning(message);
      },
    });
  }

  /** What is stopped under way leaves no check behind. */
  async check(
    part: SmokePart,
    name: string,
    look: (context: PhaseContext) => Promise<Shown> | Shown,
    checkLimitMs = this.options.checkLimitMs,
  ): Promise<void> {
    if (this.#isStopped()) return;
    const { clock, log } = this.dependencies;
    const { watcher } = this.options;
    const limitMs = Math.min(checkLimitMs, this.leftMs());
    const over = AbortSignal.timeout(Math.max(1, Math.ceil(limitMs)));
    const context = this.context(limitMs, AbortSignal.any([this.signal, over]));
    const running = { part, name, activity: () => context.live.activity };
    const startedMs = clock.monotonicMs();
    watcher.began(running);
    let seen: Shown;
    try {
      seen = limitMs <= 0 ? NO_TIME : await look(context);
    } catch (error) {
      log.error({ part, name, error }, "the smoke test failed in itself");
      seen = fault(error);
    }
    if (this.#isStopped()) return;
    const elapsedMs = clock.monotonicMs() - startedMs;
    // Its processes were ended: whatever they seemed to show is not believed.
    if (over.aborted && limitMs > 0) seen = late(limitMs, limitMs < checkLimitMs);
    const check: SmokeCheck = { part, name, ...seen, seconds: Math.round(elapsedMs) / 1_000 };
    this.checks.push(check);
    watcher.ended(check, running);
  }
}

const NO_TIME: Shown = {
  ...{ verdict: "inconclusive", what: "not run: the time of the whole was used up" },
  hint: "give it more with --limit, or run a part of it with --only",
};

const late = (limitMs: number, isWhole: boolean): Shown => ({
  verdict: "inconclusive",
  what: `not done within ${String(Math.round(limitMs / 100) / 10)} s`,
  hint: isWhole ? NO_TIME.hint : "give it more time with --check-limit",
});

/** One check in which the runner itself fails is no reason to give up the others. */
const fault = (error: unknown): Shown => ({
  verdict: "inconclusive",
  what: `kimtest failed in it: ${reasonOf(error)}`,
  hint:
    (error instanceof KimtestError ? error.hint : undefined) ?? "look at runner.log in the folder that --keep leaves",
});
