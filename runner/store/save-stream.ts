/** Saves a stream as a file that is whole or not there. */
import { createWriteStream } from "node:fs";
import { rename, rm, stat } from "node:fs/promises";
import { dirname } from "node:path";
import type { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { KimtestError } from "../../contracts/errors.ts";
import { ensureFolder, temporaryPath } from "./atomic-file.ts";

/** @throws KimtestError `CORRUPT_DATA` when the stream ends before or after `size` bytes. */
export async function saveStream(source: Readable, path: string, size: number): Promise<void> {
  const folder = dirname(path);
  await ensureFolder(folder);
  const temporary = temporaryPath(folder);
  try {
    await pipeline(source, createWriteStream(temporary, { flags: "wx" }));
    const written = (await stat(temporary)).size;
    if (written !== size) {
      throw new KimtestError("CORRUPT_DATA", `got ${String(written)} of ${String(size)} bytes for ${path}`, {
        hint: "try again",
      });
    }
    await rename(temporary, path);
  } finally {
    await rm(temporary, { force: true });
  }
}
