/** What the runner adds to the programs it runs: throughput against bare processes, and memory over iterations. */
import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { availableParallelism, tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import type { z } from "zod";
import { cycleStateSchema } from "../contracts/cycle.ts";
import { stringifyJson } from "../contracts/json.ts";
import type { Profile } from "../contracts/profile.ts";
import { voprResultSchema } from "../contracts/results.ts";
import { decodeJson } from "../runner/store/read-json.ts";
import { fakeProfile } from "../test/fake-profile.ts";
import { distPath, memoryOf, report, timed } from "./measure.ts";

/** On each half of the machine once: the halves are never quite alike. */
const ROUNDS = 2;
const MARATHON_SECONDS = 150;
const THROUGHPUT_AIM = 0.97;
const MAX_WAIT_SECONDS = 60;
const MEMORY_POINTS = [10_000, 500_000];
const BATCH_ITERATIONS = 5_000;
const MAX_CYCLE_SECONDS = 200;
const MEMORY_AIM_BYTES = 200 * 1024 * 1024;
/** V8 keeps some room it once needed: what counts is that fifty times the seeds do not need fifty times the memory. */
const FLAT_AIM = 1.25;

/** Works with a profile in a folder of its own. */
async function inFolder<T>(profile: Profile, work: (folder: string) => Promise<T>): Promise<T> {
  const folder = mkdtempSync(join(tmpdir(), "kimtest-bench-"));
  try {
    writeFileSync(join(folder, "profile.json"), stringifyJson(profile));
    return await work(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function cycleCommand(folder: string, seconds: number, workers: number): string[] {
  const files = ["--profile", join(folder, "profile.json"), "--store", join(folder, "store")];
  const length = ["--duration", `${seconds.toFixed(1)}s`, "--workers", String(workers)];
  return [process.execPath, distPath("kimtest.js"), "cycle", ...files, "--state", join(folder, "state"), ...length];
}

function read<T>(path: string, schema: z.ZodType<T>): T {
  return decodeJson(readFileSync(path, "utf8"), path, schema);
}

/** The embedded simulator, one scenario, nothing else to do. */
function simulatorProfile(): Profile {
  const fake = fakeProfile();
  return {
    ...fake,
    time_shares: { ...fake.time_shares, vopr: 100 },
    vopr: {
      ...fake.vopr,
      command: [process.execPath, distPath("vopr.js")],
      scenarios: [{ name: "combined", weight: 1, expectation: "must-pass" }],
      determinism: { share: 0, arguments: [] },
      batch: {
        first_iterations: 1_000,
        max_iterations: 100_000,
        target_seconds: 100,
        stall_seconds: 20,
        deadline_seconds: 600,
      },
      canary: { name: "skip-fsync", scenario: "combined", arguments: ["--canary", "skip-fsync"], iterations: 20 },
    },
  };
}

interface Half {
  readonly cores: readonly number[];
  /** Puts a command on these cores. */
  readonly pinned: (command: readonly string[]) => string[];
}

/** Two halves of the machine, so that both sides of a comparison run at the same time and share its moods. */
function halves(): [Half, Half] {
  const cores = availableParallelism();
  if (cores < 2) throw new Error("the throughput is measured on two halves of a machine: it needs two cores");
  const size = Math.floor(cores / 2);
  const half = (from: number): Half => {
    const own = Array.from({ length: size }, (_, core) => from + core);
    return { cores: own, pinned: (command) => ["taskset", "--cpu-list", own.join(","), ...command] };
  };
  return [half(0), half(size)];
}

/** Settles when the marathon's first batch may begin: the canary has been found. */
async function marathonBegun(statePath: string, signal: AbortSignal): Promise<void> {
  for (let waited = 0; waited < MAX_WAIT_SECONDS * 100; waited += 1) {
    if (existsSync(statePath) && (read(statePath, cycleStateSchema).vopr?.canary ?? null) !== null) return;
    await setTimeout(10, undefined, { signal });
  }
  throw new Error(`the marathon did not begin within ${String(MAX_WAIT_SECONDS)} s`);
}

/** Bare processes, one per core, from seed 0 as the runner; seeds per second, from their start until they are stopped. */
async function bareRate({ cores, pinned }: Half, until: Promise<unknown>): Promise<number> {
  const started = performance.now();
  let seeds = 0;
  const children = cores.map((_, n) => {
    const range = ["--seed", String(n * 10_000_000), "-n", "10000000"];
    const command = pinned([process.execPath, distPath("vopr.js"), "--json", "--scenario", "combined", ...range]);
    const [file = "", ...args] = command;
    const child = spawn(file, args, { stdio: ["ignore", "pipe", "inherit"] });
    child.stdout.on("data", (chunk: Buffer) => {
      for (let at = chunk.indexOf(10); at >= 0; at = chunk.indexOf(10, at + 1)) seeds += 1;
    });
    return child;
  });
  await until;
  const rate = (seeds - children.length) / ((performance.now() - started) / 1000); // one line each is no seed
  for (const child of children) child.kill("SIGKILL");
  return rate;
}

/** Runner and bare processes beside each other; rates in seeds per second. */
async function compare(runner: Half, bare: Half): Promise<{ runner: number; bare: number }> {
  return inFolder(simulatorProfile(), async (folder) => {
    const command = runner.pinned(cycleCommand(folder, MARATHON_SECONDS, runner.cores.length));
    const ended = new AbortController();
    const run = timed(command, folder).finally(() => {
      ended.abort();
    });
    await Promise.race([run, marathonBegun(join(folder, "state/cycle.json"), ended.signal)]);
    const rate = await bareRate(bare, run);
    await run;
    const result = read(join(folder, "store/cycles/000001/vopr.json"), voprResultSchema);
    const seconds = (Date.parse(result.ended_at) - Date.parse(result.canary?.at ?? "")) / 1000;
    return { runner: result.iterations / seconds, bare: rate };
  });
}

export async function benchThroughput(): Promise<void> {
  const [low, high] = halves();
  const rounds = [];
  for (let round = 0; round < ROUNDS; round += 1)
    rounds.push(await (round % 2 === 0 ? compare(low, high) : compare(high, low)));
  // The geometric mean: what one half is faster by is in one round above the line, in the other below it.
  const ratio = Math.exp(rounds.reduce((sum, { runner, bare }) => sum + Math.log(runner / bare), 0) / ROUNDS);
  const rates = rounds.map(({ runner, bare }) => `${runner.toFixed(0)} / ${bare.toFixed(0)}`).join(", ");
  const value = `${ratio.toFixed(3)} (${rates} sims/s on ${String(low.cores.length)} of ${String(availableParallelism())} cores each)`;
  report("runner / bare vopr processes, at the same time", value, {
    text: `>= ${String(THROUGHPUT_AIM)}`,
    met: ratio >= THROUGHPUT_AIM,
  });
}

/** Memory of a runner at points of one cycle, with a vopr as fast as its lines can be read. */
async function memoryAt(points: readonly number[]): Promise<{ iterations: number; now: number; peak: number }[]> {
  const { vopr } = fakeProfile();
  const profile = fakeProfile({}, { batch: { ...vopr.batch, max_iterations: BATCH_ITERATIONS } });
  return inFolder(profile, async (folder) => {
    const [file = "", ...args] = cycleCommand(folder, MAX_CYCLE_SECONDS, availableParallelism());
    const runner = spawn(file, args, { cwd: folder, stdio: "ignore" });
    const exited = once(runner, "exit");
    const measured = [];
    try {
      for (const point of points) {
        const iterations = await reached(point, join(folder, "state/cycle.json"), runner);
        measured.push({ iterations, ...memoryOf(runner.pid) });
      }
    } finally {
      runner.kill("SIGTERM");
      await exited;
    }
    return measured;
  });
}

/** Waits until so many seeds have a verdict; returns how many have. */
async function reached(point: number, statePath: string, runner: ChildProcess): Promise<number> {
  while (runner.exitCode === null) {
    const vopr = existsSync(statePath) ? read(statePath, cycleStateSchema).vopr : null;
    const iterations = Object.values(vopr?.scenarios ?? {}).reduce((sum, share) => sum + share.iterations, 0);
    if (iterations >= point) return iterations;
    await setTimeout(10);
  }
  throw new Error(`the cycle ended before ${String(point)} iterations`);
}

export async function benchMemory(): Promise<void> {
  const [early, late] = await memoryAt(MEMORY_POINTS);
  if (early === undefined || late === undefined) throw new Error("there were no two points");
  const megabytes = (bytes: number): string => `${(bytes / 1024 / 1024).toFixed(0)} MB`;
  const name = ({ iterations }: { iterations: number }): string =>
    `runner's memory after ${iterations.toLocaleString("en-US")} iterations`;
  report(name(early), `${megabytes(early.now)}, at most ${megabytes(early.peak)}`);
  const growth = late.now / early.now;
  report(name(late), `${megabytes(late.now)}, ${growth.toFixed(2)} x, at most ${megabytes(late.peak)}`, {
    text: `flat (<= ${String(FLAT_AIM)} x), under ${megabytes(MEMORY_AIM_BYTES)}`,
    met: growth <= FLAT_AIM && late.peak < MEMORY_AIM_BYTES,
  });
}
