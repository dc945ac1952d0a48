/**
 * Unpacks a fuzz archive, whoever made it: plain files and folders below one new folder, within limits, or nothing.
 *
 * A link, a device, a path that leads out, a name that acts on a terminal: any of it refuses the whole archive, for
 * nothing that the runner writes has it.
 */
import { once } from "node:events";
import { createReadStream, type Stats } from "node:fs";
import { lstat, mkdtemp, readdir, readFile, rename, rm } from "node:fs/promises";
import { basename, dirname, join, relative } from "node:path";
import { createGunzip } from "node:zlib";
import { Parser, Unpack, type ReadEntry } from "tar";
import { KimtestError, reasonOf, systemCodeOf } from "../../contracts/errors.ts";
import { faultOfKey } from "../../runner/store/keys.ts";

export interface ExtractLimits {
  readonly entries: number;
  /** Unpacked. */
  readonly bytes: number;
}

export const EXTRACT_LIMITS: ExtractLimits = { entries: 10_000, bytes: 1024 * 1024 * 1024 };

const MAX_DEPTH = 16;
/** Of one entry, with its extended header: far more than a name needs. */
const MAX_HEADER_BYTES = 8_192;
const EXTENSION = ".tar.gz";

/** The folder for an archive's content, beside it. */
export const extractedPath = (archive: string): string => archive.slice(0, -EXTENSION.length);

/** @throws KimtestError `BAD_INPUT` for what an archive must not hold, or a folder that is there; `LIMIT_EXCEEDED` */
export async function extract(archive: string, force: boolean, limits = EXTRACT_LIMITS): Promise<string> {
  await inspect(archive, limits);
  const folder = extractedPath(archive);
  const temporary = await mkdtemp(join(dirname(archive), `.${basename(folder)}-`));
  try {
    await unpack(archive, temporary, limits);
    if (force) await rm(folder, { recursive: true, force: true });
    await renameNew(temporary, folder);
    return folder;
  } finally {
    // A write that was under way when another failed may still put a file there.
    await rm(temporary, { recursive: true, force: true, maxRetries: 10 });
  }
}

/** Reads all of it and writes nothing. */
async function inspect(archive: string, limits: ExtractLimits): Promise<void> {
  const inspector = new Inspector(archive, limits);
  const parser = new Parser({
    strict: true,
    onReadEntry: (entry) => {
      inspector.look(entry);
      entry.resume();
    },
  });
  await feed(archive, parser, inspector);
  if (inspector.entries > 0) return;
  throw new KimtestError("CORRUPT_DATA", `${archive} is empty, or is no tar.gz`, { hint: "look at what it is" });
}

async function unpack(archive: string, folder: string, limits: ExtractLimits): Promise<void> {
  // It looks again: the file may have been replaced.
  const inspector = new Inspector(archive, limits);
  const filter = (_path: string, entry: Stats | ReadEntry): boolean => inspector.look(entry as ReadEntry);
  const unpacker = new Unpack({ cwd: folder, strict: true, preserveOwner: false, noMtime: true, filter });
  await feed(archive, unpacker, inspector);
}

/**
 * Unzips for the parser, within the limits: its own limit on bombs leaves it waiting for ever.
 *
 * @throws KimtestError what the inspector found, or `CORRUPT_DATA`
 */
async function feed(archive: string, parser: Parser, inspector: Inspector): Promise<void> {
  let problem: unknown;
  const closed = new Promise<void>((resolve) => {
    parser.on("close", resolve);
    parser.on("error", (error: unknown) => {
      problem ??= error;
      resolve();
    });
  });
  // Two blocks of zeros: whatever follows belongs to no archive of ours.
  const end = { isSeen: false };
  parser.on("eof", () => {
    end.isSeen = true;
  });
  const hasProblem = (): boolean => inspector.fault !== undefined || problem !== undefined;
  const source = createReadStream(archive);
  const unzipped = source.pipe(createGunzip());
  source.on("error", (error) => unzipped.destroy(error));
  try {
    for await (const chunk of unzipped as AsyncIterable<Buffer>) {
      inspector.count(chunk.length);
      if (!parser.write(chunk) && !hasProblem()) await Promise.race([once(parser, "drain"), closed]);
      if (hasProblem() || end.isSeen) break;
    }
    if (!hasProblem()) {
      parser.end();
      await closed;
    }
  } catch (error) {
    problem ??= error;
  } finally {
    source.destroy();
  }
  if (inspector.fault !== undefined) throw inspector.fault;
  if (problem === undefined) return;
  throw new KimtestError("CORRUPT_DATA", `${archive} cannot be unpacked: ${reasonOf(problem)}`, {
    hint: "fetch it again with --force; if it stays so, the archived object is damaged",
    cause: problem,
  });
}

