/** The runner's log: JSON lines in a file, and in the journal where systemd gives us one. */
import { fstatSync } from "node:fs";
import { pino } from "pino";
import { openRotatingFile } from "./rotating-file.ts";

export type Log = Pick<pino.Logger, "info" | "warn" | "error">;

/** A full log becomes `NAME.1`, in place of the one before it: at most twice this much is kept. */
const MAX_LOG_BYTES = 32 * 1024 * 1024;

export interface LogOptions {
  readonly maxBytes?: number;
  /** Given each line as the journal wants it, its priority in front (sd-daemon(3)). */
  readonly journal?: ((line: string) => void) | undefined;
}

/** Appends to `path`. Returns the log and what closes it. */
export function openLog(
  path: string,
  { maxBytes = MAX_LOG_BYTES, journal }: LogOptions = {},
): {
  log: Log;
  close: () => void;
} {
  const file = openRotatingFile(path, maxBytes);
  let dropped = 0;
  const destination = {
    write(line: string): void {
      try {
        journal?.(`<${String(priorityOf(line))}>${line}`);
        file.append(line);
        if (dropped === 0) return;
        const count = dropped;
        dropped = 0;
        file.append(`{"level":40,"msg":"${String(count)} lines before this one could not be written"}\n`);
      } catch {
        dropped += 1; // a full disk must not end the runner because of its log
      }
    },
  };
  return {
    log: pino({ base: null, timestamp: pino.stdTimeFunctions.isoTime }, destination),
    close: () => {
      file.close();
    },
  };
}

/** syslog's number for pino's. */
function priorityOf(line: string): number {
  const level = Number(/^\{"level":(\d+)/.exec(line)?.[1] ?? 30);
  if (level >= 50) return 3;
  return level >= 40 ? 4 : 6;
}

/** Undefined unless stdout goes to the journal: systemd says to which (systemd.exec(5), JOURNAL_STREAM). */
export function journalOf(env: NodeJS.ProcessEnv): LogOptions["journal"] {
  const named = env["JOURNAL_STREAM"];
  if (named === undefined || named === "") return undefined;
  const { dev, ino } = fstatSync(process.stdout.fd, { bigint: true });
  if (named !== `${dev.toString()}:${ino.toString()}`) return undefined; // ours, but stdout was sent elsewhere
  return (line) => void process.stdout.write(line);
}
