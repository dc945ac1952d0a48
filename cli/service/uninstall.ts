/** Takes the service away again; what it found and learnt stays. */
import { existsSync } from "node:fs";
import { rm } from "node:fs/promises";
import { KimtestError } from "../../contracts/errors.ts";
import { readSettingsBefore } from "./install.ts";
import type { Layout } from "./layout.ts";
import { systemctl } from "./systemd.ts";

/** Returns the paths that are kept. */
export async function uninstall(layout: Layout, stop: AbortSignal): Promise<string[]> {
  const { unit, unitPath, programFolder, settingsPath, environmentPath, stateFolder } = layout;
  if (!existsSync(unitPath)) {
    throw new KimtestError("NOT_FOUND", `there is no service ${unit} (looked for ${unitPath})`, {
      hint: "`--name` and `--user` choose another one",
    });
  }
  const settings = await readSettingsBefore(settingsPath);
  await systemctl(layout, ["disable", "--now", unit], stop);
  await rm(unitPath);
  await systemctl(layout, ["daemon-reload"], stop);
  await rm(programFolder, { recursive: true, force: true });
  const kept = [settingsPath, environmentPath, stateFolder, ...(settings === undefined ? [] : [settings.store])];
  return kept.filter((path) => path.startsWith("s3://") || existsSync(path));
}
