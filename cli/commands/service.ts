/** `kimtest service`: the runner under systemd on a Linux machine of one's own. */
import { Command, Option } from "@commander-js/extra-typings";
import { homedir, userInfo } from "node:os";
import { EXIT, KimtestError } from "../../contracts/errors.ts";
import type { CliDeps } from "../deps.ts";
import type { Layout } from "../service/layout.ts";
import { parseDuration } from "../typed-times.ts";
import { jsonOption } from "./options.ts";
import { yesOption } from "./options-infra.ts";

interface Where {
  readonly user?: true | undefined;
  readonly name: string;
}

const nameOption = () => new Option("--name <name>", "the unit's name").default("kimtest");
const userOption = () => new Option("--user", "a service of this user (default: unless you are root)");

const INSTALL_HELP = `
Run again it updates program and settings; what is not asked for stays as it was. Credentials of the store
go into the file that it names, which only the owner of the service can read.

Examples:
  sudo kimtest service install --store s3://our-results --profile kimberlite
  kimtest service install --user --store ~/kimtest-results --duration 8h --notify 'mail -s {subject} team@example.org'`;

export function serviceCommand(deps: CliDeps) {
  const service = new Command("service")
    .description("Run cycles for ever on this Linux machine, under systemd.")
    .addHelpText(
      "after",
      "\nExamples:\n  kimtest service install --user --store ~/kimtest-results\n  kimtest service status",
    );
  service
    .command("install")
    .description("Install or update the service, and start it.")
    .addOption(userOption())
    .addOption(nameOption())
    .option("--store <location>", "where results live: s3://bucket[/prefix] or a folder (default: in its state folder)")
    .option("--profile <profile>", "what to test: kimberlite, embedded, or the path of a profile file")
    .option("--repo <path-or-url>", "instead of the profile's repository")
    .option("--branch <reference>", "branch, tag or commit instead of the profile's")
    .option("--duration <time>", "length of a cycle (default: 48h)", parseDuration("--duration"))
    .option("--notify <command>", "started for each message, its text as input; {subject} stands for the subject")
    .option("--no-start", "install only")
    .addHelpText("after", INSTALL_HELP)
    .action(async (options) => {
      const [{ install }, { bundleFolder }] = await Promise.all([
        import("../service/install.ts"),
        import("../service/release.ts"),
      ]);
      const layout = await layoutFor(options);
      const { notify, duration: durationMs, start, ...rest } = options;
      const choice = { ...rest, durationMs, ...(notify === undefined ? {} : { notify: notify.trim().split(/\s+/) }) };
      const how = { bundle: bundleFolder(), start, stop: deps.stop };
      const { release, settings, started } = await install(layout, choice, how);
      deps.out(
        [
          `release      ${release} in ${layout.programFolder}`,
          `settings     ${layout.settingsPath}`,
          `environment  ${layout.environmentPath}`,
          `state        ${layout.stateFolder}`,
          `store        ${settings.store}`,
          `unit         ${layout.unitPath}`,
          started ? `${layout.unit} is running` : `${layout.unit} is installed and enabled, not started`,
          "",
        ].join("\n"),
      );
      if (layout.scope === "user") {
        deps.err(`it ends when you log out, unless you let it stay: loginctl enable-linger ${userInfo().username}\n`);
      }
    });
  service
    .command("status")
    .description("Show whether the service runs and what it does.")
    .addOption(userOption())
    .addOption(nameOption())
    .addOption(jsonOption())
    .addHelpText(
      "after",
      "\nExit code 0: it runs; 4: it is not installed; 6: it does not run.\n\nExample:\n  kimtest service status",
    )
    .action(async (options) => {
      const { serviceStatus, statusText } = await import("../service/status.ts");
      const status = await serviceStatus(await layoutFor(options));
      if (options.json) {
        const { jsonText } = await import("../json.ts");
        deps.out(jsonText(status));
      } else deps.out(statusText(status));
      deps.setExitCode(status.active_state === "active" ? EXIT.ok : EXIT.inconclusive);
    });
  service
    .command("logs")
    .description("Show the service's log and follow it.")
    .addOption(userOption())
    .addOption(nameOption())
    .option("--since <time>", "from so long ago (90s, 30m, 2h, 7d), or from an ISO instant", "10m")
    .option("--no-follow", "end with the newest line")
    .addOption(jsonOption())
    .addHelpText("after", "\nExamples:\n  kimtest service logs\n  kimtest service logs --since 2d --no-follow")
    .action(async (options) => {
      const [{ serviceLogs }, { parseSince }] = await Promise.all([
        import("../service/logs.ts"),
        import("../typed-times.ts"),
      ]);
      const question = {
        sinceMs: parseSince(options.since, deps.now()),
        follow: options.follow,
        json: options.json === true,
      };
      await serviceLogs(await layoutFor(options), question, deps);
    });
  service
    .command("uninstall")
    .description("Stop and remove the service; state, settings and results are kept.")
    .addOption(userOption())
    .addOption(nameOption())
    .addOption(yesOption())
    .addHelpText("after", "\nExample:\n  kimtest service uninstall --yes")
    .action(async (options) => {
      const { uninstall } = await import("../service/uninstall.ts");
      const layout = await layoutFor(options);
      await confirm(layout, options.yes === true, deps);
      const kept = await uninstall(layout, deps.stop);
      deps.out(`${layout.unit} is stopped and removed; kept:\n${kept.map((path) => `  ${path}\n`).join("")}`);
    });
  service
    .command("run", { hidden: true })
    .description("What systemd starts: one cycle, or the one that was interrupted.")
    .requiredOption("--settings <file>", "the service's settings")
    .requiredOption("--state <folder>", "folder for state, outbox and log")
    .action(async ({ settings: settingsPath, state: stateFolder }) => {
      const { service: serve } = await import("../../runner/service.ts");
      deps.setExitCode(await serve({ settingsPath, stateFolder, env: process.env }));
    });
  return service;
}

async function layoutFor({ user, name }: Where): Promise<Layout> {
  const { layoutOf } = await import("../service/layout.ts");
  const isRoot = process.getuid?.() === 0;
  return layoutOf({
    scope: user === true || !isRoot ? "user" : "system",
    name,
    home: process.env["HOME"] ?? homedir(),
  });
}

async function confirm(layout: Layout, isYes: boolean, deps: CliDeps): Promise<void> {
  if (isYes) return;
  if (deps.ask === undefined) {
    throw new KimtestError("USAGE", "nobody can be asked here whether to remove the service", { hint: "add --yes" });
  }
  const answer = (await deps.ask(`remove ${layout.unit}? A running cycle is stopped. [y/N] `)).trim().toLowerCase();
  if (answer !== "y" && answer !== "yes") throw new KimtestError("INTERRUPTED", "nothing was removed");
}