/** Decides entry by entry; after the first fault nothing is admitted. */
class Inspector {
  readonly #archive: string;
  readonly #limits: ExtractLimits;
  readonly #files = new Set<string>();
  readonly #folders = new Set<string>();
  #unzipped = 0;
  #bytes = 0;
  entries = 0;
  fault: KimtestError | undefined;

  constructor(archive: string, limits: ExtractLimits) {
    this.#archive = archive;
    this.#limits = limits;
  }

  /** Of the unzipped archive: also those of no entry. */
  count(bytes: number): void {
    this.#unzipped += bytes;
    const { bytes: most, entries } = this.#limits;
    if (this.#unzipped > most + entries * MAX_HEADER_BYTES)
      this.fault ??= this.#tooMuch(`more than ${String(most)} bytes`);
  }

  look(entry: ReadEntry): boolean {
    this.fault ??= this.#faultOf(entry);
    // Only what a reader needs: no set-user-id, whatever the archive says.
    entry.mode = entry.type === "Directory" ? 0o755 : 0o644;
    return this.fault === undefined;
  }

  #faultOf({ path, type, size }: ReadEntry): KimtestError | undefined {
    this.entries += 1;
    this.#bytes += size;
    if (this.entries > this.#limits.entries) return this.#tooMuch(`more than ${String(this.#limits.entries)} entries`);
    if (this.#bytes > this.#limits.bytes) return this.#tooMuch(`more than ${String(this.#limits.bytes)} bytes`);
    if (type !== "File" && type !== "OldFile" && type !== "Directory") return this.#refused(path, `is a ${type}`);
    const name = path.replace(/\/$/, "");
    const fault = faultOfName(name) ?? this.#faultOfPlace(name, type === "Directory");
    return fault === undefined ? undefined : this.#refused(path, fault);
  }

  #faultOfPlace(name: string, isFolder: boolean): string | undefined {
    const segments = name.split("/");
    const above = segments.slice(1).map((_, index) => segments.slice(0, index + 1).join("/"));
    if (this.#files.has(name) || (!isFolder && this.#folders.has(name))) return "is there twice";
    if (above.some((folder) => this.#files.has(folder))) return "lies in a file";
    for (const folder of above) this.#folders.add(folder);
    (isFolder ? this.#folders : this.#files).add(name);
    return undefined;
  }

  #refused(path: string, what: string): KimtestError {
    const message = `${this.#archive} is not unpacked: its entry ${JSON.stringify(path.slice(0, 200))} ${what}`;
    return new KimtestError("BAD_INPUT", message, { hint: "the runner makes no such archive; look at it with care" });
  }

  #tooMuch(what: string): KimtestError {
    return new KimtestError("LIMIT_EXCEEDED", `${this.#archive} is not unpacked: it holds ${what}`, {
      hint: "unpack what you need by hand: tar -xzf FILE NAME",
    });
  }
}

function faultOfName(name: string): string | undefined {
  if (name.includes("\\")) return "holds a backslash";
  // What a terminal would obey, or a reader take for something else.
  if (/[\p{Cc}\p{Cf}\u2028\u2029]/u.test(name)) return "holds characters that cannot be seen";
  if (name.split("/").length > MAX_DEPTH) return `lies deeper than ${String(MAX_DEPTH)} folders`;
  return faultOfKey(name);
}

/** @throws KimtestError `BAD_INPUT` when the folder is there with another content. */
async function renameNew(from: string, to: string): Promise<void> {
  try {
    await rename(from, to);
  } catch (error) {
    if (!["ENOTEMPTY", "EEXIST", "ENOTDIR"].includes(systemCodeOf(error) ?? "")) throw error;
    if (await isSameTree(from, to)) return;
    throw new KimtestError("BAD_INPUT", `${to} is there already, and is not what is archived`, {
      hint: "--force replaces it, with all that is in it",
    });
  }
}

async function isSameTree(one: string, other: string): Promise<boolean> {
  if (!(await lstat(other)).isDirectory()) return false;
  const [names, others] = await Promise.all([entriesIn(one), entriesIn(other)]);
  if (JSON.stringify(names) !== JSON.stringify(others)) return false;
  for (const [name, kind] of names) {
    if (kind === "file" && !(await readFile(join(one, name))).equals(await readFile(join(other, name)))) return false;
  }
  return true;
}

type Entry = readonly [name: string, kind: "file" | "folder" | "other"];

async function entriesIn(folder: string): Promise<Entry[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  return entries
    .map((entry): Entry => {
      const kind = entry.isFile() ? "file" : entry.isDirectory() ? "folder" : "other";
      return [relative(folder, join(entry.parentPath, entry.name)), kind];
    })
    .sort(([a], [b]) => (a < b ? -1 : 1));
}
