/** `kimtest doctor`: what kimtest needs on this machine, what of it is there, and how to mend the rest. */
import { EXIT } from "../../contracts/errors.ts";
import type { DoctorCheck } from "../../contracts/reports.ts";
import type { CliDeps } from "../deps.ts";
import type { ResultsChoice } from "../store.ts";
import { fieldsOption, jsonOption } from "./options.ts";
import { readingCommand } from "./options-place.ts";

export interface DoctorOptions extends ResultsChoice {
  readonly json?: true | undefined;
  readonly fields?: string | undefined;
}

const DEADLINE_MS = 20_000;
/** For what a check that was given up leaves behind. */
const END_MS = 500;

const HELP = `
Each check has ${String(DEADLINE_MS / 1_000)} seconds; all run at once. What only some commands need is a warning. AWS is needed when a
stack or a bucket is meant (--stack, --store s3://…, KIMTEST_STACK, kimtest.json); without one its checks warn.
Permissions are simulated by IAM, which takes iam:SimulatePrincipalPolicy. --json: docs/schemas/DoctorReport.json.
Exit code 1: there is a fault.

Examples:
  kimtest doctor
  kimtest doctor --stack dev
  kimtest doctor --json | jq '.checks[] | select(.result != "ok")'`;

export function doctorCommand(deps: CliDeps) {
  return readingCommand("doctor")
    .description("Check what kimtest needs on this machine, and say how to mend it.")
    .addOption(jsonOption())
    .addOption(fieldsOption())
    .addHelpText("after", HELP)
    .action((options) => doctor(options, deps));
}

export async function doctor(options: DoctorOptions, deps: CliDeps, deadlineMs = DEADLINE_MS): Promise<void> {
  const [
    { choose },
    { readProjectFile },
    { checksOf },
    { examine },
    { doctorReportSchema },
    { fieldsOf },
    { jsonText },
    { checkTable, counted },
  ] = await Promise.all([
    import("../choice.ts"),
    import("../project-file.ts"),
    import("../doctor/checks.ts"),
    import("../doctor/examine.ts"),
    import("../../contracts/reports.ts"),
    import("../fields.ts"),
    import("../json.ts"),
    import("../check-table.ts"),
  ]);
  const { pick } = fieldsOf(options.fields, doctorReportSchema);
  const { here, now, stop } = deps;
  const chosen = choose(options, here.env, await readProjectFile(here.folder));
  const checks = await examine(checksOf({ chosen, here, now }), deadlineMs, stop);
  const count = (result: DoctorCheck["result"]): number => checks.filter((check) => check.result === result).length;
  const report = { checks, warnings: count("warning"), faults: count("fault") };
  if (options.json === true || options.fields !== undefined) deps.out(jsonText(pick(report)));
  else {
    const { green, yellow, red } = await deps.colours("stdout");
    deps.out(checkTable(checks, { ok: green, warning: yellow, fault: red }));
  }
  deps.err(`${counted(report.faults, "fault")}, ${counted(report.warnings, "warning")}\n`);
  deps.setExitCode(report.faults > 0 ? EXIT.failuresFound : EXIT.ok);
  deps.endWithin(END_MS);
}
