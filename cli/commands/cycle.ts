/** `kimtest cycle`: runs one whole cycle here, or goes on with the one that was interrupted. */
import { Command } from "@commander-js/extra-typings";
import { EXIT } from "../../contracts/errors.ts";
import { WORKLOADS, type Workload } from "../../contracts/workloads.ts";
import type { CycleOutcome } from "../../runner/cycle.ts";
import type { Notifier } from "../../runner/platform/notifier.ts";
import type { CliDeps } from "../deps.ts";
import type { ClosableSpectator } from "../spectator.ts";
import {
  branchOption,
  jsonOption,
  onlyOption,
  profileOption,
  repoOption,
  storeOption,
  workersOption,
} from "./options.ts";
import { parseDuration } from "../typed-times.ts";

interface CycleCommandOptions {
  readonly store: string;
  readonly profile: string;
  readonly json?: true | undefined;
  readonly duration?: number | undefined;
  readonly workers?: number | undefined;
  readonly state?: string | undefined;
  readonly repo?: string | undefined;
  readonly branch?: string | undefined;
  readonly only?: readonly Workload[] | undefined;
}

export function cycleCommand(deps: CliDeps) {
  return new Command("cycle")
    .description("Run one cycle, or resume the one that was interrupted.")
    .addOption(storeOption())
    .addOption(jsonOption())
    .addOption(profileOption())
    .addOption(repoOption())
    .addOption(branchOption())
    .addOption(onlyOption())
    .option(
      "--duration <time>",
      "length of the cycle: 90s, 30m, 48h (default: the profile's)",
      parseDuration("--duration"),
    )
    .addOption(workersOption())
    .option("--state <folder>", "folder for state, outbox and log (default: .kimtest/state, one per store)")
    .addHelpText("after", EXAMPLES)
    .action(async (options) => {
      await cycle(options, deps);
    });
}

const EXAMPLES = `
Examples:
  kimtest cycle
  kimtest cycle --duration 30m --store s3://my-results
  kimtest cycle --profile kimberlite --repo ../kimberlite --branch main --duration 2h --only fuzz,vopr`;

/** How long deliveries under way are waited for; a stop has ten seconds for everything. */
const CLOSE_MS = 10_000;
const CLOSE_AFTER_STOP_MS = 2_000;
const END_AFTER_STOP_MS = 1_000;

/** The others, each with the reason that the digest gives. */
function skippedBy(only: readonly Workload[] | undefined): ReadonlyMap<Workload, string> {
  const left = only === undefined ? [] : WORKLOADS.filter((workload) => !only.includes(workload));
  return new Map(left.map((workload) => [workload, `left out by --only ${only?.join(",") ?? ""}`]));
}

export async function cycle(options: CycleCommandOptions, deps: CliDeps): Promise<CycleOutcome> {
  const [
    { openRunner, stateFolderOf },
    { runCycle },
    { settled },
    { readTested },
    { openSpectator },
    { jsonText },
    { fitted },
  ] = await Promise.all([
    import("../../runner/open-runner.ts"),
    import("../../runner/cycle.ts"),
    import("../../runner/profiles/load.ts"),
    import("../tested.ts"),
    import("../spectator.ts"),
    import("../json.ts"),
    import("../fitted.ts"),
  ]);
  const stateFolder = options.state ?? stateFolderOf(options.store);
  const { only } = options;
  const profile = settled(await readTested(options, process.cwd()), stateFolder);
  const spectator = await openSpectator(deps);
  try {
    const print = (text: string): void => {
      deps.out(fitted(text, deps.columns));
    };
    const notifier = terminalNotifier(spectator, options.json === true ? undefined : print);
    const runner = await openRunner({ store: options.store, stateFolder, notifier });
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
        skipped: skippedBy(only),
      });
      spectator.close();
      if (outcome.kind === "interrupted") {
        deps.setExitCode(EXIT.interrupted);
        deps.err(`interrupted in ${outcome.phase}; the same command resumes cycle ${String(outcome.cycle)} there\n`);
        return outcome;
      }
      if (options.json) deps.out(jsonText(outcome.digest));
      deps.setExitCode(outcome.exitCode);
      return outcome;
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
