/**
 * A tar.gz whose bytes follow from its files alone: no times, no owners, sorted names. The same runner thus has the
 * same hash, and an update that changes no code delivers nothing.
 *
 * Only the compression may differ, between versions of zlib; a machine then gets the same files once more.
 */
import { createHash } from "node:crypto";
import { gzipSync } from "node:zlib";
import { Header } from "tar";
import { KimtestError } from "../../contracts/errors.ts";

export interface PackedFile {
  /** Relative, with `/`. */
  readonly path: string;
  readonly content: Uint8Array;
  readonly executable: boolean;
}

const BLOCK_BYTES = 512;
/** Of all files together, before compression. */
export const MAX_BYTES = 64 * 1024 * 1024;
/** RFC 1952: byte 9 of gzip names the system it was made on; 255 is unknown. */
const GZIP_SYSTEM_BYTE = 9;
const UNKNOWN_SYSTEM = 255;

/** @throws KimtestError `BAD_INPUT` for a path twice, one that is too long or leads out, or too many bytes. */
export function pack(files: readonly PackedFile[]): { archive: Buffer; sha256: string } {
  const sorted = [...files].sort((a, b) => (a.path < b.path ? -1 : a.path > b.path ? 1 : 0));
  const bytes = sorted.reduce((sum, { content }) => sum + content.length, 0);
  if (bytes > MAX_BYTES) {
    throw new KimtestError("BAD_INPUT", `the bundle would hold ${bytes} bytes, at most ${MAX_BYTES} are delivered`);
  }
  const blocks = sorted.flatMap((file, index) => {
    checkPath(file.path, sorted[index - 1]?.path);
    return [headerOf(file), file.content, Buffer.alloc(paddingOf(file.content.length))];
  });
  const archive = gzipSync(Buffer.concat([...blocks, Buffer.alloc(2 * BLOCK_BYTES)]));
  archive[GZIP_SYSTEM_BYTE] = UNKNOWN_SYSTEM;
  return { archive, sha256: createHash("sha256").update(archive).digest("hex") };
}

function headerOf({ path, content, executable }: PackedFile): Buffer {
  const header = new Header({
    path,
    type: "File",
    size: content.length,
    mode: executable ? 0o755 : 0o644,
    uid: 0,
    gid: 0,
    mtime: new Date(0),
  });
  const needsExtension = header.encode();
  if (needsExtension || header.block === undefined) {
    throw new KimtestError("BAD_INPUT", `${path} does not fit into a plain tar header`, { hint: "shorten its name" });
  }
  return header.block;
}

function checkPath(path: string, previous: string | undefined): void {
  if (path === previous) throw new KimtestError("BAD_INPUT", `${path} would be in the bundle twice`);
  if (path.startsWith("/") || path.split("/").some((part) => ["", ".", ".."].includes(part))) {
    throw new KimtestError("BAD_INPUT", `"${path}" cannot be a path in the bundle`);
  }
}

const paddingOf = (size: number): number => (BLOCK_BYTES - (size % BLOCK_BYTES)) % BLOCK_BYTES;
