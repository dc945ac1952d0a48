/** `kimtest infra-start`: a machine that infra-stop has stopped runs again. One that EC2 has taken, only EC2 starts. */
import { Command } from "@commander-js/extra-typings";
import type { CliDeps } from "../deps.ts";
import { jsonOption } from "./options.ts";
import { awsProfileOption, deployedStackOption, regionOption } from "./options-infra.ts";

export function infraStartCommand(deps: CliDeps) {
  return new Command("infra-start")
    .description("Start the machine that infra-stop has stopped.")
    .addOption(deployedStackOption())
    .addOption(regionOption())
    .addOption(awsProfileOption())
    .addOption(jsonOption())
    .addHelpText("after", "\nExamples:\n  kimtest infra-start\n  kimtest infra-start --stack prod --region eu-west-1")
    .action(async (options) => {
      const { PATIENCE, power } = await import("./power.ts");
      await power("running", options, deps, PATIENCE);
    });
}
