/** `kimtest infra-status`: what is going on, on one screen. A part that cannot be read says so, the rest is shown. */
import { Option } from "@commander-js/extra-typings";
import { KimtestError } from "../../contracts/errors.ts";
import type { InfraStatus } from "../../contracts/infra-status.ts";
import type { CliDeps } from "../deps.ts";
import type { Fields } from "../fields.ts";
import type { Display } from "../status/display.ts";
import type { ResultsChoice } from "../store.ts";
import { fieldsOption, jsonOption, utcOption } from "./options.ts";
import { readingCommand } from "./options-place.ts";

export interface InfraStatusOptions extends ResultsChoice {
  readonly json?: true | undefined;
  readonly fields?: string | undefined;
  readonly utc?: true | undefined;
  /** Seconds. */
  readonly watch?: number | undefined;
}

const HELP = `
Of a deployed stack: machine, spot request, cycle, alarms, e-mail, digest and findings; of another store: what
is stored. Each look-up has ten seconds; one that fails is named with what to do, and the exit code is then that
of the first: 5 AWS or network, 6 unreadable, 4 not there. --json is described in docs/schemas/InfraStatus.json.

Examples:
  kimtest infra-status
  kimtest infra-status --stack prod --watch
  kimtest infra-status --fields cycle,alarms
  kimtest infra-status --store s3://my-results --json`;

export function infraStatusCommand(deps: CliDeps) {
  return readingCommand("infra-status")
    .description("Show the machine, the running cycle, the alarms and the newest digest.")
    .addOption(jsonOption())
    .addOption(fieldsOption())
    .addOption(utcOption())
    .addOption(
      new Option("--watch [seconds]", "look again every so many seconds, until Ctrl-C")
        .preset(String(WATCH.usual))
        .argParser(parseWatchSeconds),
    )
    .addHelpText("after", HELP)
    .action((options) => infraStatus(options, deps));
}

const WATCH = { min: 2, usual: 30, max: 3_600 };

function parseWatchSeconds(text: string): number {
  const seconds = /^\d{1,4}$/.test(text) ? Number(text) : 0;
  if (seconds >= WATCH.min && seconds <= WATCH.max) return seconds;
  throw new KimtestError(
    "USAGE",
    `--watch is "${text}", but must be a whole number of seconds from ${String(WATCH.min)} to ${String(WATCH.max)}`,
  );
}

export async function infraStatus(options: InfraStatusOptions, deps: CliDeps): Promise<void> {
  const [{ fieldsOf }, { infraStatusSchema }, { DEADLINE_MS, look }, { findPlace }] = await Promise.all([
    import("../fields.ts"),
    import("../../contracts/infra-status.ts"),
    import("../status/look.ts"),
    import("../store.ts"),
  ]);
  const fields = fieldsOf(options.fields, infraStatusSchema);
  const isJson = options.json === true || options.fields !== undefined;
  const once = async (): Promise<InfraStatus> => {
    // Each time anew: a deployment may have replaced the machine.
    const place = await findPlace(options, deps);
    const status = await look({ place, has: fields.has, deadlineMs: DEADLINE_MS }, deps);
    assertSomething(status, fields.has);
    return status;
  };
  const display = isJson ? await jsonDisplay(options, fields, deps) : await textDisplay(options, deps);
  if (options.watch === undefined) {
    const status = await once();
    display.show(status);
    const [first] = status.problems;
    if (first !== undefined) deps.setExitCode(first.exit_code);
    return;
  }
  const { watch } = await import("../status/watch.ts");
  const lookAndShow = async (): Promise<void> => {
    display.show(await once());
  };
  try {
    await watch(options.watch * 1_000, lookAndShow, display.tell, deps.stop);
  } finally {
    display.close();
  }
}

async function jsonDisplay(options: InfraStatusOptions, fields: Fields, deps: CliDeps): Promise<Display> {
  const [{ jsonLine, jsonText }, { plainDisplay }] = await Promise.all([
    import("../json.ts"),
    import("../status/display.ts"),
  ]);
  // What is repeated has one line each time.
  const write = options.watch === undefined ? jsonText : jsonLine;
  return plainDisplay((status) => write(fields.pick(status)), deps);
}

async function textDisplay(options: InfraStatusOptions, deps: CliDeps): Promise<Display> {
  const [{ screenText }, { instantText }, { boardDisplay, plainDisplay }] = await Promise.all([
    import("../status/screen.ts"),
    import("../times.ts"),
    import("../status/display.ts"),
  ]);
  const colour = await deps.colours("stdout");
  const instant = instantText(deps.timeZone, options.utc);
  const text = (status: InfraStatus): string => screenText(status, { columns: deps.columns, colour, instant });
  if (options.watch !== undefined && deps.board !== undefined) {
    return boardDisplay(text, deps.board, `every ${String(options.watch)} s; Ctrl-C ends it`, colour);
  }
  let isFirst = true;
  return plainDisplay((status) => {
    const gap = isFirst ? "" : "\n";
    isFirst = false;
    return `${gap}${text(status)}\n`;
  }, deps);
}

/** @throws KimtestError `NOT_FOUND` where nothing was ever stored, and nothing is deployed. */
function assertSomething(
  { stack, cycle, digest, problems, store }: InfraStatus,
  has: (field: string) => boolean,
): void {
  const isAsked = has("cycle") && has("digest");
  if (!isAsked || stack !== null || cycle !== null || digest !== null || problems.length > 0) return;
  throw new KimtestError("NOT_FOUND", `no cycle has ever run on ${store.url}`, {
    hint: "start one with `npm run cycle`",
  });
}
