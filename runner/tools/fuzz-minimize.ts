/**
 * Makes a failing input shorter, within a deadline, and believes the result only when it fails in the same way:
 * a minimiser takes any crash for the crash it was given.
 */
import { copyFile, mkdtemp, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { ArtifactKind } from "../../contracts/failure.ts";
import type { Processes } from "../platform/processes.ts";
import { rustStack, signatureOf, type StackSignature } from "../triage/rust-stack.ts";
import { FUZZ_ENVIRONMENT } from "./cargo-fuzz.ts";
import { minimizeCommand, reproduceCommand, type LibFuzzerOptions } from "./libfuzzer.ts";
import { runTool, type ToolOutput } from "./tool-run.ts";

type ForOneInput = Pick<LibFuzzerOptions, "executable" | "timeoutSeconds" | "memoryMebibytes">;

/** Others take as long as their limit for each try, or break nothing. */
const MINIMIZED_KINDS: readonly ArtifactKind[] = ["crash"];
const END_GRACE_MS = 5_000;

export type Reproduction =
  | { readonly outcome: "fails"; readonly signature: StackSignature; readonly log: string }
  /** The input was executed to its end. */
  | { readonly outcome: "passes"; readonly log: string }
  | { readonly outcome: "unknown"; readonly reason: string };

export async function reproduce(
  processes: Processes,
  options: ForOneInput,
  input: string,
  signal?: AbortSignal,
): Promise<Reproduction> {
  return inScratch(async (scratch) => {
    const command = reproduceCommand({ ...options, artifactFolder: scratch }, input);
    const deadlineMs = options.timeoutSeconds * 1000 + 60_000;
    const stop = signal === undefined ? {} : { signal };
    return judgeReproduction(
      await runTool(processes, { command, cwd: scratch, env: FUZZ_ENVIRONMENT, deadlineMs, ...stop }),
    );
  });
}

export function judgeReproduction({ end, text }: ToolOutput): Reproduction {
  if (end.ending !== "exited") return { outcome: "unknown", reason: end.description };
  if (end.exitCode === 0) {
    return /^Executed \S+ in \d+ ms$/m.test(text)
      ? { outcome: "passes", log: text }
      : { outcome: "unknown", reason: "exit code 0, but no input was executed" };
  }
  const stack = rustStack(text);
  return stack === undefined
    ? { outcome: "unknown", reason: `exit code ${String(end.exitCode)} without a stack` }
    : { outcome: "fails", signature: signatureOf(stack), log: text };
}

export interface Minimized {
  /** The input to archive: `output` when it is shorter and fails in the same way, else the one that was given. */
  readonly path: string;
  /** Null when it is minimised; else why not. */
  readonly reason: string | null;
}

/** `output`: a file that does not exist yet. */
export async function minimize(
  processes: Processes,
  options: ForOneInput,
  finding: { readonly kind: ArtifactKind; readonly path: string; readonly signature: StackSignature },
  output: string,
  limits: { readonly maxSeconds: number; readonly signal?: AbortSignal },
): Promise<Minimized> {
  const kept = (reason: string): Minimized => ({ path: finding.path, reason });
  if (!MINIMIZED_KINDS.includes(finding.kind)) return kept(`inputs of kind ${finding.kind} are not minimised`);
  if (limits.maxSeconds < 1) return kept("no time was left to minimise it");
  const stop = limits.signal === undefined ? {} : { signal: limits.signal };
  return inScratch(async (scratch) => {
    // It overwrites its input with each shorter one that it tries.
    const input = join(scratch, "input");
    const shortest = join(scratch, "shortest");
    await copyFile(finding.path, input);
    await runTool(processes, {
      command: minimizeCommand(options, input, shortest, limits.maxSeconds),
      cwd: scratch,
      env: FUZZ_ENVIRONMENT,
      deadlineMs: limits.maxSeconds * 1000 + END_GRACE_MS,
      ...stop,
    });
    // However it ended: each result is written before the next is tried, and is checked below.
    const [before, after] = [await sizeOf(finding.path), await sizeOf(shortest)];
    if (after === undefined || before === undefined || after >= before) return kept("no shorter input was found");
    const again = await reproduce(processes, options, shortest, limits.signal);
    if (again.outcome === "unknown") return kept(`the shorter input could not be checked: ${again.reason}`);
    if (again.outcome === "passes" || again.signature.exact !== finding.signature.exact) {
      return kept("the shorter input fails in another way or not at all");
    }
    await copyFile(shortest, output);
    return { path: output, reason: null };
  });
}

async function sizeOf(path: string): Promise<number | undefined> {
  return stat(path).then(
    ({ size }) => size,
    () => undefined,
  );
}

async function inScratch<T>(work: (folder: string) => Promise<T>): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), "kimtest-fuzz-input-"));
  try {
    return await work(folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
