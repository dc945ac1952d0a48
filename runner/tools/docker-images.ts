/**
 * Container images: pulled or built before they are needed, for container runs never pull, so that their time is their
 * own; and those that were built of an older content of their folder are removed.
 */
import { ask, askDaemon, OWNER_LABEL, type Docker, type Leftovers } from "./docker.ts";
import { lastWords, runTool, type ToolOutput } from "./tool-run.ts";

/** For removing the layers of one image. */
const REMOVAL_DEADLINE_MS = 60_000;

export interface ImageSource {
  readonly image: string;
  readonly platform: string | null;
  /** Folder with a Dockerfile; null for an image that is pulled. */
  readonly buildFolder: string | null;
  readonly deadlineMs: number;
  readonly signal?: AbortSignal;
  /** Sees what pulling or building prints, line by line. */
  readonly watch?: (line: string) => void;
}

/** The image's id when a container can be made of it; else why not. */
export type ImageState = { readonly id: string } | { readonly problem: string };

/** Builds or pulls what is not there yet. */
export async function ensureImage(docker: Docker, source: ImageSource): Promise<ImageState> {
  const { image, signal } = source;
  const daemon = await askDaemon(docker, signal);
  if ("problem" in daemon) return daemon;
  const wanted = source.platform ?? daemon.platform;

  const present = await inspect(docker, source);
  if (present !== undefined) return checked(present, image, wanted);
  const platform = source.platform === null ? [] : ["--platform", source.platform];
  const command =
    source.buildFolder === null
      ? [docker.program, "pull", ...platform, image]
      : [docker.program, "build", "--tag", image, "--label", ownerLabel(docker), ...platform, source.buildFolder];
  const { deadlineMs, watch } = source;
  const made = await runTool(docker.processes, {
    command,
    deadlineMs,
    ...(signal === undefined ? {} : { signal }),
    ...(watch === undefined ? {} : { watch }),
  });
  const verb = source.buildFolder === null ? "pulled" : "built";
  if (made.end.exitCode !== 0) {
    return { problem: `image ${image} could not be ${verb}: ${why(made)}` };
  }
  const after = await inspect(docker, source);
  if (after === undefined) return { problem: `image ${image} was ${verb}, but is not there` };
  return checked(after, image, wanted);
}

const why = ({ end, text }: ToolOutput): string => `${end.description}${lastWords(text)}`;

const ownerLabel = ({ owner }: Docker): string => `${OWNER_LABEL}=${owner}`;

/**
 * Removes the other tags of this image's name that this owner has built: each stands for an older content of its
 * folder, and takes its room on the disk. What an older commit needs again is built again.
 *
 * @returns what was removed, and in words what could not be
 */
export async function removeOlderImages(docker: Docker, image: string, signal?: AbortSignal): Promise<Leftovers> {
  const [repository = ""] = image.split(":");
  const filter = ["--filter", `label=${ownerLabel(docker)}`, "--format", "{{.Repository}}:{{.Tag}}"];
  const listed = await ask(docker, [docker.program, "image", "ls", ...filter, repository], signal);
  if (listed.end.exitCode !== 0) {
    return { removed: [], problems: [`older images of ${repository} cannot be listed: ${why(listed)}`] };
  }
  const older = listed.text.split("\n").filter((line) => line.startsWith(`${repository}:`) && line !== image);
  const removed: string[] = [];
  const problems: string[] = [];
  for (const one of older) {
    if (signal?.aborted === true) break;
    const limits = { deadlineMs: REMOVAL_DEADLINE_MS, ...(signal === undefined ? {} : { signal }) };
    const ran = await runTool(docker.processes, { ...limits, command: [docker.program, "image", "rm", one] });
    if (ran.end.exitCode === 0) removed.push(one);
    else problems.push(`image ${one} could not be removed: ${why(ran)}`);
  }
  return { removed, problems };
}

interface PresentImage {
  readonly platform: string;
  readonly id: string;
}

async function inspect(docker: Docker, { image, signal }: ImageSource): Promise<PresentImage | undefined> {
  const command = [docker.program, "image", "inspect", "--format", "{{.Os}}/{{.Architecture}} {{.Id}}", image];
  const { end, text } = await ask(docker, command, signal);
  if (end.exitCode !== 0) return undefined;
  const [platform = "", id = ""] = text.trim().split(" ");
  return { platform, id };
}

function checked({ platform, id }: PresentImage, image: string, wanted: string): ImageState {
  if (id === "") return { problem: `docker tells no id of image ${image}` };
  // linux/arm64/v8 and linux/arm64 are the same machine.
  const [os, architecture] = wanted.split("/");
  return platform === `${os ?? ""}/${architecture ?? ""}`
    ? { id }
    : { problem: `image ${image} is for ${platform}, but ${wanted} is needed` };
}
