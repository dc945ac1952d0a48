/** Where a tool runs: on this machine, or in a container. The adapter of the tool need not know. */
import type { Processes } from "../platform/processes.ts";
import { runInContainer, type Container, type Docker } from "./docker.ts";
import type { ToolLimits } from "./proof.ts";
import { runTool, type ToolOutput } from "./tool-run.ts";

export type Launch = (command: readonly string[]) => Promise<ToolOutput>;

export function onThisMachine(processes: Processes, cwd: string, limits: ToolLimits): Launch {
  return (command) => runTool(processes, { ...limits, command, cwd });
}

export function inContainer(docker: Docker, container: Container, limits: ToolLimits): Launch {
  return (command) => runInContainer(docker, container, command, limits);
}
