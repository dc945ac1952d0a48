/** `kimtest vopr …`: the embedded simulator's own command line, unchanged. */
import { Command } from "@commander-js/extra-typings";
import type { CliDeps } from "../deps.ts";

export function voprCommand(deps: CliDeps) {
  return new Command("vopr")
    .description("Run the embedded simulator; its own flags follow (kimtest vopr --help).")
    .argument("[arguments...]", "given to the simulator as they are")
    .allowUnknownOption()
    .passThroughOptions()
    .helpOption(false)
    .addHelpText("after", "\nExamples:\n  kimtest vopr --scenario combined -n 1000\n  kimtest vopr --list-scenarios")
    .action((args) => vopr(args, deps));
}

export async function vopr(args: readonly string[], deps: CliDeps): Promise<void> {
  const { main } = await import("../../sim/vopr-command.ts");
  deps.setExitCode(await main(args));
}
