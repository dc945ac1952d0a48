/** The runner's log: JSON lines in a file that is turned over before it grows too large. */
import { closeSync, fstatSync, mkdirSync, openSync, renameSync, writeSync } from "node:fs";
import { dirname } from "node:path";
import { pino } from "pino";

export type Log = Pick<pino.Logger, "info" | "warn" | "error">;

/** A full log becomes `NAME.1`, in place of the one before it: at most twice this much is kept. */
const MAX_LOG_BYTES = 32 * 1024 * 1024;

/** Appends to `path`. Returns the log and what closes it. */
export function openLog(path: string, maxBytes = MAX_LOG_BYTES): { log: Log; close: () => void } {
  mkdirSync(dirname(path), { recursive: true });
  let file = openSync(path, "a");
  let bytes = fstatSync(file).size;
  let dropped = 0;
  let isClosed = false;
  const append = (line: string): void => {
    if (bytes > 0 && bytes + Buffer.byteLength(line) > maxBytes) {
      renameSync(path, `${path}.1`);
      const next = openSync(path, "a"); // if this fails, the old file is still open
      closeSync(file);
      file = next;
      bytes = 0;
    }
    bytes += writeSync(file, line);
    if (dropped === 0) return;
    const count = dropped;
    dropped = 0;
    append(`{"level":40,"msg":"${String(count)} lines before this one could not be written"}\n`);
  };
  const destination = {
    write(line: string): void {
      if (isClosed) return; // its number may be another file's by now
      try {
        append(line);
      } catch {
        dropped += 1; // a full disk must not end the runner because of its log
      }
    },
  };
  return {
    log: pino({ base: null, timestamp: pino.stdTimeFunctions.isoTime }, destination),
    close: () => {
      if (isClosed) return;
      isClosed = true;
      closeSync(file);
    },
  };
}
