/** The commands of kimtest. Only definitions here: what a command does is loaded when it is called. */
import { Command, type CommandUnknownOpts } from "@commander-js/extra-typings";
import manifest from "../package.json" with { type: "json" };
import { canariesCommand } from "./commands/canaries.ts";
import { benchBaselineCommand } from "./commands/bench-baseline.ts";
import { completeCommand, completionCommand } from "./commands/completion.ts";
import { cycleCommand } from "./commands/cycle.ts";
import { deployInfraCommand } from "./commands/deploy-infra.ts";
import { doctorCommand } from "./commands/doctor.ts";
import { fetchFailureCommand } from "./commands/fetch-failure.ts";
import { infraBenchCommand } from "./commands/infra-bench.ts";
import { infraCostCommand } from "./commands/infra-cost.ts";
import { infraDestroyCommand } from "./commands/infra-destroy.ts";
import { infraDigestCommand } from "./commands/infra-digest.ts";
import { infraLogsCommand } from "./commands/infra-logs.ts";
import { infraRestartCommand } from "./commands/infra-restart.ts";
import { infraSshCommand } from "./commands/infra-ssh.ts";
import { infraStartCommand } from "./commands/infra-start.ts";
import { infraStatusCommand } from "./commands/infra-status.ts";
import { infraStopCommand } from "./commands/infra-stop.ts";
import { listFailuresCommand } from "./commands/list-failures.ts";
import { serviceCommand } from "./commands/service.ts";
import { testInfraSmokeCommand } from "./commands/test-infra-smoke.ts";
import { profileCommand } from "./commands/profile.ts";
import { phaseCommand } from "./commands/phase.ts";
import { voprCommand } from "./commands/vopr.ts";
import { voprReproCommand } from "./commands/vopr-repro.ts";
import type { CliDeps } from "./deps.ts";

const EXIT_CODES = `
Exit codes:
  0  ok                        4    not found, not deployed
  1  failures found            5    AWS or network
  2  usage                     6    inconclusive
  3  threshold not met         130  interrupted`;

export function buildProgram(deps: CliDeps): Command {
  const program = new Command("kimtest")
    .description("Continuous testing for Kimberlite: run cycles, see what they found, reproduce it.")
    // What follows a command's name is that command's alone: `kimtest vopr` has flags of its own.
    .enablePositionalOptions()
    .version(`kimtest ${manifest.version}, Node.js ${process.version}`, "-V, --version", "print the version")
    .addHelpText("after", EXIT_CODES);
  const commands = [
    cycleCommand(deps),
    phaseCommand(deps),
    profileCommand(deps),
    infraStatusCommand(deps),
    infraDigestCommand(deps),
    listFailuresCommand(deps),
    fetchFailureCommand(deps),
    voprReproCommand(deps),
    voprCommand(deps),
    serviceCommand(deps),
    canariesCommand(deps),
    testInfraSmokeCommand(deps),
    infraBenchCommand(deps),
    benchBaselineCommand(deps),
    deployInfraCommand(deps),
    infraLogsCommand(deps),
    infraSshCommand(deps),
    infraStopCommand(deps),
    infraStartCommand(deps),
    infraRestartCommand(deps),
    infraDestroyCommand(deps),
    infraCostCommand(deps),
    doctorCommand(deps),
    completionCommand(deps),
  ];
  for (const command of commands) program.addCommand(command);
  program.addCommand(
    completeCommand(deps, () => program),
    { hidden: true },
  );
  // Not copyInheritedSettings: it would give `vopr` back the --help that belongs to the simulator.
  for (const command of withSubcommands(program)) {
    command.exitOverride().showHelpAfterError("(add --help for what there is)");
    command.configureOutput({
      writeOut: deps.out,
      writeErr: deps.err,
      getOutHelpWidth: () => deps.columns,
      getErrHelpWidth: () => deps.columns,
    });
  }
  return program;
}

const withSubcommands = (command: CommandUnknownOpts): CommandUnknownOpts[] => [
  command,
  ...command.commands.flatMap(withSubcommands),
];
