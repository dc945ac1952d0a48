/** A file of lines that is turned over before it grows too large: `NAME.1` takes the place of the one before it. */
import { closeSync, fstatSync, mkdirSync, openSync, renameSync, writeSync } from "node:fs";
import { dirname } from "node:path";

export interface RotatingFile {
  /**
   * Appends; throws when the disk does not take it all: what comes next then begins a line of its own. After `close`
   * nothing is written.
   */
  append(text: string): void;
  close(): void;
}

/** At most twice `maxBytes` are kept. The folder is created when missing. */
export function openRotatingFile(path: string, maxBytes: number): RotatingFile {
  mkdirSync(dirname(path), { recursive: true });
  let file = openSync(path, "a");
  let bytes = fstatSync(file).size;
  let isClosed = false;
  let isTorn = false;
  return {
    append(text) {
      if (isClosed) return; // its number may be another file's by now
      const line = Buffer.from(isTorn ? `\n${text}` : text);
      if (bytes > 0 && bytes + line.length > maxBytes) {
        renameSync(path, `${path}.1`);
        const next = openSync(path, "a"); // if this fails, the old file is still open
        closeSync(file);
        file = next;
        bytes = 0;
      }
      let written = 0;
      try {
        while (written < line.length) written += writeSync(file, line, written);
      } finally {
        bytes += written;
        if (written > 0) isTorn = written < line.length;
      }
    },
    close() {
      if (isClosed) return;
      isClosed = true;
      closeSync(file);
    },
  };
}
