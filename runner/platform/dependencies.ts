/** Everything of the outside world that the runner uses, built in one place per program (runner/open-runner.ts). */
import type { Toolchain } from "../../contracts/parts.ts";
import type { ObjectStore } from "../store/object-store.ts";
import type { Outbox } from "../store/outbox.ts";
import type { Clock } from "./clock.ts";
import type { Log } from "./log.ts";
import type { MachineSample } from "./machine-sample.ts";
import type { Metrics } from "./metrics.ts";
import type { Notices } from "./notices.ts";
import type { Notifier } from "./notifier.ts";
import type { Processes } from "./processes.ts";

export interface RunnerDependencies {
  readonly clock: Clock;
  readonly processes: Processes;
  /** For reading, and for the conditional write of the registry; everything else is written through the outbox. */
  readonly store: ObjectStore;
  readonly outbox: Outbox;
  /** What the outbox found damaged on its disk, in words; grows. */
  readonly outboxDamage: readonly string[];
  /** For critical news, which is sent now or not at all. */
  readonly notifier: Notifier;
  /** For digests, which wait until they were sent. */
  readonly notices: Notices;
  readonly metrics: Metrics;
  readonly log: Log;
  /** How busy the machine is, and was. */
  readonly sampleMachine: () => Promise<MachineSample>;
  readonly toolchain: Toolchain;
  /** The cloud's name of this machine; null elsewhere, and where it cannot be known. */
  readonly machineType: string | null;
  /** Of this runner alone; platform/folders.ts says what lies where. */
  readonly stateFolder: string;
}
