/** `kimtest infra-stop`: the machine off, so that it costs its disk only; the cycle goes on at the next start. */
import { Command } from "@commander-js/extra-typings";
import type { CliDeps } from "../deps.ts";
import { jsonOption } from "./options.ts";
import { awsProfileOption, deployedStackOption, regionOption } from "./options-infra.ts";

export function infraStopCommand(deps: CliDeps) {
  return new Command("infra-stop")
    .description("Stop the machine; its disk and the running cycle are kept.")
    .addOption(deployedStackOption())
    .addOption(regionOption())
    .addOption(awsProfileOption())
    .addOption(jsonOption())
    .addHelpText("after", "\nExamples:\n  kimtest infra-stop\n  kimtest infra-stop --stack prod --region eu-west-1")
    .action(async (options) => {
      const { PATIENCE, power } = await import("./power.ts");
      await power("stopped", options, deps, PATIENCE);
    });
}
