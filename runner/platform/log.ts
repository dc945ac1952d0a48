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
  const destination = {
    write(line: string): void {
      if (bytes > 0 && bytes + Buffer.byteLength(line) > maxBytes) {
        closeSync(file);
        renameSync(path, `${path}.1`);
        file = openSync(path, "a");
        bytes = 0;
      }
      bytes += writeSync(file, line);
    },
  };
  return {
    log: pino({ base: null, timestamp: pino.stdTimeFunctions.isoTime }, destination),
    close: () => {
      closeSync(file);
    },
  };
}
