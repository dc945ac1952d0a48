/** What works on a bundle: `vopr repro`, `show`, `timeline`, `bisect`, `minimize`. Loaded only when one of them is asked for. */
import { resolve } from "node:path";
import { writeFile } from "node:fs/promises";
import { setImmediate } from "node:timers/promises";
import { BUNDLE_EXTENSION } from "../contracts/bundle-file.ts";
import { EXIT, KimtestError, reasonOf } from "../contracts/errors.ts";
import { stringifyJson } from "../contracts/json.ts";
import { bisect, type Bisection } from "./bisect.ts";
import { parseBundleArguments, type BundleCommand, type TimelineCommand } from "./bundle-arguments.ts";
import { BUNDLE_HELP } from "./bundle-help.ts";
import { readBundle } from "./bundle-reader.ts";
import { BundleRun } from "./bundle-run.ts";
import { bisectionText, bundleText } from "./bundle-text.ts";
import { bundleOf, encodeBundle } from "./bundle.ts";
import { write } from "./console.ts";
import { DETERMINISM } from "../contracts/determinism.ts";
import type { BundleCommandName } from "./flags.ts";
import type { Limits } from "./limits.ts";
import { minimize } from "./minimize.ts";
import { withSignals, type StopRequested } from "./signals.ts";
import { selected, timelineText, type TimelineOptions } from "./timeline.ts";
import { Trace } from "./trace.ts";

const DEFAULT_COLUMNS = 120;
/** Of the trace of a run that is run again. */
const RERUN_EVENTS = 1_000_000;
/** After the last simulated microsecond. */
const NEVER_US = Number.MAX_SAFE_INTEGER;

/** Returns the exit code. */
export async function bundleCommand(name: BundleCommandName, argv: readonly string[]): Promise<number> {
  const command = parseBundleArguments(name, argv);
  switch (command.name) {
    case "help":
      await write(BUNDLE_HELP[command.of]);
      return EXIT.ok;
    case "repro":
      return await reproduce(command.path, command.json);
    case "show": {
      const bundle = readBundle(command.path);
      await write(command.json ? line(bundle) : bundleText(bundle, command.path));
      return EXIT.ok;
    }
    case "timeline":
      return await timeline(command);
    case "bisect":
      return await withSignals((stopRequested) => bisection(command, stopRequested));
    case "minimize":
      return await withSignals((stopRequested) => minimization(command, stopRequested));
  }
}

const line = (value: unknown): string => `${stringifyJson(value, 0)}\n`;

async function reproduce(path: string, json: boolean): Promise<number> {
  const run = openRun(path);
  const { seed, failure } = run.bundle;
  const result = failure.invariant === DETERMINISM ? run.twice() : run.again();
  const reproduced = run.isSame(result);
  const found = result.failure;
  if (json) await write(line({ reproduced, seed, expected: failure, found }));
  else if (reproduced) await write(`reproduced: ${failure.invariant}\n${found?.message ?? ""}\n`);
  else {
    const instead = found === null ? "passed" : `failed by ${found.invariant}`;
    await write(`not reproduced: seed ${seed} ${instead}, the bundle has ${failure.invariant}\n`);
  }
  return reproduced ? EXIT.failuresFound : EXIT.ok;
}

function openRun(path: string): BundleRun {
  return new BundleRun(readBundle(path), path);
}

async function timeline(command: TimelineCommand): Promise<number> {
  const run = openRun(command.path);
  let { trace } = run.bundle;
  if (command.rerun) {
    const whole = new Trace("verbose", RERUN_EVENTS);
    run.again(whole);
    trace = whole.events;
  }
  const options: TimelineOptions = {
    replicas: run.options.simulation.scenario.replicas,
    columns: command.columns ?? terminalColumns(),
    kinds: command.kinds,
    fromUs: command.fromMs * 1000,
    toUs: command.toMs === null ? NEVER_US : command.toMs * 1000,
    last: command.last,
  };
  if (command.json) {
    await write(line({ seed: run.bundle.seed, events: selected(trace, options) }));
    return EXIT.ok;
  }
  const first = trace[0];
  if (first !== undefined && first.seq > 0) {
    process.stderr.write(`vopr: the first ${first.seq} events are not in the bundle; --rerun shows them\n`);
  }
  await write(timelineText(trace, options));
  return EXIT.ok;
}

