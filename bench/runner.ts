/** What the runner adds to the programs it runs: throughput against bare processes, and memory over iterations. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { availableParallelism, tmpdir } from "node:os";
import { join } from "node:path";
import { digestSchema, type Digest } from "../contracts/digest.ts";
import { stringifyJson } from "../contracts/json.ts";
import type { Profile } from "../contracts/profile.ts";
import { voprResultSchema } from "../contracts/results.ts";
import { decodeJson } from "../runner/store/read-json.ts";
import { fakeProfile } from "../test/fake-profile.ts";
import { distPath, median, report, timed } from "./measure.ts";

const WORKERS = availableParallelism();
const ROUNDS = 2;
const MARATHON_SECONDS = 50;
const THROUGHPUT_AIM = 0.97;
const MEMORY_AIM_BYTES = 200 * 1024 * 1024;
/** V8 keeps some room it once needed: what counts is that forty times the seeds do not need forty times the memory. */
const FLAT_AIM = 1.25;

/** Runs one cycle of a profile in a folder of its own. */
async function cycle<T>(profile: Profile, seconds: number, read: (folder: string, digest: Digest) => T) {
  const folder = mkdtempSync(join(tmpdir(), "kimtest-bench-"));
  try {
    writeFileSync(join(folder, "profile.json"), stringifyJson(profile));
    const flags = [
      "--profile",
      join(folder, "profile.json"),
      "--store",
      join(folder, "store"),
      "--state",
      join(folder, "state"),
    ];
    const run = await timed(
      [
        process.execPath,
        distPath("kimtest.js"),
        "cycle",
        ...flags,
        "--duration",
        `${seconds.toFixed(1)}s`,
        "--workers",
        String(WORKERS),
      ],
      folder,
    );
    const path = join(folder, "store/digests/latest.json");
    return { run, value: read(folder, decodeJson(readFileSync(path, "utf8"), path, digestSchema)) };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
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
        first_iterations: 100,
        max_iterations: 100_000,
        target_seconds: 20,
        stall_seconds: 20,
        deadline_seconds: 600,
      },
      canary: { name: "skip-fsync", scenario: "combined", arguments: ["--canary", "skip-fsync"], iterations: 20 },
    },
  };
}

/** Seeds per second of the marathon (after its canary), and how many seeds it did. */
async function runnerRate(): Promise<{ seeds: number; rate: number }> {
  const { value } = await cycle(simulatorProfile(), MARATHON_SECONDS, (folder) => {
    const path = join(folder, "store/cycles/000001/vopr.json");
    return decodeJson(readFileSync(path, "utf8"), path, voprResultSchema);
  });
  const seconds = (Date.parse(value.ended_at) - Date.parse(value.canary?.at ?? "")) / 1000;
  return { seeds: value.iterations, rate: value.iterations / seconds };
}

/** The same seeds by one bare process per worker, side by side. */
async function bareRate(seeds: number): Promise<number> {
  const started = performance.now();
  await Promise.all(
    Array.from({ length: WORKERS }, (_, worker) => {
      const from = Math.floor((seeds * worker) / WORKERS);
      const to = Math.floor((seeds * (worker + 1)) / WORKERS);
      return timed([
        process.execPath,
        distPath("vopr.js"),
        "--json",
        "--scenario",
        "combined",
        "--seed",
        String(from),
        "-n",
        String(to - from),
      ]);
    }),
  );
  return seeds / ((performance.now() - started) / 1000);
}

export async function benchThroughput(): Promise<void> {
  const ratios: number[] = [];
  const rates: number[] = [];
  for (let round = 0; round < ROUNDS; round += 1) {
    const { seeds, rate } = await runnerRate();
    rates.push(rate);
    ratios.push(rate / (await bareRate(seeds)));
  }
  const value = `${median(ratios).toFixed(3)} (${median(rates).toFixed(0)} sims/s, ${String(WORKERS)} workers, median of ${String(ROUNDS)})`;
  report("runner / bare vopr processes, same seeds", value, {
    text: `>= ${String(THROUGHPUT_AIM)}`,
    met: median(ratios) >= THROUGHPUT_AIM,
  });
}

/** Peak memory of a runner whose vopr is as fast as its lines can be read, in batches of at most so many seeds. */
async function memoryAfter(seconds: number, maxIterations: number): Promise<{ iterations: number; bytes: number }> {
  const { vopr } = fakeProfile();
  const profile = fakeProfile({}, { batch: { ...vopr.batch, max_iterations: maxIterations } });
  const { run, value } = await cycle(profile, seconds, (_folder, digest) => digest.vopr.iterations);
  if (run.peakBytes === undefined) throw new Error("this system does not tell the memory of a process (no /proc)");
  return { iterations: value, bytes: run.peakBytes };
}

export async function benchMemory(): Promise<void> {
  // Batches of a hundred seeds: some ten thousand in the same time, so that only their number differs.
  const few = await memoryAfter(12, 100);
  let seconds = 12;
  let many = await memoryAfter(seconds, 50_000);
  while (many.iterations < 500_000) {
    seconds *= 2;
    many = await memoryAfter(seconds, 50_000);
  }
  const megabytes = ({ bytes }: { bytes: number }): string => `${(bytes / 1024 / 1024).toFixed(0)} MB`;
  report(`runner's peak memory, ${few.iterations.toLocaleString("en-US")} iterations`, megabytes(few));
  const growth = many.bytes / few.bytes;
  report(
    `runner's peak memory, ${many.iterations.toLocaleString("en-US")} iterations`,
    `${megabytes(many)}, ${growth.toFixed(2)} x`,
    {
      text: `flat (<= ${String(FLAT_AIM)} x), under ${String(MEMORY_AIM_BYTES / 1024 / 1024)} MB`,
      met: growth <= FLAT_AIM && many.bytes < MEMORY_AIM_BYTES,
    },
  );
}
