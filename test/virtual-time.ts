/**
 * Two days in seconds: a clock that moves on only when nothing is left to do, and programs that live on it.
 *
 * The clock is a queue of sleepers. When no file is being read or written and no real process runs (git, which says
 * the commit; Node.js tells of both: `process.getActiveResourcesInfo`), and nobody has spoken for a few turns of the
 * event loop, the earliest sleeper wakes, and it is that late. The programs answer as the stand-ins of test/fake-vopr.js and fake-program.js do, in this
 * process, and take the time on the clock that they are told to take.
 */
import { setImmediate as turn } from "node:timers/promises";
import type { Clock } from "../runner/platform/clock.ts";
import type { Processes } from "../runner/platform/processes.ts";
import type { ProgramEnd, ProgramOptions } from "../runner/platform/program-run.ts";

const QUIET_TURNS = 4;

interface Sleeper {
  readonly atMs: number;
  readonly wake: () => void;
}

export class VirtualClock implements Clock {
  readonly #startMs: number;
  /** Nobody sleeps for less: the cycle looks around four times a second, which is not what is tested. */
  readonly #grainMs: number;
  /** Real ones, which are nobody's work here. */
  readonly #processesBefore = runningProcesses();
  #elapsedMs = 0;
  #sleepers: Sleeper[] = [];

  constructor(startMs: number, grainMs: number) {
    this.#startMs = startMs;
    this.#grainMs = grainMs;
  }

  nowMs(): number {
    return this.#startMs + this.#elapsedMs;
  }

  monotonicMs(): number {
    return this.#elapsedMs;
  }

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    if (signal?.aborted === true) return Promise.resolve();
    return new Promise((resolve) => {
      const wake = (): void => {
        signal?.removeEventListener("abort", wake);
        this.#sleepers = this.#sleepers.filter((one) => one !== sleeper);
        resolve();
      };
      const sleeper = { atMs: this.#elapsedMs + Math.max(this.#grainMs, ms), wake };
      this.#sleepers.push(sleeper);
      signal?.addEventListener("abort", wake);
    });
  }

  /** Moves on until the work has ended. */
  async during<T>(work: Promise<T>): Promise<T> {
    const progress = { isOver: false };
    const settled = work.finally(() => {
      progress.isOver = true;
    });
    settled.catch(() => undefined); // thrown below
    while (!progress.isOver) {
      await quiet(this.#processesBefore);
      const next = this.#sleepers.reduce<Sleeper | undefined>(
        (first, one) => (first === undefined || one.atMs < first.atMs ? one : first),
        undefined,
      );
      if (next === undefined) continue;
      this.#elapsedMs = next.atMs;
      next.wake();
    }
    return settled;
  }

  /** Time in which there was no runner. */
  skip(ms: number): void {
    this.#elapsedMs += ms;
  }
}

async function quiet(processesBefore: number): Promise<void> {
  for (let turns = 0; turns < QUIET_TURNS; turns += 1) {
    await turn();
    const files = process.getActiveResourcesInfo().filter((name) => name.startsWith("FSReq") || name === "CloseReq");
    if (files.length > 0 || runningProcesses() > processesBefore) turns = -1;
  }
}

const runningProcesses = (): number => process.getActiveResourcesInfo().filter((name) => name === "ProcessWrap").length;

export interface VirtualPrograms {
  /** Time one seed takes, milliseconds. */
  readonly seedMs: number;
  /** Each seed that it divides fails. */
  readonly failEvery: bigint;
  readonly exploreMs: number;
}

/** Lines come so many seeds at a time. */
const SEEDS_AT_ONCE = 20n;

export function virtualProcesses(clock: VirtualClock, programs: VirtualPrograms): Processes {
  return {
    reapLeftovers: () => 0,
    async run(options) {
      const startedMs = clock.monotonicMs();
      const { ending, exitCode } = options.command.includes("--scenario")
        ? await runVopr(clock, programs, options)
        : await runOther(clock, programs, options);
      const durationMs = clock.monotonicMs() - startedMs;
      return {
        ending,
        exitCode,
        signal: null,
        description: ending,
        stdout: "",
        stderr: "",
        durationMs,
        cpuMs: durationMs,
      };
    },
  };
}

type End = Pick<ProgramEnd, "ending" | "exitCode">;
const STOPPED: End = { ending: "stopped", exitCode: null };

const argument = ({ command }: ProgramOptions, name: string): string => command[command.indexOf(name) + 1] ?? "";
const isPlanted = ({ command }: ProgramOptions): boolean => command.includes("--canary") || command.includes("canary");

