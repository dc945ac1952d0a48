/**
 * A Linux machine of one's own: what AWS would take goes to files in the state folder, and to a program of the
 * owner's that knows how to reach people.
 */
import { join } from "node:path";
import type { HostSettings } from "../../contracts/host.ts";
import { systemClock as clock } from "./clock.ts";
import { commandNotifier } from "./command-notifier.ts";
import { FileMetrics } from "./file-metrics.ts";
import type { Host } from "./host.ts";
import type { Log } from "./log.ts";

export function plainHost(settings: HostSettings, stateFolder: string, log: Log): Host {
  const { store, notify_command: command } = settings;
  const notifier = commandNotifier({ command, path: join(stateFolder, "messages.log"), clock });
  return {
    store,
    notifier,
    metrics: new FileMetrics({ path: join(stateFolder, "metrics.jsonl"), clock, log }),
    about: { store },
    // Nobody takes it away: a shutdown is a SIGTERM.
    watch: () => ({ asked: Promise.resolve(), stop: () => Promise.resolve() }),
    machineType: () => Promise.resolve(null),
    close: () => {
      notifier.close();
    },
  };
}
