/** `kimtest infra-restart`: the service starts again, and takes the bundle and settings delivered last. */
import { Command } from "@commander-js/extra-typings";
import { KimtestError } from "../../contracts/errors.ts";
import type { RemoteEnd, RemoteLimits } from "../aws/remote-command.ts";
import type { StackChoice } from "../aws/stack.ts";
import type { CliDeps } from "../deps.ts";
import { jsonOption } from "./options.ts";
import { awsProfileOption, deployedStackOption, regionOption } from "./options-infra.ts";

export interface InfraRestartOptions extends StackChoice {
  readonly json?: true | undefined;
}

/** systemd gives the start twenty minutes (fetching a bundle, with all attempts) and the stop thirty seconds. */
const LIMITS: RemoteLimits = { pollMs: 2_000, runSeconds: 1_300, startSeconds: 60, graceMs: 30_000 };

/** `systemctl restart` waits until the runner says that it is up. Which bundle that is, the link then tells. */
const SCRIPT = 'systemctl restart kimtest && basename "$(readlink /opt/kimtest/current)"';

export function infraRestartCommand(deps: CliDeps) {
  return new Command("infra-restart")
    .description("Restart the service on the machine, which takes the newest bundle; the cycle goes on.")
    .addOption(deployedStackOption())
    .addOption(regionOption())
    .addOption(awsProfileOption())
    .addOption(jsonOption())
    .addHelpText("after", "\nExamples:\n  kimtest infra-restart\n  kimtest infra-restart --stack prod")
    .action((options) => infraRestart(options, deps));
}

export async function infraRestart(
  options: InfraRestartOptions,
  deps: CliDeps,
  limits: RemoteLimits = LIMITS,
): Promise<void> {
  const [{ findStack, readServiceSettings }, { runRemotely }, { interruptible }] = await Promise.all([
    import("../aws/stack.ts"),
    import("../aws/remote-command.ts"),
    import("../aws/interruptible.ts"),
  ]);
  const { stop } = deps;
  const work = async (): Promise<void> => {
    const found = await findStack(options, stop, deps.here);
    const { parts, target } = found;
    const delivered = (await readServiceSettings(found, stop)).bundle.sha256;
    deps.err(`restarting the service on ${parts.instance_id}; the running cycle goes on\n`);
    const end = await runRemotely(parts.instance_id, SCRIPT, target, limits, stop, (status) => {
      deps.err(`${status}\n`);
    });
    const running = bundleIn(end, parts.stack);
    if (options.json) {
      const { jsonText } = await import("../json.ts");
      const { stack, instance_id: instance } = parts;
      deps.out(
        jsonText({
          stack,
          region: target.region,
          instance_id: instance,
          running_bundle: running,
          delivered_bundle: delivered,
        }),
      );
    } else deps.out(`stack ${parts.stack}: the service runs bundle ${running.slice(0, 12)}\n`);
    if (running === delivered) return;
    throw new KimtestError("CLOUD_FAILED", `the service did not take the delivered bundle ${delivered.slice(0, 12)}`, {
      hint: `why: kimtest infra-logs --stack ${parts.stack} --stream service --since 30m`,
    });
  };
  await interruptible(stop, work(), () => "interrupted; nothing was changed");
}

function bundleIn({ exitCode, stdout, stderr }: RemoteEnd, stack: string): string {
  const bundle = stdout.trim();
  if (exitCode === 0 && /^[0-9a-f]{64}$/.test(bundle)) return bundle;
  const said = [stderr.trim(), bundle].find((text) => text !== "") ?? "it says nothing";
  throw new KimtestError("CLOUD_FAILED", `the service did not start (exit code ${String(exitCode)}): ${said}`, {
    hint: `why: kimtest infra-logs --stack ${stack} --stream service --since 30m`,
  });
}