async function runVopr(clock: VirtualClock, programs: VirtualPrograms, options: ProgramOptions): Promise<End> {
  const { signal, onLine } = options;
  const from = BigInt(argument(options, "--seed"));
  const count = BigInt(argument(options, "-n"));
  const failEvery = isPlanted(options) ? 3n : programs.failEvery;
  const hash = "0".repeat(64);
  const print = async (type: string, data: string): Promise<void> => {
    await onLine?.(`{"data":${data},"timestamp":"2026-11-21T00:00:00.000000000+00:00","type":"${type}"}`);
  };
  const range = `"starting_seed":${from.toString()},"iterations":${count.toString()}`;
  await print("start", `{${range},"network_faults":true,"storage_faults":true,"checkpoint_loaded":false}`);
  const failed: bigint[] = [];
  for (let first = from; first < from + count; first += SEEDS_AT_ONCE) {
    const next = first + SEEDS_AT_ONCE < from + count ? first + SEEDS_AT_ONCE : from + count;
    await clock.sleep(programs.seedMs * Number(next - first), signal);
    if (signal?.aborted === true) return STOPPED;
    for (let seed = first; seed < next; seed += 1n) {
      const about = `"seed":${seed.toString()},"events":10`;
      if (seed % failEvery === 0n) {
        failed.push(seed);
        await print("iteration", `{${about},"status":"failed","invariant":"replica_consistency","message":"differ"}`);
      } else {
        const hashes = `"storage_hash":"${hash}","kernel_state_hash":"${hash}"`;
        await print("iteration", `{${about},"status":"ok","simulated_time_ms":1.5,${hashes}}`);
      }
    }
  }
  const coverage = `{"fault_points":{"total":1,"hit":1,"coverage_percent":100,"fault_points":{}},"phases":{"total_events":1,"unique_phases":1,"phase_counts":{}},"invariants":{"total":1,"executed":1,"coverage_percent":100,"invariant_counts":{}}}`;
  const properties = `{"total_observed":0,"always_evaluated":0,"never_evaluated":0,"sometimes_satisfied":0,"sometimes_total":0,"reached_hit":0,"reached_total":0,"violation_count":0,"unsatisfied_sometimes_ids":[],"unreached_ids":[],"violated_ids":[]}`;
  const successes = (count - BigInt(failed.length)).toString();
  await print(
    "batch_complete",
    `{"successes":${successes},"failures":${String(failed.length)},"elapsed_secs":0.1,"rate":10,"failed_seeds":[${failed.join(",")}],"coverage":${coverage},"properties":${properties}}`,
  );
  return { ending: "exited", exitCode: failed.length > 0 ? 1 : 0 };
}

async function runOther(clock: VirtualClock, programs: VirtualPrograms, options: ProgramOptions): Promise<End> {
  const kind = ["explore", "fuzz", "bench"].find((name) => options.command.includes(name)) ?? "";
  const takenMs = kind === "explore" ? programs.exploreMs : Number(argument(options, "--seconds")) * 1000;
  await clock.sleep(Math.min(takenMs, options.deadlineMs), options.signal);
  if (options.signal?.aborted === true) return STOPPED;
  const planted = isPlanted(options);
  await options.onLine?.(JSON.stringify(outputOf(kind, options, planted)));
  return { ending: "exited", exitCode: planted && kind !== "bench" ? 1 : 0 };
}

function outputOf(kind: string, options: ProgramOptions, planted: boolean): unknown {
  if (kind === "explore") {
    const violation = planted ? { invariant: "vsr_agreement", message: "planted", trace: ["crash 1"] } : null;
    const counts = { states: 1000, transitions: 5000, depth: 12, elapsed_secs: 0.1, states_per_sec: 10_000 };
    return { ...counts, complete: true, scope: { replicas: 3 }, violation };
  }
  if (kind === "fuzz") {
    const failure = planted ? { message: "planted", counterexample: "[0]", seed: 1, path: "0", shrinks: 1 } : null;
    return { target: argument(options, "--target"), executions: 500, elapsed_secs: 0.1, failure };
  }
  const times = { median_ns: 1000, mean_ns: 1000, lower_ns: 990, upper_ns: 1010 };
  return {
    benchmarks: [{ name: "one", samples: 100, ...times, operations_per_second: 1e6 }],
    canary: { name: "planted-slowdown", ratio: { median: 1.5, lower: 1.45, upper: 1.55 }, pairs: 60 },
  };
}
