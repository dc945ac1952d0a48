/**
 * The embedded vopr with all invariants on: events per second of one process, what it loses beside one on each
 * core, and memory over seeds.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { availableParallelism, tmpdir } from "node:os";
import { join } from "node:path";
import { execa } from "execa";
import { createProcesses } from "../runner/platform/processes.ts";
import { processStat } from "../runner/platform/process-table.ts";
import { runVopr } from "../runner/tools/vopr-run.ts";
import { distPath, median, memoryOf, report } from "./measure.ts";

const SEEDS = 400;
const SCENARIOS = ["baseline", "swizzle", "gray", "combined"];
const EVENTS_AIM = 300_000;
/** One alone and all together take turns, so that both share the machine's moods. */
const ROUNDS = 5;
const SEEDS_PER_ROUND = 1_500;
const LINEAR_AIM = 0.85;
const MEMORY_SEEDS = [1_000, 10_000, 20_000];
const MEMORY_AIM_BYTES = 400 * 1024 * 1024;
/** For twice the seeds. V8 keeps room it once needed; what counts is that it does not grow with the seeds. */
const FLAT_AIM = 1.2;
const RUN_TIMEOUT_MS = 600_000;

export async function benchSimulator(): Promise<void> {
  for (const scenario of SCENARIOS) {
    const { events, seconds } = await speed(scenario, SEEDS, 0);
    const perSecond = events / seconds;
    report(`simulator, ${scenario}`, `${(SEEDS / seconds).toFixed(0)} sims/s, ${perSecond.toFixed(0)} events/s`, {
      text: `>= ${EVENTS_AIM.toLocaleString("en-US")} events/s`,
      met: perSecond >= EVENTS_AIM,
    });
  }
  await benchCores();
  await benchMemory();
}

function command(scenario: string, seeds: number, from: number): string[] {
  const range = ["--seed", String(from), "-n", String(seeds)];
  return [process.execPath, distPath("vopr.js"), "--json", "--scenario", scenario, ...range];
}

interface Speed {
  readonly events: number;
  /** By the vopr's own clock. */
  readonly seconds: number;
  /** Both with the start of the process. */
  readonly cpuSeconds: number;
  readonly wallSeconds: number;
}

async function speed(scenario: string, seeds: number, from: number): Promise<Speed> {
  const notes = mkdtempSync(join(tmpdir(), "kimtest-bench-"));
  let events = 0;
  let seconds = 0;
  try {
    const { end, verdict } = await runVopr(createProcesses(notes), {
      command: command(scenario, seeds, from),
      range: { startingSeed: BigInt(from), iterations: seeds },
      deadlineMs: RUN_TIMEOUT_MS,
      onRecord: ({ type, data }) => {
        if (type === "iteration") events += data.events;
        if (type === "batch_complete") seconds = data.elapsed_secs;
        return undefined;
      },
    });
    if (verdict.verdict !== "passed") throw new Error(`${scenario}: ${verdict.reason ?? ""}`);
    return { events, seconds, cpuSeconds: end.cpuMs / 1000, wallSeconds: end.durationMs / 1000 };
  } finally {
    rmSync(notes, { recursive: true });
  }
}

/**
 * With one process per core, each gets as much done in a second of CPU time as one alone: the processes share nothing
 * but caches and memory. CPU time says the same on a machine that others use.
 *
 * By the clock they gain less, for one alone has more than one core: V8 collects garbage and compiles beside it. What
 * is left to gain is held against what the machine gives to loops that need neither.
 */
