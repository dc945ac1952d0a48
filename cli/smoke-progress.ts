/** Shows a running smoke test on stderr: what is being done, redrawn on a terminal; plain lines elsewhere. */
import type { ChalkInstance } from "chalk";
import { createLogUpdate } from "log-update";
import type { SmokeCheck } from "../contracts/smoke.ts";
import { printable } from "../runner/phases/digest/printable.ts";
import type { RunningCheck, SmokeWatcher } from "../runner/smoke/smoke.ts";
import { counted } from "./check-table.ts";
import type { CliDeps } from "./deps.ts";

export interface SmokeProgress extends SmokeWatcher {
  /** Leaves the terminal as a person expects it; may be called twice. */
  close(): void;
}

const REDRAW_MS = 200;

export async function openSmokeProgress(deps: CliDeps): Promise<SmokeProgress> {
  const { screen } = deps;
  return screen === undefined ? plain(deps) : terminal(screen, deps, await deps.colours("stderr"));
}

export const nameOf = ({ part, name }: Pick<SmokeCheck, "part" | "name">): string => printable(`${part} ${name}`);

const reasonIn = ({ verdict, what }: SmokeCheck): string => (verdict === "passed" ? "" : `: ${printable(what)}`);

function plain({ err }: CliDeps): SmokeProgress {
  return {
    began: (check) => {
      err(`${nameOf(check)} …\n`);
    },
    ended: (check) => {
      err(`${nameOf(check)} ${check.verdict} in ${check.seconds.toFixed(1)} s${reasonIn(check)}\n`);
    },
    warning: (message) => {
      err(`warning: ${printable(message)}\n`);
    },
    close: () => undefined,
  };
}

function terminal(screen: NodeJS.WritableStream, { now }: CliDeps, colour: ChalkInstance): SmokeProgress {
  const block = createLogUpdate(screen);
  const running = new Map<RunningCheck, number>();
  const done = { passed: 0, failed: 0, inconclusive: 0 };
  const draw = (): void => {
    const lines = [...running].map(([check, startedMs]) => {
      const activity = check.activity() === "" ? "" : `, ${check.activity()}`;
      const seconds = `${String(Math.floor((now() - startedMs) / 1_000))} s`;
      return `${colour.cyan("●")} ${nameOf(check)} ${colour.dim(printable(`${seconds}${activity}`))}`;
    });
    block([...lines, colour.dim(tally(done))].join("\n"));
  };
  const timer = setInterval(draw, REDRAW_MS);
  return {
    began: (check) => {
      running.set(check, now());
      draw();
    },
    ended: (check, was) => {
      running.delete(was);
      done[check.verdict] += 1;
      const paint = check.verdict === "failed" ? colour.red : colour.yellow;
      if (check.verdict !== "passed")
        block.persist(`${paint("●")} ${nameOf(check)} ${check.verdict}${reasonIn(check)}`);
      draw();
    },
    warning: (message) => {
      block.persist(colour.yellow(`warning: ${printable(message)}`));
    },
    close: () => {
      clearInterval(timer);
      block.clear();
      block.done();
    },
  };
}

/** The last line on stderr, and the line below what runs. */
export const tally = ({ passed, failed, inconclusive }: Record<SmokeCheck["verdict"], number>): string =>
  `${counted(passed, "check")} passed, ${String(failed)} failed, ${String(inconclusive)} inconclusive`;
