/** A log that only remembers its lines, for tests of what is said and how often. */
import type { Log } from "../runner/platform/log.ts";

export interface MemoryLog {
  readonly log: Log;
  /** LEVEL MESSAGE. */
  readonly lines: readonly string[];
}

export function memoryLog(): MemoryLog {
  const lines: string[] = [];
  const at =
    (level: string) =>
    (_data: unknown, message?: string): void => {
      lines.push(`${level} ${message ?? ""}`);
    };
  return { log: { info: at("info"), warn: at("warn"), error: at("error") }, lines };
}
