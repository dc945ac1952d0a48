/** Prints lines of a log: for people, or as JSON. */
import type { ChalkInstance } from "chalk";
import type { CliDeps } from "../deps.ts";
import type { LogLine } from "./log-lines.ts";

export type LogWriter = (line: LogLine, phase: string | undefined) => void;

export interface LogForm {
  readonly json?: boolean | undefined;
  readonly utc?: true | undefined;
}

export function logWriter(deps: CliDeps, form: LogForm): Promise<LogWriter> {
  return form.json === true ? jsonWriter(deps) : textWriter(deps, form);
}

async function jsonWriter(deps: CliDeps): Promise<LogWriter> {
  const { jsonLine } = await import("../json.ts");
  return ({ id, stream, atMs, level, message, data }, phase) => {
    const at = new Date(atMs).toISOString();
    deps.out(jsonLine({ at, stream, level: level ?? null, phase: phase ?? null, message, data, id }));
  };
}

async function textWriter(deps: CliDeps, { utc }: LogForm): Promise<LogWriter> {
  const [{ printable }, { stringifyJson }, { instantText }] = await Promise.all([
    import("../../runner/phases/digest/printable.ts"),
    import("../../contracts/json.ts"),
    import("../times.ts"),
  ]);
  const instant = instantText(deps.timeZone, utc);
  const colour = await deps.colours("stdout");
  return ({ stream, atMs, level, message, data }) => {
    // A field that says nothing has no place in a line that is read; --json has it.
    const said = Object.entries(data).filter(([, value]) => value !== null);
    const rest = said.map(([name, value]) => `${name}=${stringifyJson(value, 0)}`);
    const text = printable([message, ...rest].join(" "));
    const at = instant(atMs);
    const kind = printable(stream.split("/")[0] ?? "").padEnd(10);
    deps.out(`${colour.dim(at)}  ${colour.dim(kind)}  ${paint(colour, level)(text)}\n`);
  };
}

function paint(colour: ChalkInstance, level: LogLine["level"]): (text: string) => string {
  if (level === "error") return colour.red;
  return level === "warn" ? colour.yellow : (text) => text;
}
