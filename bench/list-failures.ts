/** How long list-failures takes to its first row on a bucket with 100,000 failures, and what memory it needs in all. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { voprFailureKey } from "../contracts/bucket.ts";
import { archiveObjects, type Archived } from "../cli/failures/archive.fixture.ts";
import { startFullMoto } from "../test/aws/moto.ts";
import { distPath, median, report } from "./measure.ts";

const FAILURES = 100_000;
const RUNS = 7;
const FIRST_ROW_AIM_SECONDS = 1;
const MEMORY_AIM_BYTES = 200 * 1024 * 1024;
const FROM_MS = 1_700_000_000_000;
const BUCKET = "kimtest-bench-failures";
const MEBIBYTE = 1024 * 1024;

export async function benchListFailures(): Promise<void> {
  const failures = Array.from({ length: FAILURES }, (_, index): Archived => ({
    key: voprFailureKey(BigInt((index * 7_919) % FAILURES), FROM_MS + index),
    signature: `agreement:scenario-${String(index % 10)}`,
  }));
  const moto = await startFullMoto(BUCKET, archiveObjects(failures, FROM_MS) as [string, string][]);
  try {
    const newest = `seed-${String(((FAILURES - 1) * 7_919) % FAILURES)}-${String(FROM_MS + FAILURES - 1)}`;
    const first: Listing[] = [];
    for (let run = 0; run <= RUNS; run += 1) first.push(await list([], moto.env, newest));
    first.shift(); // fills the compile cache, as any first use does
    reportListing("list-failures, 100,000 in the bucket, 50 shown", first);
    reportListing("  the same, all 100,000 shown", [await list(["--limit", String(FAILURES)], moto.env, newest)]);
    reportListing("  the same, without the index", [await list(["--no-index"], moto.env, newest)], "no aim");
  } finally {
    await moto.stop();
  }
}

interface Listing {
  readonly firstRowSeconds: number;
  readonly seconds: number;
  readonly peakBytes: number;
}

/** Of the whole life of the process, in KiB, by the process itself: nobody sees its last moment from outside. */
const TELL_PEAK = `import { writeSync } from "node:fs";
  process.on("exit", () => writeSync(3, String(process.resourceUsage().maxRSS)));`;

async function list(args: readonly string[], env: Readonly<Record<string, string>>, newest: string): Promise<Listing> {
  const startedMs = performance.now();
  const watched = ["--import", `data:text/javascript,${encodeURIComponent(TELL_PEAK)}`, distPath("kimtest.js")];
  const child = spawn(process.execPath, [...watched, "list-failures", "--store", `s3://${BUCKET}`, ...args], {
    env: { ...process.env, ...env },
    stdio: ["ignore", "pipe", "ignore", "pipe"],
  });
  let firstRowSeconds: number | undefined;
  let head = "";
  let peak = "";
  child.stdout!.on("data", (chunk: Buffer) => {
    if (firstRowSeconds !== undefined) return;
    head += chunk.toString();
    if (head.includes("\n")) firstRowSeconds = (performance.now() - startedMs) / 1_000;
  });
  child.stdio[3]!.on("data", (chunk: Buffer) => {
    peak += chunk.toString();
  });
  const [exitCode] = (await once(child, "close")) as [number | null];
  if (exitCode !== 0 || firstRowSeconds === undefined) throw new Error(`list-failures ended with ${String(exitCode)}`);
  if (!head.split("\n")[0]?.includes(newest)) throw new Error(`the first row is not ${newest}: ${head.slice(0, 200)}`);
  return { firstRowSeconds, seconds: (performance.now() - startedMs) / 1_000, peakBytes: Number(peak) * 1_024 };
}

function reportListing(name: string, listings: readonly Listing[], aim?: "no aim"): void {
  const seconds = median(listings.map(({ firstRowSeconds }) => firstRowSeconds));
  const all = median(listings.map((listing) => listing.seconds));
  const peakBytes = Math.max(...listings.map((listing) => listing.peakBytes));
  report(
    name,
    `first row after ${seconds.toFixed(2)} s, all after ${all.toFixed(2)} s`,
    aim === undefined
      ? {
          text: `<= ${String(FIRST_ROW_AIM_SECONDS)} s`,
          met: seconds <= FIRST_ROW_AIM_SECONDS,
        }
      : undefined,
  );
  report("  memory at most", `${(peakBytes / MEBIBYTE).toFixed(0)} MiB`, {
    text: `<= ${String(MEMORY_AIM_BYTES / MEBIBYTE)} MiB`,
    met: peakBytes <= MEMORY_AIM_BYTES,
  });
}
