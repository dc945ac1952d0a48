/** `kimtest infra-logs`: what the machine writes, as it writes it. */
import { Command, Option } from "@commander-js/extra-typings";
import { KimtestError } from "../../contracts/errors.ts";
import type { LogPace } from "../aws/logs.ts";
import type { StackChoice } from "../aws/stack.ts";
import type { CliDeps } from "../deps.ts";
import { parseSince } from "../typed-times.ts";
import { utcOption } from "./options.ts";
import { awsProfileOption, deployedStackOption, regionOption } from "./options-infra.ts";

export interface InfraLogsOptions extends StackChoice {
  readonly since: string;
  readonly follow: boolean;
  readonly live?: true | undefined;
  readonly filter?: string | undefined;
  readonly phase?: string | undefined;
  readonly stream?: string | undefined;
  readonly utc?: true | undefined;
  readonly json?: true | undefined;
}

const HELP = `
Each line of --json is an object: at, stream, level (info, warn, error or null), phase (or null), message,
data (the other fields of the runner's line), id. The phase is null until a line tells of it; with --phase
it is looked up in the 48 hours before.

Following asks for new lines every three seconds. With --live a Live Tail says when there are some, which is about
two seconds sooner, and AWS bills each minute of it; without a Live Tail it goes on as without --live.

Examples:
  kimtest infra-logs
  kimtest infra-logs --live --since 1m
  kimtest infra-logs --since 2d --no-follow --filter digest
  kimtest infra-logs --since 3h --phase vopr --json | jq .message`;

export function infraLogsCommand(deps: CliDeps) {
  return (
    new Command("infra-logs")
      .description("Show the machine's log and follow it.")
      .addOption(deployedStackOption())
      .addOption(regionOption())
      .addOption(awsProfileOption())
      .option("--since <time>", "from so long ago (90s, 30m, 2h, 7d), or from an ISO instant", "10m")
      .option("--no-follow", "end with the newest line")
      .option("--live", "be told of new lines by a Live Tail, which AWS bills by the minute")
      .option("--filter <text>", "only lines that contain this text")
      // Literals, for this file is read by every command; a test holds them to the contracts.
      .addOption(new Option("--phase <phase>", "only lines written in this phase").choices(LOGGED_PHASES))
      .addOption(new Option("--stream <kind>", "only this log of the machine").choices(LOGGED_STREAMS))
      .addOption(utcOption())
      .option("--json", "print JSON, one object per line")
      .addHelpText("after", HELP)
      .action((options) => infraLogs(options, deps))
  );
}

export const LOGGED_PHASES = ["prepare", "formal-verification", "benchmarks", "fuzz", "vopr", "digest"];
export const LOGGED_STREAMS = ["runner", "service", "bootstrap", "cloud-init"];

/** The longest phase of a usual cycle is not as long. */
const LOOK_BACK_MS = 48 * 3_600_000;

/** A stop ends it well: it is how following ends. */
export async function infraLogs(options: InfraLogsOptions, deps: CliDeps, pace?: LogPace): Promise<void> {
  const sinceMs = parseSince(options.since, deps.now());
  if (options.live === true && !options.follow) {
    throw new KimtestError("BAD_INPUT", "--live is a way to follow, and --no-follow says not to", {
      hint: "leave out one of them",
    });
  }
  const [
    { findStack },
    { logEvents, LOG_PACE },
    { lineOf, PhaseTracker, streamKind },
    { logWriter },
    { interruptible },
  ] = await Promise.all([
    import("../aws/stack.ts"),
    import("../aws/logs.ts"),
    import("../infra/log-lines.ts"),
    import("../infra/log-writer.ts"),
    import("../aws/interruptible.ts"),
  ]);
  const { stop } = deps;
  const write = await logWriter(deps, options);
  const found = await interruptible(stop, findStack(options, stop, deps.here), () => "interrupted");
  const question = { group: found.parts.log_group, sinceMs, isFollowed: options.follow, isLive: options.live === true };
  const tell = (message: string): void => {
    deps.err(`${message}\n`);
  };
  const phases = new PhaseTracker();
  if (options.phase !== undefined) {
    const before = {
      ...question,
      sinceMs: sinceMs - LOOK_BACK_MS,
      untilMs: sinceMs - 1,
      isFollowed: false,
      isLive: false,
    };
    const pattern = '?"phase started" ?"phase ended"';
    for await (const event of logEvents({ ...before, pattern }, found.target, stop, tell, pace ?? LOG_PACE)) {
      phases.phaseOf(lineOf(event));
    }
  }
  for await (const event of logEvents(question, found.target, stop, tell, pace ?? LOG_PACE)) {
    const line = lineOf(event);
    // Also for lines that are not shown: they tell of the phase.
    const phase = phases.phaseOf(line);
    if (options.phase !== undefined && options.phase !== phase) continue;
    if (options.stream !== undefined && options.stream !== streamKind(line.stream)) continue;
    if (options.filter !== undefined && !line.text.includes(options.filter)) continue;
    write(line, phase);
  }
  if (stop.aborted && !options.follow) throw new KimtestError("INTERRUPTED", "interrupted; there are more lines");
}
