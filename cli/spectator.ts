/** Shows a running cycle: a block that redraws itself on a terminal, plain lines elsewhere. On stderr, results go to stdout. */
import { createLogUpdate } from "log-update";
import type { ProgressSnapshot, Spectator } from "../runner/platform/progress.ts";
import type { CliDeps } from "./deps.ts";

/** Between two plain lines of the same phase. */
const PLAIN_INTERVAL_MS = 10_000;

export interface ClosableSpectator extends Spectator {
  /** Leaves the terminal as a person expects it; may be called twice. */
  close(): void;
}

export function openSpectator(deps: CliDeps): ClosableSpectator {
  return deps.isTerminal ? terminalSpectator(deps) : plainSpectator(deps);
}

const seconds = (ms: number): string => `${String(Math.ceil(ms / 1000))} s`;
const number = (value: number): string => value.toLocaleString("en-US");

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
  return `${phase.padEnd(19)} ${judgement.verdict} in ${(durationMs / 1000).toFixed(1)} s${judgement.reason === null ? "" : `: ${judgement.reason}`}`;
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

function terminalSpectator(deps: CliDeps): ClosableSpectator {
  const block = createLogUpdate(process.stderr);
  const { colour } = deps;
  const paint = { passed: colour.green, failed: colour.red, inconclusive: colour.yellow };
  return {
    cycleStarted: (cycle, resumed) => {
      block.persist(colour.bold(`cycle ${String(cycle)} ${resumed ? "resumed" : "started"}`));
    },
    phaseStarted: (phase, budgetMs) => {
      block(`${phase.padEnd(19)} ${seconds(budgetMs)} planned`);
    },
    progress: (view) => {
      block(
        `${colour.cyan("●")} ${progressText(view)}\n  ${colour.dim(`${view.activity}${view.activity === "" ? "" : ", "}cycle ${String(view.cycle)} ends in ${seconds(view.cycleLeftMs)}`)}`,
      );
    },
    phaseEnded: (phase, judgement, durationMs) => {
      block.persist(`${paint[judgement.verdict]("●")} ${endedText(phase, judgement, durationMs)}`);
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
