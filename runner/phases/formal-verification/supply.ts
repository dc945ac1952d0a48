/**
 * What the checks need from outside: downloaded files and container images. Each is had once for the whole phase;
 * what cannot be had is a problem in words, for the checks that need it and for no other.
 */
import { createHash } from "node:crypto";
import { join } from "node:path";
import { toolCopyKey } from "../../../contracts/bucket.ts";
import { reasonOf } from "../../../contracts/errors.ts";
import type { ProofsProfile } from "../../../contracts/profile/formal-verification.ts";
import { toolsFolder } from "../../platform/folders.ts";
import { HeadAndTail } from "../../platform/lines.ts";
import { MAX_BODY_BYTES } from "../../store/object-store.ts";
import { ensureImage, removeOlderImages } from "../../tools/docker-images.ts";
import { removeLeftoverContainers, type Docker } from "../../tools/docker.ts";
import { fetchTool, type DownloadCopy } from "../../tools/downloads.ts";
import { hashOfFolder } from "../../tools/folder-hash.ts";
import type { PhaseContext } from "../context.ts";
import { lineHeartbeat } from "../heartbeat.ts";
import { storeLog } from "../logs.ts";

const ATTEMPT_DEADLINE_MS = 120_000;
const MAX_ATTEMPTS = 3;
/** Kept of what making an image prints, of its head and again of its tail. */
const KEPT_BYTES = 256 * 1024;

/** `found`: the path of a file, the id of an image. `logKey`: what making it printed, null when nothing. */
export type Supplied = { readonly found: string } | { readonly problem: string; readonly logKey: string | null };

export class ToolSupply {
  readonly docker: Docker;
  readonly #context: PhaseContext;
  readonly #profile: ProofsProfile;
  readonly #files = new Map<string, Supplied>();
  readonly #images = new Map<string, Supplied>();

  private constructor(context: PhaseContext, profile: ProofsProfile) {
    this.#context = context;
    this.#profile = profile;
    const owner = createHash("sha256").update(context.stateFolder).digest("hex").slice(0, 12);
    this.docker = { processes: context.processes, program: "docker", owner };
  }

  /** Containers that a killed runner left would take memory from the checks, and their names. */
  static async open(context: PhaseContext, profile: ProofsProfile): Promise<ToolSupply> {
    const supply = new ToolSupply(context, profile);
    if (Object.keys(profile.images).length === 0) return supply;
    const { removed, problems } = await removeLeftoverContainers(supply.docker, context.signal);
    if (removed.length > 0) context.log.warn({ removed }, "removed containers of a runner that was killed");
    if (!context.signal.aborted) for (const problem of problems) context.warn(problem);
    return supply;
  }

  /** Time that may go into getting an image that was not asked for yet, milliseconds. */
  imageWantsMs(name: string): number {
    return this.#images.has(name) ? 0 : this.#profile.images[name]!.deadline_seconds * 1000;
  }

  /** `name`: one of the profile's downloads. */
  file(name: string, leftMs: number): Promise<Supplied> {
    return once(this.#files, name, async () => {
      const { clock, signal, stateFolder } = this.#context;
      const { file, url, sha256 } = this.#profile.downloads[name]!;
      const { path, warnings } = await fetchTool(
        { name: file, url, sha256 },
        {
          toolsFolder: toolsFolder(stateFolder),
          clock,
          attemptDeadlineMs: Math.max(1, Math.min(ATTEMPT_DEADLINE_MS, leftMs)),
          maxAttempts: MAX_ATTEMPTS,
          maxBytes: MAX_BODY_BYTES, // a larger one could have no copy in the store
          signal,
          copy: copyInStore(this.#context),
        },
      );
      for (const warning of warnings) this.#context.warn(warning);
      return { found: path };
    });
  }

  /** `name`: one of the profile's images. */
  image(name: string, leftMs: number): Promise<Supplied> {
    return once(this.#images, name, async () => {
      const { profile, signal } = this.#context;
      const { source, deadline_seconds: deadlineSeconds } = this.#profile.images[name]!;
      const buildFolder = source.from === "folder" ? join(profile.work_tree, source.folder) : null;
      const image =
        source.from === "registry" ? source.reference : await tagOf(name, join(profile.work_tree, source.folder));
      const printed = new HeadAndTail(KEPT_BYTES);
      const beat = lineHeartbeat(this.#context);
      this.#context.live.activity = `preparing the image ${name}`;
      const state = await ensureImage(this.docker, {
        image,
        platform: null,
        buildFolder,
        deadlineMs: Math.min(deadlineSeconds * 1000, leftMs),
        signal,
        watch: (line) => {
          beat(line);
          printed.push(Buffer.from(`${line}\n`));
        },
      });
      if ("id" in state && buildFolder !== null) await this.#removeOlder(image);
      const log = printed.toString();
      const logKey = log === "" ? null : await storeLog(this.#context, `image.${name}`, log);
      return "id" in state ? { found: state.id } : { problem: state.problem, logKey };
    });
  }

  async #removeOlder(image: string): Promise<void> {
    const { log, signal } = this.#context;
    const { removed, problems } = await removeOlderImages(this.docker, image, signal);
    if (removed.length > 0) log.info({ removed, kept: image }, "removed images of older contents of the same folder");
    if (!signal.aborted) for (const problem of problems) this.#context.warn(problem);
  }
}

/** Asks only once; an error (a full disk, a folder that is not there) concerns those who need the thing, and nobody else. */
async function once(known: Map<string, Supplied>, name: string, get: () => Promise<Supplied>): Promise<Supplied> {
  const before = known.get(name);
  if (before !== undefined) return before;
  const supplied = await get().catch((error: unknown) => ({ problem: reasonOf(error), logKey: null }));
  known.set(name, supplied);
  return supplied;
}

/** An image under its own tag is never taken for one of another content. */
export const tagOf = async (name: string, folder: string): Promise<string> =>
  `kimtest-${name}:${(await hashOfFolder(folder)).slice(0, 16)}`;

/** Upstream moves files; the store keeps those that were looked at. */
function copyInStore({ store, outbox }: PhaseContext): DownloadCopy {
  return {
    read: async ({ sha256, name }) => (await store.get(toolCopyKey(sha256, name)))?.body,
    save: ({ sha256, name }, bytes) => outbox.put(toolCopyKey(sha256, name), bytes),
  };
}
