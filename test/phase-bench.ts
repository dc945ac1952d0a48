/** One phase alone, on real parts: processes, an outbox, a folder as its store, a state file. Nothing before or after it. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach } from "@jest/globals";
import type { PhaseName } from "../contracts/parts.ts";
import type { Profile } from "../contracts/profile.ts";
import { lonePhase, stateOfFirstCycle } from "../runner/lone-phase.ts";
import { openRunner } from "../runner/open-runner.ts";
import type { PhaseContext } from "../runner/phases/context.ts";
import { CycleStateFile } from "../runner/platform/state-file.ts";
import { Workbench } from "./workbench.ts";

export const BENCH_COMMIT = "0123456789abcdef0123456789abcdef01234567";

export interface PhaseBench {
  readonly bench: Workbench;
  readonly context: PhaseContext;
  /** Aborting it stops the phase. */
  readonly stop: AbortController;
  readonly warnings: readonly string[];
  /** How often the phase said that work was really done. */
  readonly heartbeats: () => number;
  /** An object as it was delivered to the store. */
  readonly stored: (key: string) => Promise<string>;
  readonly close: () => Promise<void>;
}

export interface PhaseBenchOptions {
  readonly profile: Profile;
  readonly phase: PhaseName;
  readonly budgetMs: number;
  /** Number of the cycle; 1 by default. */
  readonly cycle?: number;
  /** That of an earlier phase, which must be closed; by default a new one. */
  readonly bench?: Workbench;
}

/** Makes them; each is closed, and its folder removed, after each test. */
export function phaseBenches(): (options: PhaseBenchOptions) => Promise<PhaseBench> {
  let made: PhaseBench[] = [];
  afterEach(async () => {
    for (const { stop, close, bench } of made) {
      stop.abort();
      await close();
      bench.remove();
    }
    made = [];
  });
  return async (options) => {
    const opened = await open(options);
    made.push(opened);
    return opened;
  };
}

async function open({ profile, phase, budgetMs, cycle = 1, bench = new Workbench() }: PhaseBenchOptions) {
  const notifier = { notify: () => Promise.resolve() };
  const runner = await openRunner({ store: bench.store, stateFolder: bench.state, notifier });
  const { dependencies, statePath } = runner;
  const { outbox } = dependencies;
  const begun = stateOfFirstCycle(dependencies, profile, budgetMs);
  const stop = new AbortController();
  const warnings: string[] = [];
  let heartbeats = 0;
  let closing: Promise<void> | undefined;
  const context = lonePhase(dependencies, {
    profile,
    state: new CycleStateFile(statePath, { ...begun, cycle, phase, git_commit: BENCH_COMMIT }),
    signal: stop.signal,
    budgetMs,
    worked: () => {
      heartbeats += 1;
    },
    warn: (message) => {
      warnings.push(message);
    },
  });
  return {
    bench,
    context,
    stop,
    warnings,
    heartbeats: () => heartbeats,
    stored: async (key: string) => {
      const { delivered } = await outbox.flush(60_000);
      if (!delivered) throw new Error("not all of it was delivered");
      return readFileSync(join(bench.store, key), "utf8");
    },
    close: () => (closing ??= runner.close(5_000)),
  };
}
