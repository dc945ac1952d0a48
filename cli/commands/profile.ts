/** `kimtest profile`: what a profile says, and whether this machine can run it. */
import { Command, Option } from "@commander-js/extra-typings";
import { EXIT } from "../../contracts/errors.ts";
import type { CliDeps } from "../deps.ts";
import { jsonOption } from "./options.ts";

const EXAMPLES = `
Examples:
  kimtest profile show kimberlite
  kimtest profile check my-project.yaml`;

export function profileCommand(deps: CliDeps) {
  const command = new Command("profile")
    .description("Show a profile, or check one: what is built and run for a project under test.")
    .addHelpText("after", EXAMPLES);
  command
    .command("show")
    .description("Print a profile whole, as YAML or JSON.")
    .argument("<profile>", "its name, or the path of its file")
    .addOption(jsonOption())
    .addOption(new Option("--yaml", "print YAML (default)").conflicts("json"))
    .addHelpText("after", "\nExample:\n  kimtest profile show kimberlite > my-project.yaml")
    .action((profile, options) => show(profile, options, deps));
  command
    .command("check")
    .description("Check a profile, and say what would be inconclusive on this machine (exit code 6).")
    .argument("<profile>", "its name, or the path of its file")
    .addOption(jsonOption())
    .addHelpText("after", "\nExample:\n  kimtest profile check my-project.yaml")
    .action((profile, options) => check(profile, options, deps));
  return command;
}

async function show(name: string, options: { readonly json?: true | undefined }, deps: CliDeps): Promise<void> {
  const [{ loadProfile }, { jsonText }, { stringify }] = await Promise.all([
    import("../../runner/profiles/load.ts"),
    import("../json.ts"),
    import("yaml"),
  ]);
  const profile = await loadProfile(name);
  deps.out(
    options.json === true ? jsonText(profile) : stringify(profile, { lineWidth: 100, aliasDuplicateObjects: false }),
  );
}

async function check(name: string, options: { readonly json?: true | undefined }, deps: CliDeps): Promise<void> {
  const [{ loadProfile }, { gapsOf }, { hasToolchain, rustupHome }, { whyNotRunnable }, { jsonText }] =
    await Promise.all([
      import("../../runner/profiles/load.ts"),
      import("../../runner/profiles/requirements.ts"),
      import("../../runner/tools/rustup.ts"),
      import("../../runner/tools/tool-run.ts"),
      import("../json.ts"),
    ]);
  const profile = await loadProfile(name);
  const path = process.env["PATH"] ?? "";
  const gaps = await gapsOf(profile, process.arch, {
    has: async (program) => (await whyNotRunnable(program, path, profile.work_tree)) === undefined,
    hasToolchain: (name) => hasToolchain(rustupHome(process.env), name),
  });
  deps.setExitCode(gaps.length === 0 ? EXIT.ok : EXIT.inconclusive);
  if (options.json === true) {
    deps.out(jsonText({ profile: profile.name, valid: true, inconclusive: gaps }));
    return;
  }
  deps.out(`${profile.name}: the profile is valid\n`);
  for (const { phase, part, reason } of gaps) deps.out(`inconclusive here: ${phase}, ${part}: ${reason}\n`);
  if (gaps.length === 0) deps.out("all programs that it names are on this machine\n");
}
