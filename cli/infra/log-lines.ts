/**
 * What a line of the log group is: where it comes from, how bad it is, which phase it was written in. Pure.
 *
 * Four streams per machine (infra/host/amazon-cloudwatch-agent.json): `runner/ID` holds the runner's JSON lines,
 * `service/ID`, `bootstrap/ID` and `cloud-init/ID` plain text.
 */
import { z } from "zod";
import { PHASES } from "../../contracts/parts.ts";
import { parseJson } from "../../contracts/json.ts";

export const LOG_STREAMS = ["runner", "service", "bootstrap", "cloud-init"] as const;

/** As CloudWatch Logs gives it. */
export interface LogEvent {
  readonly id: string;
  readonly stream: string;
  readonly atMs: number;
  readonly text: string;
}

export type Level = "info" | "warn" | "error";

export interface LogLine extends LogEvent {
  readonly level: Level | undefined;
  /** What the runner says; of other streams, and of what is not the runner's JSON, the line as it is. */
  readonly message: string;
  /** The other fields of the runner's line. */
  readonly data: Readonly<Record<string, unknown>>;
}

const runnerSchema = z.looseObject({ level: z.number(), msg: z.string(), time: z.unknown().optional() });

export function lineOf(event: LogEvent): LogLine {
  const plain = { ...event, level: undefined, message: event.text, data: {} };
  if (streamKind(event.stream) !== "runner") return plain;
  const read = runnerSchema.safeParse(parsed(event.text));
  if (!read.success) return plain;
  const { level, msg, ...data } = read.data;
  // CloudWatch's own time is shown: it is the same.
  delete data.time;
  return { ...event, level: levelOf(level), message: msg, data };
}

export const streamKind = (stream: string): string => stream.split("/")[0] ?? "";

/** pino's numbers. */
function levelOf(level: number): Level {
  if (level >= 50) return "error";
  return level >= 40 ? "warn" : "info";
}

/** Half a line (the agent cuts at 256 KB) is no mistake of the reader's: it is shown as it is. */
function parsed(text: string): unknown {
  try {
    return parseJson(text, "a line");
  } catch {
    return undefined;
  }
}

const phaseSchema = z.enum(PHASES);

/**
 * In which phase lines are written, told by the runner's "phase started" and "phase ended". One for each machine:
 * lines of other streams belong to the phase that the runner was in.
 */
export class PhaseTracker {
  readonly #running = new Map<string, string>();

  /** The phase of this line; the two that bound a phase belong to it. */
  phaseOf(line: LogLine): string | undefined {
    const machine = line.stream.split("/")[1] ?? "";
    const named = phaseSchema.safeParse(line.data["phase"]).data;
    if (named === undefined || streamKind(line.stream) !== "runner") return this.#running.get(machine);
    if (line.message === "phase started") this.#running.set(machine, named);
    if (line.message === "phase ended") this.#running.delete(machine);
    return named;
  }
}
