/** Shows a running cycle: a block that redraws itself on a terminal, plain lines elsewhere. On stderr, results go to stdout. */
import { createLogUpdate } from "log-update";
import type { ChalkInstance } from "chalk";
import { wrapped } from "../runner/phases/digest/layout.ts";
import { printable } from "../runner/phases/digest/printable.ts";
import type { ProgressSnapshot, Spectator } from "../runner/platform/progress.ts";
import type { CliDeps } from "./deps.ts";

/** Between two plain lines of the same phase. */
const PLAIN_INTERVAL_MS = 10_000;

export interface ClosableSpectator extends Spectator {
  /** Leaves the terminal as a person expects it; may be called twice. */
  close(): void;
}

export async function openSpectator(deps: CliDeps): Promise<ClosableSpectator> {
  const { screen } = deps;
  const shown =
    screen === undefined
      ? plainSpectator(deps)
      : terminalSpectator(screen, await deps.colours("stderr"), () => deps.columns);
  return withPrintableText(shown);
}

/** Reasons and warnings quote what programs under test have printed. */
function withPrintableText(shown: ClosableSpectator): ClosableSpectator {
  return {
    ...shown,
    progress: (view) => {
      shown.progress({ ...view, activity: printable(view.activity) });
    },
    phaseEnded: (phase, { verdict, reason }, durationMs) => {
      shown.phaseEnded(phase, { verdict, reason: reason === null ? null : printable(reason) }, durationMs);
    },
    warning: (message) => {
      shown.warning(printable(message));
    },
  };
}

const seconds = (ms: number): string => `${String(Math.ceil(ms / 1000))} s`;
// Made once: to make one costs more than all the rest of a line.
const numberFormat = new Intl.NumberFormat("en-US");
const number = (value: number): string => numberFormat.format(value);

/** Phase, time left, iterations, sims/s, failures, findings: what people look for. */
export function progressText(view: ProgressSnapshot): string {
  const vopr =
    view.iterationsSeen === 0
      ? []
      : [
          `${number(view.iterationsSeen)} seeds`,
          `${view.iterationsPerSecond.toFixed(1)} sims/s`,
          `${number(view.failures)} failures`,
        ];
  const parts = [`${seconds(view.phaseLeftMs)} left`, ...vopr, `${number(view.findings)} findings`];
  return `${view.phase.padEnd(19)} ${parts.join(", ")}`;
}

function endedText(phase: string, judgement: Parameters<Spectator["phaseEnded"]>[1], durationMs: number): string {
  const reason = judgement.reason === null ? "" : `: ${judgement.reason}`;
  return `${phase.padEnd(19)} ${judgement.verdict} in ${(durationMs / 1000).toFixed(1)} s${reason}`;
}

function plainSpectator(deps: CliDeps): ClosableSpectator {
  let saidMs = 0;
  const say = (text: string): void => {
    deps.err(`${text}\n`);
  };
  return {
    cycleStarted: (cycle, resumed) => {
      say(`cycle ${String(cycle)} ${resumed ? "resumed" : "started"}`);
    },
    phaseStarted: (phase, budgetMs) => {
      saidMs = deps.now();
      say(`${phase.padEnd(19)} started, ${seconds(budgetMs)} planned`);
    },
    progress: (view) => {
      if (deps.now() - saidMs < PLAIN_INTERVAL_MS) return;
      saidMs = deps.now();
      say(progressText(view));
    },
    phaseEnded: (phase, judgement, durationMs) => {
      say(endedText(phase, judgement, durationMs));
    },
    warning: (message) => {
      say(`warning: ${message}`);
    },
    close: () => undefined,
  };
}

/** `columns`: of the screen, which may change. */
function terminalSpectator(
  screen: NodeJS.WritableStream,
  colour: ChalkInstance,
  columns: () => number,
): ClosableSpectator {
  const block = createLogUpdate(screen);
  const paint = { passed: colour.green, failed: colour.red, inconclusive: colour.yellow };
  return {
    cycleStarted: (cycle, resumed) => {
      block.persist(colour.bold(`cycle ${String(cycle)} ${resumed ? "resumed" : "started"}`));
    },
    phaseStarted: (phase, budgetMs) => {
      block(`${phase.padEnd(19)} ${seconds(budgetMs)} planned`);
    },
    progress: (view) => {
      const activity = view.activity === "" ? "" : `${view.activity}, `;
      const detail = `${activity}cycle ${String(view.cycle)} ends in ${seconds(view.cycleLeftMs)}`;
      block(`${colour.cyan("●")} ${progressText(view)}\n  ${colour.dim(detail)}`);
    },
    phaseEnded: (phase, judgement, durationMs) => {
      // One column less than there is: in the last one, a terminal may break the line once more.
      const lines = wrapped(`● ${endedText(phase, judgement, durationMs)}`, 4, columns() - 1);
      block.persist(lines.join("\n").replace("●", paint[judgement.verdict]("●")));
    },
    warning: (message) => {
      block.persist(colour.yellow(`warning: ${message}`));
    },
    close: () => {
      block.clear();
      block.done();
    },
  };
}
