/** Where a status is shown: appended to stdout, or on a terminal again and again in its place. */
import type { ChalkInstance } from "chalk";
import { createLogUpdate } from "log-update";
import type { KimtestError } from "../../contracts/errors.ts";
import type { InfraStatus } from "../../contracts/infra-status.ts";
import { printable, printableLines } from "../../runner/phases/digest/printable.ts";
import { errorText } from "../../runner/platform/program.ts";
import type { CliDeps } from "../deps.ts";

export interface Display {
  readonly show: (status: InfraStatus) => void;
  /** A look that failed as a whole. */
  readonly tell: (error: KimtestError) => void;
  /** Leaves a terminal as a person expects it, with what was shown last. */
  readonly close: () => void;
}

type TextOf = (status: InfraStatus) => string;

export function plainDisplay(textOf: TextOf, { out, err }: Pick<CliDeps, "out" | "err">): Display {
  return {
    show: (status) => {
      out(textOf(status));
    },
    tell: (error) => {
      err(`${printableLines(errorText("kimtest", error))}\n`);
    },
    close: () => undefined,
  };
}

/** Where a terminal does not tell its height. */
const USUAL_ROWS = 24;

export function boardDisplay(
  textOf: TextOf,
  terminal: NodeJS.WriteStream,
  footer: string,
  colour: ChalkInstance,
): Display {
  const block = createLogUpdate(terminal);
  let shown: string[] = [];
  const draw = (last: string): void => {
    const rows = terminal.rows > 0 ? terminal.rows : USUAL_ROWS;
    block([...fitting(shown, rows - 2), last].join("\n"));
  };
  return {
    show: (status) => {
      shown = textOf(status).split("\n");
      draw(colour.dim(footer));
    },
    tell: (error) => {
      draw(colour.red(printable(`as it was; now ${error.message}`).slice(0, terminal.columns - 1)));
    },
    close: () => {
      block.done();
    },
  };
}

/** The library cuts at the top, where the most important is; this cuts at the end, and says so. */
export function fitting(lines: readonly string[], rows: number): string[] {
  if (lines.length <= rows) return [...lines];
  const shown = Math.max(1, rows - 1);
  return [...lines.slice(0, shown), `… ${String(lines.length - shown)} more lines: make the window higher`];
}
