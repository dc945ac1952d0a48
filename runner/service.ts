/**
 * The life of the service's process: settings, store, ready; wait if a new cycle must not begin yet; one cycle;
 * everything durable; the end.
 *
 * Whatever it is told meanwhile, SIGTERM or a spot notice, ends the cycle at once and durably, within ten
 * seconds. After a spot notice it stays, idle, until the machine goes: its successor would begin anew.
 */
import { createHash } from "node:crypto";
import { join, resolve } from "node:path";
import { CURRENT_CYCLE_KEY } from "../contracts/bucket.ts";
import { cycleStateSchema } from "../contracts/cycle.ts";
import { EXIT, reasonOf, type ExitCode } from "../contracts/errors.ts";
import { stringifyJson } from "../contracts/json.ts";
import type { Profile } from "../contracts/profile.ts";
import type { HostSettings } from "../contracts/host.ts";
import type { ServiceSettings } from "../contracts/stack.ts";
import type { WorkSettings } from "../contracts/work-settings.ts";
import { profileOfOpenCycle } from "./cycle-state.ts";
import { runCycle } from "./cycle.ts";
import { logPathOf, openRunner, type OpenRunner } from "./open-runner.ts";
import { printable } from "./phases/digest/printable.ts";
import { duration } from "./phases/digest/layout.ts";
import { isoAt, systemClock as clock } from "./platform/clock.ts";
import { cloudHost } from "./platform/cloud-host.ts";
import type { Host } from "./platform/host.ts";
import { limited } from "./platform/limited.ts";
import { journalOf, openLog, type Log } from "./platform/log.ts";
import { plainHost } from "./platform/plain-host.ts";
import type { ProgressSnapshot, Spectator } from "./platform/progress.ts";
import type { SpotNotice } from "./platform/spot-notice.ts";
import { openWatchdog, type Watchdog } from "./platform/watchdog.ts";
import { isBuiltIn, loadProfile, settled } from "./profiles/load.ts";
import {
  lastBeginningSchema,
  profileFor,
  skippedBy,
  unexpected,
  waitAfterNoticeMs,
  waitBeforeCycleMs,
  type LastBeginning,
} from "./service-plan.ts";
import { readSettings } from "./settings.ts";
import { ensureFolder, readFileIfPresent, writeFileAtomic } from "./store/atomic-file.ts";
import { decodeJson } from "./store/read-json.ts";

/** How long the store may take to answer at the start. */
const STORE_LIMIT_MS = 60_000;
/** The first metrics say that the service began; they are not left to a minute that may not come. */
const FIRST_METRICS_MS = 3_000;
/** How long deliveries and metrics are waited for at the end, and after a stop. */
const CLOSE_MS = 10_000;
const CLOSE_AFTER_STOP_MS = 2_000;
/** A stop has ten seconds for everything. */
const HARD_STOP_MS = 9_000;
/** What is still open when all is closed (a request that hangs) does not keep the process. */
const LINGER_MS = 500;
/** How long a sign of life is good for. Between two phases nothing takes longer. */
const ALIVE_MS = 90_000;
/** From the start to the first tick of the cycle: the store may have to be asked for its copy of the state. */
const STARTING_ALIVE_MS = 300_000;
const WAIT_STEP_MS = 1_000;
const SEND_MS = 35_000;

type Settings = ServiceSettings | HostSettings;

export interface ServiceOptions {
  readonly settingsPath: string;
  readonly stateFolder: string;
  /** Changed: what systemd put there is taken out, and the region put in. */
  readonly env: NodeJS.ProcessEnv;
}

