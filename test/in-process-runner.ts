/** A runner in this very process, on real files and programs: for tests that need a clock or a machine of their own. */
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { runCycle, type CycleOptions, type CycleOutcome } from "../runner/cycle.ts";
import { systemClock } from "../runner/platform/clock.ts";
import type { RunnerDependencies } from "../runner/platform/dependencies.ts";
import { openLog } from "../runner/platform/log.ts";
import { Notices } from "../runner/platform/notices.ts";
import type { Notifier } from "../runner/platform/notifier.ts";
import { createProcesses } from "../runner/platform/processes.ts";
import { nobody } from "../runner/platform/progress.ts";
import { FolderStore } from "../runner/store/folder-store.ts";
import { Outbox } from "../runner/store/outbox.ts";
import { RecordingMetrics } from "./recording-metrics.ts";
import type { Workbench } from "./workbench.ts";

const silent: Notifier = { notify: () => Promise.resolve() };

export interface InProcessRunner {
  readonly dependencies: RunnerDependencies;
  cycle(options: Pick<CycleOptions, "profile" | "budgetMs"> & Partial<CycleOptions>): Promise<CycleOutcome>;
  close(): Promise<void>;
}

/** On the workbench's store and state. `putInto`: what the outbox delivers to, by default the store. */
export async function openInProcess(
  bench: Workbench,
  change: Partial<RunnerDependencies> = {},
  putInto?: Pick<FolderStore, "put">,
): Promise<InProcessRunner> {
  mkdirSync(bench.state, { recursive: true });
  const { clock = systemClock, notifier = silent, metrics = new RecordingMetrics() } = change;
  const store = change.store ?? new FolderStore(bench.store);
  const outbox = await Outbox.open({ directory: join(bench.state, "outbox"), store: putInto ?? store });
  const { log, close } = openLog(join(bench.state, "runner.log"));
  const dependencies: RunnerDependencies = {
    clock,
    processes: createProcesses(join(bench.state, "children")),
    store,
    outbox,
    outboxDamage: [],
    log,
    notifier,
    notices: await Notices.open({ folder: join(bench.state, "notices"), notifier, clock, log, metrics }),
    metrics,
    sampleMachine: () => Promise.resolve({ loadAverage: null, ticks: null }),
    machineType: null,
    toolchain: { node: "v24", platform: "linux", architecture: "x64", cpu: "test", cores: 2 },
    stateFolder: bench.state,
    ...change,
  };
  return {
    dependencies,
    cycle: (options) =>
      runCycle(dependencies, {
        workers: 2,
        statePath: join(bench.state, "cycle.json"),
        signal: new AbortController().signal,
        spectator: nobody,
        ...options,
      }),
    async close() {
      await outbox.close();
      close();
    },
  };
}
