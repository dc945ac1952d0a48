/** Builds everything the runner uses, in one place, and closes it again. */
import { createHash } from "node:crypto";
import { availableParallelism, cpus } from "node:os";
import { join, resolve } from "node:path";
import { setFlagsFromString } from "node:v8";
import { DEFAULT_STATE_FOLDER, DEFAULT_STORE } from "../contracts/defaults.ts";
import type { Toolchain } from "../contracts/parts.ts";
import { systemClock } from "./platform/clock.ts";
import type { RunnerDependencies } from "./platform/dependencies.ts";
import { openLog } from "./platform/log.ts";
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
  keepMemorySmall();
  const folder = resolve(options.stateFolder ?? stateFolderOf(options.store));
  await ensureFolder(folder);
  const { log, close: closeLog } = openLog(join(folder, "runner.log"));
  const store = await openStore(options.store);
  const damage: string[] = [];
  const outbox = await Outbox.open({
    directory: join(folder, "outbox"),
    store,
    onEvent: (event) => {
      if (event.type !== "delivered" && event.type !== "superseded") log.warn(event, `outbox: ${event.type}`);
      if (event.type === "damaged")
        damage.push(`what waited for the store was damaged (${event.reason}), see ${event.path}`);
    },
  });
  return {
    dependencies: {
      clock: systemClock,
      processes: createProcesses(join(folder, "children")),
      store,
      outbox,
      outboxDamage: damage,
      notifier: options.notifier,
      log,
      toolchain: thisToolchain(),
    },
    statePath: join(folder, "cycle.json"),
    async close(withinMs) {
      await outbox.close(withinMs);
      store.close();
      closeLog();
    },
  };
}

function thisToolchain(): Toolchain {
  return {
    node: process.version,
    platform: process.platform,
    architecture: process.arch,
    cpu: cpus()[0]?.model.trim() ?? "unknown",
    cores: availableParallelism(),
  };
}

/**
 * The runner shares its machine with what it tests. V8 lets the young generation grow with throughput, and
 * the double memory buys nothing here: without this the runner's peak grows with the speed of its vopr
 * (`npm run bench -- memory`).
 */
function keepMemorySmall(): void {
  setFlagsFromString("--semi-space-growth-factor=1");
}
