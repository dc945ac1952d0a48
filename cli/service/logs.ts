/** The service's lines in the journal, as `infra-logs` shows those of the cloud. */
import { execa } from "execa";
import { z } from "zod";
import { KimtestError } from "../../contracts/errors.ts";
import { parseJson } from "../../contracts/json.ts";
import type { CliDeps } from "../deps.ts";
import { lineOf, PhaseTracker } from "../infra/log-lines.ts";
import { logWriter } from "../infra/log-writer.ts";
import type { Layout } from "./layout.ts";

const KILL_MS = 2_000;

/** https://systemd.io/JOURNAL_EXPORT_FORMATS/#journal-json-format; text that is not UTF-8 comes as numbers. */
const entrySchema = z.looseObject({
  __CURSOR: z.string(),
  __REALTIME_TIMESTAMP: z.string().regex(/^\d+$/),
  SYSLOG_IDENTIFIER: z.string().optional(),
  MESSAGE: z.union([z.string(), z.array(z.number())]).nullable(),
});

export interface LogQuestion {
  readonly sinceMs: number;
  readonly follow: boolean;
  readonly json: boolean;
}

/** A stop ends it well: it is how following ends. */
export async function serviceLogs(layout: Layout, question: LogQuestion, deps: CliDeps): Promise<void> {
  const { unit, scope } = layout;
  const words = [
    ...(scope === "user" ? ["--user", `--user-unit=${unit}`] : [`--unit=${unit}`]),
    `--since=@${String(Math.floor(question.sinceMs / 1000))}`,
    "--output=json",
    "--no-pager",
    "--quiet",
    ...(question.follow ? ["--follow", "--no-tail"] : []),
  ];
  const write = await logWriter(deps, { json: question.json });
  const phases = new PhaseTracker();
  const running = execa("journalctl", words, {
    cancelSignal: deps.stop,
    forceKillAfterDelay: KILL_MS,
    reject: false,
    buffer: { stdout: false },
    maxBuffer: 64 * 1024,
  });
  for await (const text of running.iterable()) {
    const read = entrySchema.safeParse(parsed(text));
    if (!read.success) continue; // a line that was cut when journalctl was stopped
    const { __CURSOR: id, __REALTIME_TIMESTAMP: micros, SYSLOG_IDENTIFIER: from, MESSAGE: message } = read.data;
    const event = {
      id,
      atMs: Math.floor(Number(micros) / 1000),
      stream: `${from === "systemd" ? "systemd" : "runner"}/${unit}`,
      text: typeof message === "string" ? message : Buffer.from(message ?? []).toString("utf8"),
    };
    const line = lineOf(event);
    write(line, phases.phaseOf(line));
  }
  const { failed, isCanceled, stderr, shortMessage } = await running;
  if (!failed || isCanceled) return;
  throw new KimtestError("TOOL_MISSING", `journalctl failed: ${stderr.trim() || shortMessage}`, {
    hint: "reading the journal needs root, or the group systemd-journal",
  });
}

function parsed(text: string): unknown {
  try {
    return parseJson(text, "a line of the journal");
  } catch {
    return undefined;
  }
}