export async function service(options: ServiceOptions): Promise<ExitCode> {
  const folder = resolve(options.stateFolder);
  await ensureFolder(folder);
  const { log, close } = openLog(logPathOf(folder), { journal: journalOf(options.env) });
  const stop = stopOnSignals(log);
  try {
    await serve({ ...options, stateFolder: folder }, log, stop);
  } catch (error) {
    if (!stop.aborted) {
      log.error({ reason: reasonOf(error) }, "the service cannot go on");
      throw error;
    }
    log.warn({ reason: reasonOf(error) }, "stopped");
  } finally {
    log.info({}, "the service ends");
    close();
    setTimeout(() => process.exit(), LINGER_MS).unref();
  }
  return EXIT.ok;
}

/** Aborted by SIGTERM or SIGINT; what then hangs is ended with the process. */
function stopOnSignals(log: Log): AbortSignal {
  const stop = new AbortController();
  for (const name of ["SIGTERM", "SIGINT"] as const) {
    process.on(name, () => {
      if (stop.signal.aborted) return;
      log.warn({ signal: name }, "stopping");
      stop.abort();
      setTimeout(() => {
        log.error({}, "the stop takes too long: ended as it is, what is durable is kept");
        process.exit(EXIT.interrupted);
      }, HARD_STOP_MS).unref();
    });
  }
  return stop.signal;
}

async function serve(options: ServiceOptions, log: Log, stop: AbortSignal): Promise<void> {
  const { env, stateFolder } = options;
  const settings = await readSettings(options.settingsPath);
  const loaded = settled(await loadProfile(settings.profile), stateFolder);
  for (const message of unexpected(loaded, settings)) log.warn({}, message);

  const watchdog = await openWatchdog({ env, log });
  watchdog.alive(STARTING_ALIVE_MS, "starting");
  const host = hostOf(settings, options, log);
  const { metrics } = host;
  metrics.count("RunnerStarted", 1); // also of a start that fails: a loop of them must show
  const spot = new SpotSignal();
  const watch = host.watch((notice) => {
    spot.note(notice);
  });
  const interrupted = AbortSignal.any([stop, spot.signal]);
  try {
    const machineType = () => host.machineType(interrupted);
    const runner = await openRunner({ ...host, stateFolder, log, machineType });
    try {
      const answer = runner.dependencies.store.get(CURRENT_CYCLE_KEY);
      await limited(answer, "asking the store", STORE_LIMIT_MS, stop);
      const profile = await profileToRun(loaded, runner, stateFolder, log);
      await metrics.flush(FIRST_METRICS_MS);
      await watch.asked;
      await sayReady(env, watchdog, log, { ...host.about, profile: profile.name });
      const life = { runner, watchdog, log, signal: interrupted, bundle: env["KIMTEST_BUNDLE"] ?? null };
      if (await waitForTurn(life, stateFolder, settings)) await oneCycle(life, settings, profile);
    } finally {
      await watchdog.stopping(interrupted.aborted ? "stopping" : "the cycle is over, the next one follows");
      await runner.close(interrupted.aborted ? CLOSE_AFTER_STOP_MS : CLOSE_MS);
    }
    log.info({}, "everything is durable");
    await metrics.flush(interrupted.aborted ? CLOSE_AFTER_STOP_MS : CLOSE_MS);
    if (spot.notice !== undefined) await waitForTheEnd(spot.notice, watchdog, log, stop);
  } finally {
    await watch.stop();
    await metrics.close(interrupted.aborted ? CLOSE_AFTER_STOP_MS : CLOSE_MS);
    host.close();
    watchdog.close();
  }
}

/** A cycle is finished under the profile that it was begun under: another one would not know its books. */
async function profileToRun(wanted: Profile, runner: OpenRunner, stateFolder: string, log: Log): Promise<Profile> {
  const begun = await profileOfOpenCycle(runner.statePath, runner.dependencies.store);
  // Of a file of one's own only the name is known here: runCycle then says what to do.
  if (begun === undefined || begun === wanted.name || !isBuiltIn(begun)) return wanted;
  log.warn(
    {},
    `the cycle that was begun under the profile ${begun} is finished first; ${wanted.name} comes with the next one`,
  );
  return settled(await loadProfile(begun), stateFolder);
}

