/**
 * Runs tools in Docker containers, and really stops them.
 *
 * Ending `docker run` does not end the container: the client hands SIGTERM to process 1 of the container,
 * which ignores it as often as not (moby issues 14207 and 35647), and a killed client hands on nothing.
 * So every container has a name, an init process and the label of its owner; after every run, however it
 * ended, it is stopped, then killed, then removed; and what a killed runner left is removed at start-up.
 */
import { KimtestError } from "../../contracts/errors.ts";
import type { Processes } from "../platform/processes.ts";
import type { ToolLimits } from "./proof.ts";
import { lastWords, runTool, type ToolOutput } from "./tool-run.ts";

/** Between SIGTERM and SIGKILL in the container. */
const STOP_GRACE_SECONDS = 2;
/** For a question to the daemon, which may be busy, or gone. */
const COMMAND_DEADLINE_MS = 10_000;
/** For each of stop, kill and rm beside the grace: all of them must fit into the ten seconds of a stopping runner. */
const REMOVAL_DEADLINE_MS = 1_500;
/** On what a runner has made, containers and images: whose it is. */
export const OWNER_LABEL = "kimtest.owner";

export interface Docker {
  readonly processes: Processes;
  /** The program: `docker`, or another with the same command line. */
  readonly program: string;
  /** Tells the containers of one runner from those of another on the same machine; becomes part of their names. */
  readonly owner: string;
}

export interface Mount {
  readonly source: string;
  readonly target: string;
  readonly isReadOnly: boolean;
}

export interface Container {
  /** From `containerName`. */
  readonly name: string;
  readonly image: string;
  /** For example linux/amd64; null for the machine's own. */
  readonly platform: string | null;
  readonly mounts: readonly Mount[];
  readonly workingFolder: string | null;
  /** Null for the image's own. */
  readonly entrypoint: string | null;
  readonly memoryMebibytes: number;
}

/** Names are known to the whole machine: two runners may both be in their first cycle. */
export function containerName({ owner }: Docker, cycle: number, tool: string): string {
  return `kimtest-${owner}-${String(cycle)}-${tool.toLowerCase().replace(/[^a-z0-9_.-]/g, "-")}`;
}

