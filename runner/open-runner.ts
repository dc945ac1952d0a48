/** Builds everything the runner uses, in one place, and closes it again. */
import { createHash } from "node:crypto";
import { availableParallelism, cpus } from "node:os";
import { join, resolve } from "node:path";
import { DIGEST_KEY } from "../contracts/bucket.ts";
import { DEFAULT_STATE_FOLDER, DEFAULT_STORE } from "../contracts/defaults.ts";
import type { Toolchain } from "../contracts/parts.ts";
import { systemClock } from "./platform/clock.ts";
import type { RunnerDependencies } from "./platform/dependencies.ts";
import { openLog, type Log } from "./platform/log.ts";
import { machineSample } from "./platform/machine-sample.ts";
import { keepMemorySmall } from "./platform/memory.ts";
import { noMetrics, type Metrics } from "./platform/metrics.ts";
import { Notices } from "./platform/notices.ts";
import type { Notifier } from "./platform/notifier.ts";
import { createProcesses } from "./platform/processes.ts";
import { ensureFolder } from "./store/atomic-file.ts";
import { openStore } from "./store/open-store.ts";
import { Outbox } from "./store/outbox.ts";

export interface OpenRunner {
  readonly dependencies: RunnerDependencies;
  /** Path for `CycleOptions.statePath`. */
  readonly statePath: string;
  /** `withinMs`: how long deliveries under way are waited for. */
  close(withinMs: number): Promise<void>;
}

export interface OpenRunnerOptions {
  /** `s3://bucket[/prefix]` or a folder. */
  readonly store: string;
  /** Folder for state, outbox and logs; by default one per store, under `.kimtest` in the working directory. */
  readonly stateFolder: string | undefined;
  readonly notifier: Notifier;
  /** By default nobody listens. */
  readonly metrics?: Metrics;
  /** A log that the caller opened and closes; by default `runner.log` in the state folder. */
  readonly log?: Log;
  /** By default nobody knows. */
  readonly machineType?: () => Promise<string | null>;
}

/** Each store has a state of its own: seeds and findings of one mean nothing to another. */
export function stateFolderOf(store: string): string {
  if (store === DEFAULT_STORE) return resolve(DEFAULT_STATE_FOLDER);
  const identity = store.startsWith("s3://") ? store : resolve(store);
  return resolve(`${DEFAULT_STATE_FOLDER}-${createHash("sha256").update(identity).digest("hex").slice(0, 12)}`);
}

/**
 * @throws KimtestError `ALREADY_RUNNING` when another process works on this state.
 */
export async function openRunner(options: OpenRunnerOptions): Promise<OpenRunner> {
  // The runner shares its machine with what it tests.
  keepMemorySmall();
  const folder = resolve(options.stateFolder ?? stateFolderOf(options.store));
  await ensureFolder(folder);
  const metrics = options.metrics ?? noMetrics;
  const opened = options.log === undefined ? openLog(logPathOf(folder)) : undefined;
  const log = options.log ?? opened!.log;
  const store = await openStore(options.store);
  const damage: string[] = [];
  const outbox = await Outbox.open({
    directory: join(folder, "outbox"),
    store,
    onEvent: (event) => {
      // Only now it is where people and alarms look for it; it may have waited for hours.
      if (event.type === "delivered" && event.key === DIGEST_KEY) metrics.count("DigestUploaded", 1);
      if (event.type !== "delivered" && event.type !== "superseded") log.warn(event, `outbox: ${event.type}`);
      if (event.type === "damaged")
        damage.push(`what waited for the store was damaged (${event.reason}), see ${event.path}`);
    },
  });
  const { notifier } = options;
  const notices = await Notices.open({ folder: join(folder, "notices"), notifier, clock: systemClock, log, metrics });
  return {
    dependencies: {
      clock: systemClock,
      processes: createProcesses(join(folder, "children")),
      store,
      outbox,
      outboxDamage: damage,
      notifier,
      notices,
      metrics,
      log,
      sampleMachine: () => machineSample(),
      toolchain: thisToolchain(),
      machineType: options.machineType ?? (() => Promise.resolve(null)),
      stateFolder: folder,
    },
    statePath: join(folder, "cycle.json"),
    async close(withinMs) {
      await outbox.close(withinMs);
      store.close();
      opened?.close();
    },
  };
}

export const logPathOf = (stateFolder: string): string => join(stateFolder, "runner.log");

function thisToolchain(): Toolchain {
  return {
    node: process.version,
    platform: process.platform,
    architecture: process.arch,
    cpu: cpus()[0]?.model.trim() ?? "unknown",
    cores: availableParallelism(),
  };
}
