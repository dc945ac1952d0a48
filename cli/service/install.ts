/** Installs the service: program, settings, unit; then lets systemd begin. May be run again at any time. */
import { chown, mkdir, writeFile } from "node:fs/promises";
import { dirname, isAbsolute, join, resolve } from "node:path";
import { execa } from "execa";
import type { HostSettings } from "../../contracts/host.ts";
import { hostSettingsSchema } from "../../contracts/host.ts";
import { KimtestError } from "../../contracts/errors.ts";
import { stringifyJson } from "../../contracts/json.ts";
import { systemClock } from "../../runner/platform/clock.ts";
import { loadProfile } from "../../runner/profiles/load.ts";
import { readFileIfPresent, writeFileAtomic } from "../../runner/store/atomic-file.ts";
import { takeFolderLock } from "../../runner/store/folder-lock.ts";
import { decodeJson } from "../../runner/store/read-json.ts";
import type { Layout } from "./layout.ts";
import { installRelease, removeOldReleases } from "./release.ts";
import { settingsFor, type SettingsChoice } from "./settings.ts";
import { systemctl } from "./systemd.ts";
import { SERVICE_USER, unitText } from "./unit.ts";

const LOCK_NAME = ".installing";
const USER_LIMIT_MS = 20_000;
const ENVIRONMENT_TEMPLATE = `# Variables of the service, one NAME=VALUE per line. For an S3 store:
#AWS_ACCESS_KEY_ID=
#AWS_SECRET_ACCESS_KEY=
#AWS_REGION=us-east-1
# For a compatible store that is not AWS's:
#AWS_ENDPOINT_URL_S3=https://
`;

export interface Installed {
  readonly release: string;
  readonly settings: HostSettings;
  /** False when it was installed only. */
  readonly started: boolean;
}

export interface InstallOptions {
  /** The folder of the build that is installed. */
  readonly bundle: string;
  readonly start: boolean;
  readonly stop: AbortSignal;
}

/** @throws KimtestError `ALREADY_RUNNING` while another one is at it */
export async function install(layout: Layout, choice: SettingsChoice, how: InstallOptions): Promise<Installed> {
  const settings = await chosenSettings(layout, choice);
  const { programFolder } = layout;
  await mkdir(programFolder, { recursive: true });
  // Two at once would write one release, and one unit.
  const lock = await takeFolderLock({
    path: join(programFolder, LOCK_NAME),
    scratch: programFolder,
    waitMs: 0,
    clock: systemClock,
    what: `the installation in ${programFolder}`,
  });
  try {
    return await installAlone(layout, settings, how);
  } finally {
    await lock.release();
  }
}

async function installAlone(layout: Layout, settings: HostSettings, how: InstallOptions): Promise<Installed> {
  const owner = layout.scope === "system" ? await serviceUser(layout, how.stop) : undefined;
  const release = await installRelease(layout.programFolder, how.bundle, how.stop);
  await mkdir(layout.stateFolder, { recursive: true, mode: 0o750 });
  await mkdir(`${layout.stateFolder}/tmp`, { recursive: true });
  if (!settings.store.startsWith("s3://")) await mkdir(settings.store, { recursive: true });
  if (owner !== undefined) {
    const own = [layout.stateFolder, `${layout.stateFolder}/tmp`, settings.store].filter(isAbsolute);
    for (const folder of own) await chown(folder, owner.uid, owner.gid);
  }
  await mkdir(dirname(layout.settingsPath), { recursive: true });
  await writeFileAtomic(layout.settingsPath, stringifyJson(settings));
  await writeTemplate(layout.environmentPath);
  await mkdir(dirname(layout.unitPath), { recursive: true });
  await writeFileAtomic(
    layout.unitPath,
    unitText(layout, { store: settings.store, release, groups: await groupsFor(layout, how.stop) }),
  );
  await systemctl(layout, ["daemon-reload"], how.stop);
  await systemctl(layout, ["enable", layout.unit], how.stop);
  if (how.start) {
    await systemctl(layout, ["restart", layout.unit], how.stop);
    await removeOldReleases(layout.programFolder, release);
  }
  return { release, settings, started: how.start };
}

/** Checked before anything is written: a service that cannot read its settings would only restart. */
async function chosenSettings(layout: Layout, choice: SettingsChoice): Promise<HostSettings> {
  const before = await readSettingsBefore(layout.settingsPath);
  const settings = settingsFor(choice, before, `${layout.stateFolder}/store`);
  const isFile = /\.(json|ya?ml)$/.test(settings.profile);
  const absolute = {
    ...settings,
    store: settings.store.startsWith("s3://") ? settings.store : resolve(settings.store),
    profile: isFile ? resolve(settings.profile) : settings.profile,
  };
  const profile = await loadProfile(absolute.profile);
  if (profile.repository === undefined && (absolute.repo ?? absolute.branch) !== null) {
    throw new KimtestError(
      "USAGE",
      `the profile ${profile.name} has no repository: --repo and --branch mean nothing to it`,
    );
  }
  return hostSettingsSchema.parse(absolute);
}

export async function readSettingsBefore(path: string): Promise<HostSettings | undefined> {
  const file = await readFileIfPresent(path);
  return file === undefined ? undefined : decodeJson(file.toString("utf8"), path, hostSettingsSchema);
}

/** The system's user of the service, made when there is none. */
async function serviceUser(layout: Layout, stop: AbortSignal): Promise<{ uid: number; gid: number }> {
  const found = await userOf(stop);
  if (found !== undefined) return found;
  const words = ["--system", "--user-group", "--home-dir", layout.stateFolder, "--shell", "/usr/sbin/nologin"];
  await execa("useradd", [...words, SERVICE_USER], { timeout: USER_LIMIT_MS, cancelSignal: stop });
  const made = await userOf(stop);
  if (made === undefined) throw new KimtestError("TOOL_MISSING", `useradd made no user ${SERVICE_USER}`);
  return made;
}

/** The socket of Docker is its group's: whoever is in it is as good as root, which the proofs in containers need. */
async function groupsFor({ scope }: Layout, stop: AbortSignal): Promise<string[]> {
  if (scope === "user") return [];
  const options = { timeout: USER_LIMIT_MS, cancelSignal: stop, reject: false } as const;
  const { exitCode } = await execa("getent", ["group", "docker"], options);
  return exitCode === 0 ? ["docker"] : [];
}

async function userOf(stop: AbortSignal): Promise<{ uid: number; gid: number } | undefined> {
  const options = { timeout: USER_LIMIT_MS, cancelSignal: stop, reject: false } as const;
  const { stdout, exitCode } = await execa("getent", ["passwd", SERVICE_USER], options);
  if (exitCode !== 0) return undefined;
  const [, , uid = "", gid = ""] = stdout.split(":");
  return { uid: Number(uid), gid: Number(gid) };
}

/** The owner's own file is never written over. */
async function writeTemplate(path: string): Promise<void> {
  try {
    await writeFile(path, ENVIRONMENT_TEMPLATE, { flag: "wx", mode: 0o600 });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
  }
}
