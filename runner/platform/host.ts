/** What the service needs of the machine it runs on, a cloud's (cloud-host.ts) or any other (plain-host.ts). */
import type { Metrics } from "./metrics.ts";
import type { Notifier } from "./notifier.ts";
import type { MachineWatch, SpotNotice } from "./spot-notice.ts";

export interface Host {
  /** As `openStore` takes it. */
  readonly store: string;
  readonly notifier: Notifier;
  readonly metrics: HostMetrics;
  /** For the log, when the service is ready. */
  readonly about: Readonly<Record<string, string>>;
  /** Watches for the news that this machine will be taken away. */
  watch(onNotice: (notice: SpotNotice) => void): MachineWatch;
  /** What a cloud calls this kind of machine; null where nobody says. */
  machineType(signal: AbortSignal): Promise<string | null>;
  /** Lets go of what it opened; metrics have an end of their own. */
  close(): void;
}

export interface HostMetrics extends Metrics {
  /** Hands on what there is, at most `withinMs` long; never rejects. */
  flush(withinMs: number): Promise<void>;
  /** Hands on the rest and ends. */
  close(withinMs: number): Promise<void>;
}
