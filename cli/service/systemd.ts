/** `systemctl` and `journalctl`, as processes with a limit. */
import { execa } from "execa";
import { KimtestError } from "../../contracts/errors.ts";
import type { Layout } from "./layout.ts";

/** Starting waits until the runner is ready. */
const LIMIT_MS = 330_000;
const ASK_LIMIT_MS = 10_000;
const KILL_MS = 2_000;

const scopeFlags = ({ scope }: Layout): string[] => (scope === "user" ? ["--user"] : []);

/** @throws KimtestError `TOOL_MISSING` when there is no systemd, or it refuses. */
export async function systemctl(layout: Layout, words: readonly string[], stop: AbortSignal): Promise<string> {
  const command = ["systemctl", ...scopeFlags(layout), ...words];
  const options = {
    timeout: LIMIT_MS,
    forceKillAfterDelay: KILL_MS,
    cancelSignal: stop,
    reject: false,
    all: true,
  } as const;
  const { failed, isCanceled, all, exitCode, shortMessage } = await execa(command[0]!, command.slice(1), options);
  if (!failed) return all;
  if (isCanceled) throw new KimtestError("INTERRUPTED", `interrupted during \`${command.join(" ")}\``);
  const said = exitCode === undefined ? shortMessage : all.trim();
  throw new KimtestError("TOOL_MISSING", `\`${command.join(" ")}\` failed: ${said}`, {
    hint:
      layout.scope === "user"
        ? "a user's service needs a login session of that user (see `loginctl`), or `loginctl enable-linger`"
        : "the machine needs systemd, and you need to be root",
  });
}

/** What systemd knows of the unit, by property; undefined when it cannot be asked. */
export async function unitProperties(
  layout: Layout,
  names: readonly string[],
): Promise<ReadonlyMap<string, string> | undefined> {
  const words = [...scopeFlags(layout), "show", layout.unit, `--property=${names.join(",")}`];
  const options = { timeout: ASK_LIMIT_MS, forceKillAfterDelay: KILL_MS, reject: false } as const;
  const { failed, stdout } = await execa("systemctl", words, options);
  if (failed) return undefined;
  return new Map(
    stdout.split("\n").map((line) => [line.slice(0, line.indexOf("=")), line.slice(line.indexOf("=") + 1)]),
  );
}
