/** `kimtest cycle`: runs one whole cycle here, or goes on with the one that was interrupted. */
import { Command } from "@commander-js/extra-typings";
import { EXIT, KimtestError } from "../../contracts/errors.ts";
import type { Notifier } from "../../runner/platform/notifier.ts";
import type { CliDeps } from "../deps.ts";
import type { ClosableSpectator } from "../spectator.ts";
import { parseDuration } from "../typed-times.ts";
import { jsonOption, storeOption } from "./options.ts";

interface CycleCommandOptions {
  readonly store: string;
  readonly profile: string;
  readonly json?: true | undefined;
  readonly duration?: number | undefined;
  readonly workers?: number | undefined;
  readonly state?: string | undefined;
}

export function cycleCommand(deps: CliDeps) {
  return new Command("cycle")
    .description("Run one cycle, or resume the one that was interrupted.")
    .addOption(storeOption())
    .addOption(jsonOption())
    .option("--profile <profile>", "what to test: embedded, or the path of a profile file", "embedded")
    .option(
      "--duration <time>",
      "length of the cycle: 90s, 30m, 48h (default: the profile's)",
      parseDuration("--duration"),
    )
    .option("--workers <count>", "processes at the same time (default: one per core)", parseWorkers)
    .option("--state <folder>", "folder for state, outbox and log (default: .kimtest/state, one per store)")
    .addHelpText("after", "\nExamples:\n  kimtest cycle\n  kimtest cycle --duration 30m --store s3://my-results")
    .action((options) => cycle(options, deps));
}

/** How long deliveries under way are waited for; a stop has ten seconds for everything. */
const CLOSE_MS = 10_000;
const CLOSE_AFTER_STOP_MS = 2_000;
const END_AFTER_STOP_MS = 1_000;
const MAX_WORKERS = 1_024;

function parseWorkers(text: string): number {
  const workers = /^\d{1,4}$/.test(text) ? Number(text) : 0;
  if (workers >= 1 && workers <= MAX_WORKERS) return workers;
  throw new KimtestError(
    "USAGE",
    `--workers is "${text}", but must be a whole number from 1 to ${String(MAX_WORKERS)}`,
  );
}

export async function cycle(options: CycleCommandOptions, deps: CliDeps): Promise<void> {
  const [{ openRunner }, { runCycle }, { loadProfile }, { openSpectator }, { jsonText }] = await Promise.all([
    import("../../runner/open-runner.ts"),
    import("../../runner/cycle.ts"),
    import("../../runner/profiles/load.ts"),
    import("../spectator.ts"),
    import("../json.ts"),
  ]);
  const profile = await loadProfile(options.profile);
  const spectator = await openSpectator(deps);
  try {
    const notifier = terminalNotifier(spectator, options.json === true ? undefined : deps.out);
    const runner = await openRunner({ store: options.store, stateFolder: options.state, notifier });
    try {
      const signal = deps.stop;
      signal.addEventListener("abort", () => {
        spectator.warning("stopping; what is done is kept (a second Ctrl-C ends it at once)");
      });
      const outcome = await runCycle(runner.dependencies, {
        profile,
        budgetMs: options.duration ?? profile.duration_seconds * 1_000,
        workers: options.workers ?? runner.dependencies.toolchain.cores,
        statePath: runner.statePath,
        signal,
        spectator,
      });
      spectator.close();
      if (outcome.kind === "interrupted") {
        deps.setExitCode(EXIT.interrupted);
        deps.err(`interrupted in ${outcome.phase}; the same command resumes cycle ${String(outcome.cycle)} there\n`);
        return;
      }
      if (options.json) deps.out(jsonText(outcome.digest));
      deps.setExitCode(outcome.exitCode);
    } finally {
      await runner.close(deps.stop.aborted ? CLOSE_AFTER_STOP_MS : CLOSE_MS);
      if (deps.stop.aborted) deps.endWithin(END_AFTER_STOP_MS);
    }
  } finally {
    spectator.close();
  }
}

/** The digest is the result; critical news is a message. `out` is undefined when the result is printed as JSON. */
function terminalNotifier(spectator: ClosableSpectator, out: ((text: string) => void) | undefined): Notifier {
  return {
    notify({ kind, subject, body }) {
      if (kind === "critical") {
        spectator.warning(`${subject}. ${body}`);
      } else {
        spectator.close();
        out?.(`${body}\n`);
      }
      return Promise.resolve();
    },
  };
}