export function containerCommand(docker: Docker, container: Container, command: readonly string[]): string[] {
  const { name, platform, workingFolder, entrypoint, mounts, memoryMebibytes, image } = container;
  const mountFlags = mounts.flatMap(({ source, target, isReadOnly }) => {
    if (/[,"\n]/.test(source + target)) {
      throw new KimtestError("BAD_INPUT", `${source} cannot be mounted: its path has a comma, quote or newline`, {
        hint: "move the checkout to a folder with a plain name",
      });
    }
    return ["--mount", `type=bind,source=${source},target=${target}${isReadOnly ? ",readonly" : ""}`];
  });
  return [
    ...[docker.program, "run", "--name", name, "--label", `${OWNER_LABEL}=${docker.owner}`],
    ...["--init", "--pull", "never", "--network", "none", "--memory", `${String(memoryMebibytes)}m`],
    ...(platform === null ? [] : ["--platform", platform]),
    ...mountFlags,
    ...(workingFolder === null ? [] : ["--workdir", workingFolder]),
    ...(entrypoint === null ? [] : ["--entrypoint", entrypoint]),
    image,
    ...command,
  ];
}

/** Runs `command` in a new container; when this returns the container is gone, or the description says it is not. */
export async function runInContainer(
  docker: Docker,
  container: Container,
  command: readonly string[],
  limits: ToolLimits,
): Promise<ToolOutput> {
  const output = await runTool(docker.processes, {
    ...limits,
    command: containerCommand(docker, container, command),
  });
  if (output.end.ending === "not-started") return output;
  const leftover = await removeContainer(docker, container.name);
  const judged = withContainerProblem(output);
  if (leftover === undefined) return judged;
  const description = `${judged.end.description}; its container ${container.name} could not be removed${leftover}`;
  return { ...judged, end: { ...judged.end, description } };
}

/**
 * Exit codes of `docker run` that are not the tool's own: 125 the client or daemon failed, 126 and 127 the
 * command could not be started in the container, 128+N it was killed by signal N.
 */
export function withContainerProblem(output: ToolOutput): ToolOutput {
  const { end, text } = output;
  const code = end.exitCode;
  if (code === null) return output;
  const because = (ending: "not-started" | "killed", description: string): ToolOutput => ({
    ...output,
    end: { ...end, ending, exitCode: null, description },
  });
  if (/exec format error/.test(text)) {
    return because("not-started", "the image is for another architecture than this machine (exec format error)");
  }
  if (code === 125) return because("not-started", `docker could not run it: ${dockerReason(text)}`);
  if (code === 126 || code === 127) return because("not-started", `cannot be started in its image${lastWords(text)}`);
  if (code === 137) return because("killed", "killed in its container: out of memory, or stopped from outside");
  if (code > 128 && code <= 128 + 64)
    return because("killed", `killed in its container by signal ${String(code - 128)}`);
  return output;
}

/** The line of the client that says why, without the advice that follows it. */
function dockerReason(text: string): string {
  const line = text
    .split("\n")
    .find((one) => /^(docker: |Cannot connect|Error response|Unable to find|error during)/i.test(one));
  return (line ?? lastWords(text).slice(2))
    .replace(/^docker: /, "")
    .replace(/^Error response from daemon: /, "")
    .slice(0, 300);
}

/** Stops, kills and removes; undefined when it is gone, else why not. Not stopped by the runner's own end. */
async function removeContainer(docker: Docker, name: string): Promise<string | undefined> {
  const small = (command: readonly string[], extraMs = 0): Promise<ToolOutput> =>
    runTool(docker.processes, { command: [docker.program, ...command], deadlineMs: REMOVAL_DEADLINE_MS + extraMs });
  const isDone = ({ end, text }: ToolOutput): boolean => end.exitCode === 0 || /No such container/i.test(text);
  const stopped = await small(["stop", "-t", String(STOP_GRACE_SECONDS), name], STOP_GRACE_SECONDS * 1000);
  if (!isDone(stopped)) await small(["kill", name]);
  const removed = await small(["rm", "-f", "-v", name]);
  return isDone(removed) ? undefined : ` (${removed.end.description}${lastWords(removed.text)})`;
}

/** A question to the daemon, which may hang: it does not hold up a runner that stops. */
export function ask(docker: Docker, command: readonly string[], signal: AbortSignal | undefined): Promise<ToolOutput> {
  const limits = { deadlineMs: COMMAND_DEADLINE_MS, ...(signal === undefined ? {} : { signal }) };
  return runTool(docker.processes, { ...limits, command });
}

export interface Leftovers {
  readonly removed: readonly string[];
  /** What could not be done, in words; empty when all is well. */
  readonly problems: readonly string[];
}

/**
 * Removes the containers of this owner that a killed runner left. Nothing is left where there is no docker. After
 * `signal` no further one is begun: the next start finds it.
 */
export async function removeLeftoverContainers(docker: Docker, signal?: AbortSignal): Promise<Leftovers> {
  const filter = ["--filter", `label=${OWNER_LABEL}=${docker.owner}`, "--format", "{{.Names}}"];
  const command = [docker.program, "ps", "--all", ...filter];
  const listed = await ask(docker, command, signal);
  if (listed.end.ending === "not-started") return { removed: [], problems: [] };
  if (listed.end.exitCode !== 0) {
    return { removed: [], problems: [`containers cannot be listed: ${dockerReason(listed.text)}`] };
  }
  const removed: string[] = [];
  const problems: string[] = [];
  for (const name of listed.text.split("\n").filter((line) => line.trim() !== "")) {
    if (signal?.aborted === true) break;
    const problem = await removeContainer(docker, name);
    if (problem === undefined) removed.push(name);
    else problems.push(`container ${name} could not be removed${problem}`);
  }
  return { removed, problems };
}

/** What the daemon's containers are for, for example linux/amd64; or why it does not say. */
export type Daemon = { readonly platform: string } | { readonly problem: string };

export async function askDaemon(docker: Docker, signal: AbortSignal | undefined): Promise<Daemon> {
  const command = [docker.program, "version", "--format", "{{.Server.Os}}/{{.Server.Arch}}"];
  const { end, text } = await ask(docker, command, signal);
  if (end.ending === "not-started") return { problem: end.description };
  if (end.exitCode !== 0) return { problem: `docker does not answer: ${dockerReason(text)}` };
  return { platform: text.trim() };
}
