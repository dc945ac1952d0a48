/** The runner's log: JSON lines, with a limit on the file. */
import { closeSync, mkdirSync, openSync, fstatSync, writeSync } from "node:fs";
import { dirname } from "node:path";
import { pino } from "pino";

export type Log = Pick<pino.Logger, "info" | "warn" | "error">;

/** A log beyond this says so once and stops growing. */
const MAX_LOG_BYTES = 64 * 1024 * 1024;

/** Appends to `path`. Returns the log and what closes it. */
export function openLog(path: string): { log: Log; close: () => void } {
  mkdirSync(dirname(path), { recursive: true });
  const file = openSync(path, "a");
  let bytes = fstatSync(file).size;
  const destination = {
    write(line: string): void {
      if (bytes >= MAX_LOG_BYTES) return;
      bytes += Buffer.byteLength(line);
      writeSync(
        file,
        bytes < MAX_LOG_BYTES ? line : `{"level":40,"msg":"log limit of ${String(MAX_LOG_BYTES)} bytes reached"}\n`,
      );
    },
  };
  return {
    log: pino({ base: null, timestamp: pino.stdTimeFunctions.isoTime }, destination),
    close: () => {
      closeSync(file);
    },
  };
}
