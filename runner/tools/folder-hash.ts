/** The identity of a folder's content: what is built from it is built again when it changes, and only then. */
import { createHash } from "node:crypto";
import { lstat, readdir, readFile, readlink } from "node:fs/promises";
import { join, relative } from "node:path";
import { KimtestError } from "../../contracts/errors.ts";

/** A folder to build an image from holds a few small files; more than this is a mistake in the profile. */
const MAX_ENTRIES = 10_000;
const MAX_BYTES = 256 * 1024 * 1024;

/**
 * SHA-256 over paths, contents and executable bits, as 64 hexadecimal digits.
 *
 * @throws KimtestError `LIMIT_EXCEEDED`, and what the file system throws.
 */
export async function hashOfFolder(folder: string): Promise<string> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const paths = entries.filter((entry) => !entry.isDirectory()).map(({ parentPath, name }) => join(parentPath, name));
  const hash = createHash("sha256");
  let bytes = 0;
  for (const path of paths.sort()) {
    const { mode, size } = await lstat(path);
    bytes += size;
    if (paths.length > MAX_ENTRIES || bytes > MAX_BYTES) {
      throw new KimtestError("LIMIT_EXCEEDED", `${folder} is too large to build an image from`, {
        hint: `at most ${String(MAX_ENTRIES)} files of ${String(MAX_BYTES)} bytes together; name the folder of the Dockerfile alone`,
      });
    }
    const isLink = (mode & 0o170000) === 0o120000;
    const content = isLink ? Buffer.from(await readlink(path)) : await readFile(path);
    const kind = isLink ? "link" : (mode & 0o100) === 0 ? "file" : "program";
    hash.update(`${JSON.stringify([relative(folder, path), kind, content.length])}\n`).update(content);
  }
  return hash.digest("hex");
}