function hostOf(settings: Settings, { env, stateFolder }: ServiceOptions, log: Log): Host {
  return "host" in settings ? plainHost(settings, stateFolder, log) : cloudHost(settings, env, log);
}

/** The spot notice as something that a cycle can be ended by. */
class SpotSignal {
  readonly #seen = new AbortController();
  notice: SpotNotice | undefined;

  get signal(): AbortSignal {
    return this.#seen.signal;
  }

  note(notice: SpotNotice): void {
    this.notice = notice;
    this.#seen.abort();
  }
}

/** What the parts of a process's life share. */
interface Life {
  readonly runner: OpenRunner;
  readonly watchdog: Watchdog;
  readonly log: Log;
  readonly signal: AbortSignal;
  /** The hash of the bundle that runs; null where no launcher has started it. */
  readonly bundle: string | null;
}

async function sayReady(env: NodeJS.ProcessEnv, watchdog: Watchdog, log: Log, about: Readonly<Record<string, string>>) {
  const readyFile = env["KIMTEST_READY_FILE"];
  if (readyFile !== undefined && readyFile !== "") await writeFileAtomic(readyFile, `${String(process.pid)}\n`);
  watchdog.alive(STARTING_ALIVE_MS, "ready");
  await watchdog.ready();
  log.info(about, "ready");
}

const lastBeginningPath = (stateFolder: string): string => join(stateFolder, "last-beginning.json");
const sha256 = (text: string): string => createHash("sha256").update(text).digest("hex");
const budgetOf = (settings: WorkSettings): number => settings.run_duration_hours * 3_600_000;

/** Waits until a new cycle may begin, if it is to be a new one; false when it was interrupted meanwhile. */
async function waitForTurn(life: Life, stateFolder: string, settings: Settings): Promise<boolean> {
  const { runner, log, signal, bundle } = life;
  if (signal.aborted) return false;
  if (!(await isCycleOver(runner.statePath))) return true;
  // The launcher may have fallen back to another bundle than the settings name.
  const settingsSha256 = sha256(stringifyJson({ settings, bundle }));
  const nowMs = clock.nowMs();
  const last = await readLastBeginning(stateFolder, log);
  const waitMs = waitBeforeCycleMs(last, { ms: nowMs, settingsSha256, budgetMs: budgetOf(settings) });
  if (waitMs > 0) {
    const until = isoAt(nowMs + waitMs);
    log.warn({ until, began_at: last?.began_at }, "the last cycle ended early: the next one waits");
    if (!(await waitQuietly(life, waitMs, "the last cycle ended early, the next one begins in"))) return false;
  }
  const beginning: LastBeginning = { version: 1, began_at: isoAt(clock.nowMs()), settings_sha256: settingsSha256 };
  await writeFileAtomic(lastBeginningPath(stateFolder), stringifyJson(beginning));
  return true;
}

/** False also when this disk does not say: then the cycle itself finds out where to go on. */
async function isCycleOver(statePath: string): Promise<boolean> {
  const file = await readFileIfPresent(statePath);
  if (file === undefined) return true;
  try {
    return decodeJson(file.toString("utf8"), statePath, cycleStateSchema).status === "done";
  } catch {
    return false; // runCycle moves it aside and says so in the digest
  }
}

async function readLastBeginning(stateFolder: string, log: Log): Promise<LastBeginning | undefined> {
  const path = lastBeginningPath(stateFolder);
  const file = await readFileIfPresent(path);
  if (file === undefined) return undefined;
  try {
    return decodeJson(file.toString("utf8"), path, lastBeginningSchema);
  } catch (error) {
    log.error({ reason: reasonOf(error) }, "when the last cycle began is not known: the next one does not wait");
    return undefined;
  }
}