function terminalColumns(): number {
  const told = Number(process.env["COLUMNS"]);
  if (process.stdout.isTTY) return process.stdout.columns;
  return Number.isInteger(told) && told > 0 ? told : DEFAULT_COLUMNS;
}

async function bisection(
  command: Extract<BundleCommand, { name: "bisect" }>,
  stopRequested: StopRequested,
): Promise<number> {
  const run = openRun(command.path);
  const found = await bisect(run, command.continuations, limitsOf(command), askStop(stopRequested));
  const text = (): string => bisectionText(found, run.bundle.failure.invariant, endOf(stopRequested));
  await write(command.json ? line(bisectionRecord(found)) : text());
  return stopRequested() ?? (found.complete ? EXIT.ok : EXIT.inconclusive);
}

const askStop = (stopRequested: StopRequested) => async (): Promise<boolean> => {
  await setImmediate();
  return stopRequested() !== undefined;
};

/** Why a search has ended early. */
const endOf = (stopRequested: StopRequested): string =>
  stopRequested() === undefined ? "a limit came first" : "it was interrupted";

function bisectionRecord(found: Bisection): object {
  return {
    event: found.event,
    events: found.events,
    time_us: found.timeUs,
    description: found.description,
    trace: found.trace,
    continuations: found.continuations,
    uncertain_after: found.uncertainAfter,
    failing_before: found.failingBefore,
    runs: found.runs,
    complete: found.complete,
  };
}

async function minimization(
  command: Extract<BundleCommand, { name: "minimize" }>,
  stopRequested: StopRequested,
): Promise<number> {
  const { path } = command;
  const out =
    command.out ??
    `${path.endsWith(BUNDLE_EXTENSION) ? path.slice(0, -BUNDLE_EXTENSION.length) : path}.min${BUNDLE_EXTENSION}`;
  if (resolve(out) === resolve(path)) {
    throw new KimtestError("USAGE", `--out ${out} is the bundle itself`, { hint: "give the new one another name" });
  }
  const run = openRun(path);
  const { bundle, log } = run;
  const found = await minimize(run, limitsOf(command), askStop(stopRequested));
  const before = bundle.minimized_from ?? { events: bundle.events, decisions: log?.taken.length ?? 0 };
  const trace = new Trace();
  const result = run.following(found.log, trace);
  await save(out, encodeBundle(bundleOf(bundle, result, trace, found.log, before)));
  const after = { events: result.events, decisions: found.log.taken.length };
  const exitCode = stopRequested() ?? EXIT.ok;
  if (command.json) {
    const { runs, complete } = found;
    await write(line({ out, invariant: bundle.failure.invariant, before, after, runs, complete }));
    return exitCode;
  }
  const limit = found.complete ? "" : `; ${endOf(stopRequested)}, more may be possible`;
  await write(
    `${out}: ${after.events} of ${before.events} events, ${after.decisions} of ${before.decisions} decisions, ` +
      `${found.runs} runs${limit}\n`,
  );
  return exitCode;
}

async function save(path: string, bytes: Buffer): Promise<void> {
  try {
    await writeFile(path, bytes);
  } catch (error) {
    throw new KimtestError("USAGE", `${path} cannot be written: ${reasonOf(error)}`, {
      hint: "name another file with --out",
      cause: error,
    });
  }
}

function limitsOf({ maxRuns, maxSeconds }: { readonly maxRuns: number; readonly maxSeconds: number }): Limits {
  return { maxRuns, maxMs: maxSeconds * 1000, monotonicMs: () => performance.now() };
}
