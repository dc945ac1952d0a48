/** `kimtest infra-ssh`: a shell, a port or one command on the machine, by Session Manager: no key, no open port. */
import { Command, Option } from "@commander-js/extra-typings";
import { KimtestError } from "../../contracts/errors.ts";
import type { RemoteLimits } from "../aws/remote-command.ts";
import type { Forward } from "../aws/session.ts";
import type { StackChoice } from "../aws/stack.ts";
import type { CliDeps } from "../deps.ts";
import { awsProfileOption, deployedStackOption, regionOption } from "./options-infra.ts";

export interface InfraSshOptions extends StackChoice {
  readonly command?: string | undefined;
  readonly forward?: Forward | undefined;
}

const LIMITS: RemoteLimits = { pollMs: 1_000, runSeconds: 3_600, startSeconds: 60, graceMs: 30_000 };

const HELP = `
--command runs as root, for at most an hour. Its output comes at its end, 24,000 characters of it (8,000 of
stderr), and its exit code is ours. A shell and --forward need the session-manager-plugin.

Examples:
  kimtest infra-ssh
  kimtest infra-ssh --command 'systemctl status kimtest'
  kimtest infra-ssh --forward 8080:80`;

export function infraSshCommand(deps: CliDeps) {
  return new Command("infra-ssh")
    .description("Open a shell on the machine, run one command there, or forward a port.")
    .addOption(deployedStackOption())
    .addOption(regionOption())
    .addOption(awsProfileOption())
    .option("--command <line>", "run this and end with its exit code")
    .addOption(
      new Option("--forward <local:remote>", "forward a local port to one of the machine")
        .argParser(parseForward)
        .conflicts("command"),
    )
    .addHelpText("after", HELP)
    .action((options) => infraSsh(options, deps));
}

const MAX_PORT = 65_535;

/** @throws KimtestError `USAGE` */
export function parseForward(text: string): Forward {
  const [, local = "", remote = ""] = /^(\d{1,5}):(\d{1,5})$/.exec(text) ?? [];
  const ports = [Number(local), Number(remote)];
  if (ports.every((port) => port >= 1 && port <= MAX_PORT)) {
    return { localPort: Number(local), remotePort: Number(remote) };
  }
  throw new KimtestError("USAGE", `--forward is "${text}", but must be two ports from 1 to 65535`, {
    hint: "for example 8080:80",
  });
}

export async function infraSsh(options: InfraSshOptions, deps: CliDeps, limits: RemoteLimits = LIMITS): Promise<void> {
  if (options.command?.trim() === "") throw new KimtestError("USAGE", "--command is empty");
  const [{ findStack }, { interruptible }] = await Promise.all([
    import("../aws/stack.ts"),
    import("../aws/interruptible.ts"),
  ]);
  const { stop } = deps;
  const found = await interruptible(stop, findStack(options, stop, deps.here), () => "interrupted; nothing was done");
  const { parts, target } = found;
  const instance = parts.instance_id;
  if (options.command === undefined) {
    const { holdSession } = await import("../aws/session.ts");
    await holdSession(instance, options.forward, target, stop);
    return;
  }
  const { runRemotely } = await import("../aws/remote-command.ts");
  const ended = await interruptible(
    stop,
    runRemotely(instance, options.command, target, limits, stop),
    () => "interrupted",
  );
  // As the program wrote it, as every remote shell does.
  deps.out(ended.stdout);
  deps.err(ended.stderr);
  if (ended.isCut) deps.err("kimtest: the output is cut: AWS gives back 24,000 characters, and 8,000 of stderr\n");
  deps.setExitCode(ended.exitCode);
}
