/**
 * Tells systemd how the service is (sd_notify(3)): ready, alive, in which phase, stopping.
 *
 * Node cannot send to a unix datagram socket, so each message is a run of `systemd-notify`; the unit needs
 * `NotifyAccess=all`. Since systemd 246 it waits until its message was read, so that it is not dropped.
 *
 * Fed is only a service that moves: the timer below runs on the main event loop, and each sign of life is
 * good for a limited time. A loop that is blocked and a cycle that no longer ticks both end in a restart.
 * Without NOTIFY_SOCKET (a laptop, a test) nothing is sent.
 */
import { execa } from "execa";
import { KimtestError, reasonOf } from "../../contracts/errors.ts";
import type { Log } from "./log.ts";

const NOTIFY_TIMEOUT_MS = 5_000;
/** Between two lines of status where systemd watches nothing. */
const STATUS_INTERVAL_MS = 30_000;
const MAX_STATUS_LENGTH = 200;

export interface Watchdog {
  /** The service is up. */
  ready(): Promise<void>;
  /** A sign of life that is good for `forMs`, with what people see in `systemctl status`. */
  alive(forMs: number, status: string): void;
  stopping(status: string): Promise<void>;
  close(): void;
}

const SILENT: Watchdog = {
  ready: () => Promise.resolve(),
  alive: () => undefined,
  stopping: () => Promise.resolve(),
  close: () => undefined,
};

export interface WatchdogOptions {
  /** Of this process. What systemd put there is taken out: programs under test must not speak for the service. */
  readonly env: NodeJS.ProcessEnv;
  readonly log: Log;
}

/** @throws KimtestError `TOOL_MISSING` when systemd waits for messages and there is no `systemd-notify`. */
export async function openWatchdog({ env, log }: WatchdogOptions): Promise<Watchdog> {
  const socket = env["NOTIFY_SOCKET"];
  const watchdogMicroseconds = Number(env["WATCHDOG_USEC"] ?? "0");
  // WATCHDOG_PID is not looked at: it names the launcher when that one waits for us, and we feed for both.
  for (const name of ["NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID"]) Reflect.deleteProperty(env, name);
  if (socket === undefined || socket === "") return SILENT;
  const notifier = new SystemdNotifier(socket, log);
  await notifier.assertPresent();
  const isWatched = Number.isFinite(watchdogMicroseconds) && watchdogMicroseconds > 0;
  return new SystemdWatchdog(notifier, log, isWatched ? watchdogMicroseconds / 1000 : undefined);
}

/** Runs `systemd-notify`. */
class SystemdNotifier {
  readonly #socket: string;
  readonly #log: Log;
  #failed = 0;

  constructor(socket: string, log: Log) {
    this.#socket = socket;
    this.#log = log;
  }

  async assertPresent(): Promise<void> {
    try {
      await execa("systemd-notify", ["--version"], { timeout: NOTIFY_TIMEOUT_MS });
    } catch (error) {
      throw new KimtestError(
        "TOOL_MISSING",
        `systemd expects messages (NOTIFY_SOCKET), but systemd-notify cannot be run: ${reasonOf(error)}`,
        {
          hint: "install systemd's command line tools, or take Type=notify and WatchdogSec out of the unit",
          cause: error,
        },
      );
    }
  }

  /** Never rejects: a message that is lost is made up for by the next one. */
  async send(...messages: string[]): Promise<void> {
    try {
      const env = { NOTIFY_SOCKET: this.#socket };
      await execa("systemd-notify", messages, { env, timeout: NOTIFY_TIMEOUT_MS, stdin: "ignore" });
      this.#failed = 0;
    } catch (error) {
      this.#failed += 1;
      if (this.#failed === 1) this.#log.warn({ reason: reasonOf(error) }, "systemd could not be told");
    }
  }
}

class SystemdWatchdog implements Watchdog {
  readonly #notifier: SystemdNotifier;
  readonly #log: Log;
  readonly #isWatched: boolean;
  readonly #timer: NodeJS.Timeout;
  #aliveUntilMs = -Infinity;
  #status = "";
  #isSending = false;
  #isStarving = false;

  constructor(notifier: SystemdNotifier, log: Log, watchdogMs: number | undefined) {
    this.#notifier = notifier;
    this.#log = log;
    this.#isWatched = watchdogMs !== undefined;
    this.#timer = setInterval(
      () => {
        void this.#beat(); // never rejects
      },
      watchdogMs === undefined ? STATUS_INTERVAL_MS : watchdogMs / 3,
    );
    this.#timer.unref();
  }

  async ready(): Promise<void> {
    await this.#notifier.send("READY=1", statusMessage(this.#status));
  }

  alive(forMs: number, status: string): void {
    this.#aliveUntilMs = performance.now() + forMs;
    this.#status = status;
  }

  async stopping(status: string): Promise<void> {
    this.#status = status;
    await this.#notifier.send("STOPPING=1", statusMessage(status));
  }

  close(): void {
    clearInterval(this.#timer);
  }

  async #beat(): Promise<void> {
    if (this.#isSending) return; // the one before is late: it has a limit of its own
    this.#isSending = true;
    try {
      const overdueMs = performance.now() - this.#aliveUntilMs;
      const isAlive = overdueMs <= 0;
      if (!isAlive && !this.#isStarving)
        this.#log.error({ status: this.#status }, "no sign of life: systemd is not told");
      this.#isStarving = !isAlive;
      const feed = isAlive && this.#isWatched ? ["WATCHDOG=1"] : [];
      const status = isAlive ? this.#status : `no sign of life; before: ${this.#status}`;
      await this.#notifier.send(...feed, statusMessage(status));
    } finally {
      this.#isSending = false;
    }
  }
}

/** One line. */
function statusMessage(status: string): string {
  return `STATUS=${status.replace(/[\x00-\x1f\x7f]+/g, " ").slice(0, MAX_STATUS_LENGTH)}`;
}
