/**
 * Tells people where there is no SNS: every message is appended to a file, and handed to a program of the owner's
 * (mail, a chat's webhook, a pager), with the text as its input.
 */
import { execa } from "execa";
import { SUBJECT_PLACEHOLDER } from "../../contracts/host.ts";
import { isoAt, type Clock } from "./clock.ts";
import type { Notifier } from "./notifier.ts";
import { openRotatingFile } from "./rotating-file.ts";

const LIMIT_MS = 30_000;
/** Between SIGTERM and SIGKILL. */
const KILL_MS = 2_000;
const MAX_OUTPUT_BYTES = 64 * 1024;
const MAX_FILE_BYTES = 16 * 1024 * 1024;

export interface CommandNotifierOptions {
  /** Null when there is none. `{subject}` in an argument stands for the subject. */
  readonly command: readonly string[] | null;
  /** File of all messages. */
  readonly path: string;
  readonly clock: Clock;
  readonly limitMs?: number;
}

export function commandNotifier(options: CommandNotifierOptions): Notifier & { close(): void } {
  const file = openRotatingFile(options.path, MAX_FILE_BYTES);
  const { command, clock, limitMs = LIMIT_MS } = options;
  return {
    async notify({ kind, subject, body }, signal) {
      if (command !== null) await hand(command, subject, body, limitMs, signal);
      // Only what was taken: what was not is tried again, and would be here twice.
      file.append(`--- ${isoAt(clock.nowMs())} ${kind}: ${subject}\n${body}\n\n`);
    },
    close() {
      file.close();
    },
  };
}

async function hand(
  [program = "", ...words]: readonly string[],
  subject: string,
  body: string,
  limitMs: number,
  signal: AbortSignal | undefined,
): Promise<void> {
  const result = await execa(
    program,
    words.map((word) => word.replaceAll(SUBJECT_PLACEHOLDER, subject)),
    {
      input: `${body}\n`,
      timeout: limitMs,
      ...(signal === undefined ? {} : { cancelSignal: signal }),
      forceKillAfterDelay: KILL_MS,
      maxBuffer: MAX_OUTPUT_BYTES,
      reject: false,
    },
  );
  if (!result.failed) return;
  const said = result.stderr.trim().split("\n").at(-1) ?? "";
  throw new Error(`${program} (notify_command) did not take the message: ${said === "" ? result.shortMessage : said}`);
}
