/**
 * Tools that come as one file from the web, pinned by their SHA-256.
 *
 * A file is in the tools folder whole and right, or not at all. Upstream moves files: tla2tools.jar is
 * published again and again under one tag. A file with another hash is never used; a copy of the right one,
 * kept in the store when it was first had, takes its place.
 */
import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { mkdir, open, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";
import { KimtestError, reasonOf, systemCodeOf } from "../../contracts/errors.ts";
import type { Clock } from "../platform/clock.ts";

export interface Download {
  /** The file name to have in the tools folder. */
  readonly name: string;
  readonly url: string;
  /** SHA-256 in lower-case hex. */
  readonly sha256: string;
}

export interface DownloadOptions {
  readonly toolsFolder: string;
  readonly clock: Clock;
  /** For one attempt. */
  readonly attemptDeadlineMs: number;
  readonly maxAttempts: number;
  readonly maxBytes: number;
  readonly signal?: AbortSignal;
  /** A second home of the file; none by default. */
  readonly copy?: DownloadCopy;
}

/** In the object store, under a key that holds the hash. */
export interface DownloadCopy {
  /** Undefined when there is none. */
  read(download: Download): Promise<Buffer | undefined>;
  save(download: Download, bytes: Buffer): Promise<void>;
}

export interface Downloaded {
  readonly path: string;
  readonly from: "tools folder" | "web" | "copy";
  /** What to tell people though all went well in the end; empty when nothing. */
  readonly warnings: readonly string[];
}

const FIRST_PAUSE_MS = 1_000;
const MAX_PAUSE_MS = 30_000;

/**
 * @throws KimtestError `TOOL_MISSING` when the file can be had nowhere, or only with another hash; `INTERRUPTED`;
 *   `BAD_INPUT` when the pin is no SHA-256.
 */
export async function fetchTool(download: Download, options: DownloadOptions): Promise<Downloaded> {
  const { name, sha256 } = download;
  if (!/^[0-9a-f]{64}$/.test(sha256) || !/^[\w.+-]+$/.test(name)) {
    throw new KimtestError("BAD_INPUT", `the download ${name} is not pinned by a SHA-256 in lower-case hex`, {
      hint: "write the hash of the file that was looked at into the profile, and a plain file name",
    });
  }
  const folder = join(options.toolsFolder, sha256);
  const path = join(folder, name);
  const present = await hashOf(path);
  if (present === sha256) return { path, from: "tools folder", warnings: [] };
  await mkdir(folder, { recursive: true });
  const warnings = present === undefined ? [] : [`${path} was damaged and is fetched again`];

  const fromWeb = await fromUrl(download, options);
  if ("bytes" in fromWeb) {
    await place(path, fromWeb.bytes);
    // A copy that cannot be kept is no reason not to use the file; the next machine will try again.
    const problem = await options.copy?.save(download, fromWeb.bytes).then(
      () => undefined,
      (error: unknown) => `no copy of ${name} was kept: ${reasonOf(error)}`,
    );
    return { path, from: "web", warnings: problem === undefined ? warnings : [...warnings, problem] };
  }
  const copied = await fromCopy(download, options.copy);
  if (typeof copied === "string") {
    throw new KimtestError("TOOL_MISSING", `${name} cannot be had: ${fromWeb.problem}; ${copied}`, {
      hint: fromWeb.isMismatch
        ? `look at what ${download.url} is now; when it is to be trusted, pin its new SHA-256 in the profile`
        : `check that ${download.url} can be reached, or put the file at ${path}`,
    });
  }
  await place(path, copied);
  return { path, from: "copy", warnings: [...warnings, `${name}: ${fromWeb.problem}; its copy in the store was used`] };
}

interface WebProblem {
  readonly problem: string;
  readonly isMismatch: boolean;
}

async function fromUrl(download: Download, options: DownloadOptions): Promise<{ readonly bytes: Buffer } | WebProblem> {
  const { clock, maxAttempts, signal } = options;
  for (let attempt = 1; ; attempt += 1) {
    if (signal?.aborted === true) throw new KimtestError("INTERRUPTED", `stopped while fetching ${download.name}`);
    const tried = await attemptOf(download, options);
    if ("bytes" in tried) return tried;
    if (tried.isFinal || attempt >= maxAttempts) {
      const times = attempt === 1 ? "" : ` (${String(attempt)} attempts)`;
      return { problem: `${tried.problem}${times}`, isMismatch: tried.isMismatch };
    }
    await clock.sleep(Math.min(MAX_PAUSE_MS, FIRST_PAUSE_MS * 2 ** (attempt - 1)), signal);
  }
}

type Attempt = { readonly bytes: Buffer } | (WebProblem & { readonly isFinal: boolean });

async function attemptOf({ url, sha256 }: Download, options: DownloadOptions): Promise<Attempt> {
  const again = (problem: string): Attempt => ({ problem, isMismatch: false, isFinal: false });
  const never = (problem: string, isMismatch = false): Attempt => ({ problem, isMismatch, isFinal: true });
  const deadline = AbortSignal.timeout(Math.ceil(options.attemptDeadlineMs)); // it takes whole numbers only
  const signal = options.signal === undefined ? deadline : AbortSignal.any([deadline, options.signal]);
  try {
    const response = await fetch(url, { signal, redirect: "follow" });
    if (!response.ok) {
      await response.body?.cancel();
      const isTemporary = response.status >= 500 || [408, 425, 429].includes(response.status);
      return (isTemporary ? again : never)(`${url} answered ${String(response.status)}`);
    }
    const chunks: Uint8Array[] = [];
    let length = 0;
    for await (const chunk of (response.body ?? []) as AsyncIterable<Uint8Array>) {
      length += chunk.length;
      if (length > options.maxBytes) return never(`${url} is larger than ${String(options.maxBytes)} bytes`);
      chunks.push(chunk);
    }
    const bytes = Buffer.concat(chunks);
    const actual = createHash("sha256").update(bytes).digest("hex");
    if (actual === sha256) return { bytes };
    return never(`${url} has the SHA-256 ${actual}, but ${sha256} is pinned`, true);
  } catch (error) {
    if (deadline.aborted) return again(`${url} took longer than ${String(options.attemptDeadlineMs / 1000)} s`);
    const cause = error instanceof Error && error.cause !== undefined ? `: ${reasonOf(error.cause)}` : "";
    return again(`${url} cannot be fetched: ${reasonOf(error)}${cause}`);
  }
}

/** The bytes, or why there are none. */
async function fromCopy(download: Download, copy: DownloadCopy | undefined): Promise<Buffer | string> {
  if (copy === undefined) return "no copy is kept";
  try {
    const bytes = await copy.read(download);
    if (bytes === undefined) return "there is no copy in the store";
    const actual = createHash("sha256").update(bytes).digest("hex");
    return actual === download.sha256 ? bytes : `its copy in the store has the SHA-256 ${actual}`;
  } catch (error) {
    return `its copy cannot be read: ${reasonOf(error)}`;
  }
}

/** Written beside its place, and moved there when it is on the disk. */
async function place(path: string, bytes: Buffer): Promise<void> {
  const partial = `${path}.${String(process.pid)}.partial`;
  try {
    const file = await open(partial, "w", 0o644);
    try {
      await file.writeFile(bytes);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(partial, path);
  } catch (error) {
    await rm(partial, { force: true });
    throw error;
  }
}

/** Undefined when there is no such file. */
async function hashOf(path: string): Promise<string | undefined> {
  const hash = createHash("sha256");
  try {
    await pipeline(createReadStream(path), hash);
  } catch (error) {
    if (systemCodeOf(error) === "ENOENT") return undefined;
    throw error;
  }
  return hash.digest("hex");
}