/** Alive, and silent: no progress is made, so none is reported. Digests that wait are sent. False when interrupted. */
async function waitQuietly({ runner, watchdog, signal }: Life, waitMs: number, why: string): Promise<boolean> {
  const { metrics, outbox, notices } = runner.dependencies;
  const endMs = clock.monotonicMs() + waitMs;
  for (let leftMs = waitMs; leftMs > 0 && !signal.aborted; leftMs = endMs - clock.monotonicMs()) {
    watchdog.alive(ALIVE_MS, `${why} ${duration(leftMs / 1000)}`);
    metrics.gauge("OutboxEntries", outbox.waiting());
    notices.deliverIfDue(SEND_MS, signal);
    await clock.sleep(Math.min(leftMs, WAIT_STEP_MS), signal);
  }
  return !signal.aborted;
}

async function oneCycle({ runner, watchdog, log, signal }: Life, settings: Settings, profile: Profile): Promise<void> {
  watchdog.alive(STARTING_ALIVE_MS, "looking for earlier work");
  const outcome = await runCycle(runner.dependencies, {
    profile: profileFor(profile, settings),
    budgetMs: budgetOf(settings),
    workers: runner.dependencies.toolchain.cores,
    statePath: runner.statePath,
    signal,
    spectator: serviceSpectator(log, watchdog),
    skipped: skippedBy(settings),
  });
  if (outcome.kind === "interrupted") {
    log.warn({ cycle: outcome.cycle, phase: outcome.phase }, "interrupted; the next start goes on there");
    return;
  }
  log.info({ cycle: outcome.digest.cycle, verdict: outcome.digest.verdict }, "the cycle is done");
  watchdog.alive(ALIVE_MS, `cycle ${String(outcome.digest.cycle)} is done: ${outcome.digest.verdict}`);
}

/** What happens goes into the log, what moves keeps the watchdog fed. */
function serviceSpectator(log: Log, watchdog: Watchdog): Spectator {
  return {
    cycleStarted: (cycle, resumed) => {
      log.info({ cycle }, resumed ? "cycle resumed" : "cycle started");
    },
    phaseStarted: (phase, budgetMs) => {
      log.info({ phase, planned_seconds: Math.round(budgetMs / 1000) }, "phase started");
      watchdog.alive(ALIVE_MS, `${phase} started`);
    },
    progress: (view) => {
      watchdog.alive(ALIVE_MS, statusText(view));
    },
    phaseEnded: (phase, { verdict, reason }, durationMs) => {
      log.info({ phase, verdict, reason, seconds: Math.round(durationMs / 1000) }, "phase ended");
    },
    warning: (message) => {
      log.warn({}, message);
    },
  };
}

function statusText(view: ProgressSnapshot): string {
  const figures = [
    ...(view.iterationsSeen === 0
      ? []
      : [
          `${String(view.iterationsSeen)} seeds`,
          `${view.iterationsPerSecond.toFixed(1)} sims/s`,
          `${String(view.failures)} failures`,
        ]),
    `${String(view.findings)} findings`,
    `ends in ${duration(view.cycleLeftMs / 1000)}`,
  ];
  return printable(`cycle ${String(view.cycle)}, ${view.phase}: ${figures.join(", ")}`);
}

/** The machine goes: nothing is begun any more, and nobody starts us anew as long as we are here. */
async function waitForTheEnd(notice: SpotNotice, watchdog: Watchdog, log: Log, stop: AbortSignal): Promise<void> {
  const waitMs = waitAfterNoticeMs(notice, clock.nowMs());
  log.warn({ action: notice.action, at: isoAt(notice.atMs) }, "waiting for the machine to go");
  const endMs = clock.monotonicMs() + waitMs;
  for (let leftMs = waitMs; leftMs > 0 && !stop.aborted; leftMs = endMs - clock.monotonicMs()) {
    watchdog.alive(ALIVE_MS, `EC2 takes this machine away (${notice.action}), everything is durable`);
    await clock.sleep(Math.min(leftMs, WAIT_STEP_MS), stop);
  }
  if (!stop.aborted) log.warn({}, "the machine is still here: going on");
}
