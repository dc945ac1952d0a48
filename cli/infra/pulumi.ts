/**
 * Runs the Pulumi CLI. Nothing here imports the Pulumi program: it is Pulumi that starts it.
 *
 * Two ways: `read` asks for a fact, with a deadline; `act` changes the cloud, has none (an update ends when it
 * ends), and is never killed: Pulumi must finish or give up each resource itself, or the stack's state no longer
 * says what exists.
 */
import { execa } from "execa";
import { KimtestError } from "../../contracts/errors.ts";
import type { CliDeps } from "../deps.ts";
import type { Project } from "./project.ts";

export interface Pulumi {
  readonly project: Project;
  readonly stack: string;
  /** Added to this process's environment. */
  readonly env: Readonly<Record<string, string>>;
}

export interface Answer {
  /** undefined: not started, or stopped at its deadline. */
  readonly exitCode: number | undefined;
  readonly stdout: string;
  /** Why there is no good answer, on one line. */
  readonly reason: string;
}

export const READ_DEADLINE_MS = 60_000;
const MAX_OUTPUT_BYTES = 10_000_000;
const REASON_LINES = 3;

/** Never rejects. */
export async function read(
  pulumi: Pulumi,
  args: readonly string[],
  stop: AbortSignal,
  deadlineMs = READ_DEADLINE_MS,
): Promise<Answer> {
  const ran = await execa("pulumi", [...args, "--non-interactive"], {
    cwd: pulumi.project.folder,
    env: { ...pulumi.env, PULUMI_SKIP_UPDATE_CHECK: "true" },
    reject: false,
    timeout: deadlineMs,
    forceKillAfterDelay: 2_000,
    cancelSignal: stop,
    stdin: "ignore",
    maxBuffer: MAX_OUTPUT_BYTES,
  });
  const { exitCode, stdout } = ran;
  if (stop.aborted) throw new KimtestError("INTERRUPTED", "interrupted; nothing was changed");
  if (ran.timedOut) {
    return { exitCode: undefined, stdout, reason: `gave no answer within ${String(deadlineMs / 1_000)} s` };
  }
  if (ran.code === "ENOENT") return { exitCode: undefined, stdout, reason: "there is no pulumi on PATH" };
  if (exitCode === undefined) return { exitCode, stdout, reason: ran.shortMessage ?? "ended without an exit code" };
  const said = ran.stderr.split("\n").filter((line) => line.trim() !== "");
  const reason = said.slice(-REASON_LINES).join(" ").trim();
  return { exitCode, stdout, reason: reason === "" ? `exit code ${String(exitCode)}` : reason };
}

/**
 * What it prints is shown as it comes: on a terminal Pulumi has the terminal, elsewhere its output is ours on stderr.
 *
 * Ctrl-C reaches Pulumi once, as SIGINT: a second one would make it drop what it is doing. On a terminal the
 * kernel delivers it to Pulumi itself; elsewhere Pulumi leads a process group of its own and we pass it on.
 *
 * @throws KimtestError `CLOUD_FAILED` with its exit code, `INTERRUPTED` after a signal
 */
export async function act(pulumi: Pulumi, args: readonly string[], deps: CliDeps): Promise<void> {
  const hasTerminal = deps.ask !== undefined;
  const output = hasTerminal ? "inherit" : "pipe";
  const { stop } = deps;
  const child = execa("pulumi", hasTerminal ? [...args] : [...args, "--non-interactive"], {
    cwd: pulumi.project.folder,
    env: { ...pulumi.env },
    reject: false,
    buffer: false,
    stdin: hasTerminal ? "inherit" : "ignore",
    stdout: output,
    stderr: output,
    detached: !hasTerminal,
    cleanup: false,
  });
  for (const stream of [child.stdout, child.stderr]) stream?.setEncoding("utf8").on("data", deps.err);
  const onStop = (): void => {
    deps.err("stopping; pulumi finishes what it has begun\n");
    if (!hasTerminal || stop.reason !== "SIGINT") child.kill("SIGINT");
  };
  stop.addEventListener("abort", onStop);
  if (stop.aborted) onStop();
  const ran = await child;
  stop.removeEventListener("abort", onStop);
  if (ran.exitCode === 0) return;
  const options = args.findIndex((word) => word.startsWith("-"));
  const what = ["pulumi", ...args.slice(0, options === -1 ? undefined : options)].join(" ");
  if (stop.aborted) {
    throw new KimtestError("INTERRUPTED", `${what} was interrupted`, {
      hint: `the same command goes on from there; if the stack is locked: pulumi cancel --stack ${pulumi.stack}`,
    });
  }
  const end = ran.exitCode === undefined ? (ran.shortMessage ?? "did not end well") : exitText(ran.exitCode);
  throw new KimtestError("CLOUD_FAILED", `${what} ${end}`, {
    hint: "its last lines above say why; the same command goes on from there",
  });
}

const exitText = (code: number): string => `ended with exit code ${String(code)}`;