async function benchCores(): Promise<void> {
  const cores = availableParallelism();
  const shares: number[] = [];
  const speedUps: number[] = [];
  const loops: number[] = [];
  const busyCores: number[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    const run = (index: number) => speed("combined", SEEDS_PER_ROUND, index * SEEDS_PER_ROUND);
    const alone = await run(0);
    busyCores.push(alone.cpuSeconds / alone.wallSeconds);
    const together = await Promise.all(Array.from({ length: cores }, (_, index) => run(index)));
    shares.push(perCpuSecond(together) / perCpuSecond([alone]));
    const perSecond = together.map(({ events, seconds }) => events / seconds);
    speedUps.push(sum(perSecond) / (alone.events / alone.seconds));
    const loopAlone = await loopSeconds();
    const loopsTogether = await Promise.all(Array.from({ length: cores }, loopSeconds));
    loops.push(sum(loopsTogether.map((seconds) => loopAlone / seconds)));
  }
  const share = median(shares);
  report(`simulator, one process of ${cores} / one alone, per CPU second`, ofRounds(share, shares), {
    text: `>= ${LINEAR_AIM}`,
    met: share >= LINEAR_AIM,
  });
  report(`${cores} simulators / one, by the clock`, ofRounds(median(speedUps), speedUps));
  report("cores that one alone keeps busy", ofRounds(median(busyCores), busyCores));
  report(`${cores} empty loops / one, by the clock`, ofRounds(median(loops), loops));
  const gain = (median(speedUps) * median(busyCores)) / median(loops);
  report("simulators' gain, for the cores they keep busy / the loops'", gain.toFixed(3), {
    text: `>= ${LINEAR_AIM}`,
    met: gain >= LINEAR_AIM,
  });
}

const sum = (numbers: readonly number[]): number => numbers.reduce((total, one) => total + one, 0);
const perCpuSecond = (runs: readonly Speed[]): number =>
  sum(runs.map(({ events }) => events)) / sum(runs.map(({ cpuSeconds }) => cpuSeconds));
const ofRounds = (middle: number, rounds: readonly number[]): string =>
  `${middle.toFixed(3)} (median of ${rounds.map((one) => one.toFixed(2)).join(", ")})`;

/** Some seconds of arithmetic in registers, by its own clock. */
const LOOP = `const t = process.hrtime.bigint(); let x = 1;
for (let i = 0; i < 1e9; i++) x = (Math.imul(x, 1664525) + 1013904223) | 0;
console.log(Number(process.hrtime.bigint() - t) / 1e9, x);`;

async function loopSeconds(): Promise<number> {
  const { stdout } = await execa(process.execPath, ["--eval", LOOP], { timeout: RUN_TIMEOUT_MS });
  return Number(stdout.split(" ")[0]);
}

/** Resident memory of runs of more and more seeds; the last is held against the one before. */
async function benchMemory(): Promise<void> {
  let before = 0;
  for (const seeds of MEMORY_SEEDS) {
    const peak = await peakMemory(seeds);
    const megabytes = `${(peak / 1024 / 1024).toFixed(0)} MB at most`;
    const name = `simulator's memory, ${seeds.toLocaleString("en-US")} seeds of combined`;
    if (seeds !== MEMORY_SEEDS.at(-1)) report(name, megabytes);
    else {
      const growth = peak / before;
      report(name, `${megabytes}, ${growth.toFixed(2)} x that of half as many`, {
        text: `flat (<= ${FLAT_AIM} x), under ${MEMORY_AIM_BYTES / 1024 / 1024} MB`,
        met: growth <= FLAT_AIM && peak < MEMORY_AIM_BYTES,
      });
    }
    before = peak;
  }
}

/** Looked at while it runs, the last time less than an interval before its end. */
const LOOK_EVERY_MS = 100;

async function peakMemory(seeds: number): Promise<number> {
  const [file = "", ...args] = command("combined", seeds, 0);
  const child = spawn(file, args, { stdio: ["ignore", "pipe", "inherit"], timeout: RUN_TIMEOUT_MS });
  let peak = 0;
  let tail = "";
  child.stdout.on("data", (chunk: Buffer) => {
    tail = (tail + chunk.toString()).slice(-100_000);
  });
  const looking = setInterval(() => {
    // One that has ended and was not waited for yet has no memory any more.
    if (isRunning(child.pid)) peak = Math.max(peak, memoryOf(child.pid).peak);
  }, LOOK_EVERY_MS);
  const [code] = (await once(child, "close")) as [number | null];
  clearInterval(looking);
  if (code !== 0 || !tail.includes('"type":"batch_complete"')) {
    throw new Error(`${[file, ...args].join(" ")} ended with ${String(code)}, not with batch_complete`);
  }
  return peak;
}

function isRunning(pid: number | undefined): boolean {
  const stat = pid === undefined ? undefined : processStat(pid);
  return stat !== undefined && !"ZX".includes(stat.state);
}
