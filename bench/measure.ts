/** Small tools of the benchmarks: whole processes, timed from outside; medians of alternating runs. */
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { execa } from "execa";

const RUN_TIMEOUT_MS = 300_000;
const MAX_OUTPUT_BYTES = 512 * 1024 * 1024;

export const distPath = (name: string): string => fileURLToPath(new URL(`../dist/${name}`, import.meta.url));

export interface Timed {
  readonly seconds: number;
  readonly stdout: string;
  readonly exitCode: number | undefined;
}

/** Runs a program to its end. Exit codes above 1 are errors: 1 is "failures found". */
export async function timed(command: readonly string[], cwd?: string): Promise<Timed> {
  const [file = "", ...args] = command;
  const started = performance.now();
  const child = execa(file, args, {
    reject: false,
    timeout: RUN_TIMEOUT_MS,
    maxBuffer: MAX_OUTPUT_BYTES,
    ...(cwd === undefined ? {} : { cwd }),
  });
  const { stdout, stderr, exitCode } = await child;
  const seconds = (performance.now() - started) / 1000;
  if (exitCode === undefined || exitCode > 1)
    throw new Error(`${command.join(" ")} ended with ${String(exitCode)}: ${stderr.slice(0, 2_000)}`);
  return { seconds, stdout, exitCode };
}

/** Resident memory of a live process now and at most, bytes: VmRSS and VmHWM of proc(5). */
export function memoryOf(pid: number | undefined): { now: number; peak: number } {
  const status = readFileSync(`/proc/${String(pid)}/status`, "utf8");
  const bytes = (field: string): number => {
    const kilobytes = new RegExp(`^${field}:\\s+(\\d+) kB$`, "m").exec(status)?.[1];
    if (kilobytes === undefined) throw new Error(`/proc does not tell the ${field} of process ${String(pid)}`);
    return Number(kilobytes) * 1024;
  };
  return { now: bytes("VmRSS"), peak: bytes("VmHWM") };
}

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  const upper = sorted[middle];
  const lower = sorted[sorted.length % 2 === 0 ? middle - 1 : middle];
  if (upper === undefined || lower === undefined) throw new Error("the median of nothing");
  return (upper + lower) / 2;
}

/** One line of the report. `met`: undefined where there is no aim. */
export function report(name: string, value: string, aim?: { text: string; met: boolean }): void {
  const verdict = aim === undefined ? "" : `   aim ${aim.text}: ${aim.met ? "met" : "MISSED"}`;
  process.stdout.write(`${name.padEnd(58)} ${value}${verdict}\n`);
}
