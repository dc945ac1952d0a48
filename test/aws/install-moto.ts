/**
 * Finds the AWS emulator (`moto_server`), or installs it into `.venv` of the checkout.
 *
 * Tests that need it fail without it, they never skip: a suite that is green because half of it did not
 * run is what this project exists to prevent. Several Jest workers may come here at once; one installs,
 * the others wait for it.
 */
import { existsSync } from "node:fs";
import { mkdir, readFile, rename, rm } from "node:fs/promises";
import { delimiter, join } from "node:path";
import { fileURLToPath } from "node:url";

import { execa } from "execa";

import { KimtestError } from "../../contracts/errors.ts";
import { systemClock } from "../../runner/platform/clock.ts";
import { takeFolderLock } from "../../runner/store/folder-lock.ts";

const REPOSITORY = fileURLToPath(new URL("../..", import.meta.url));
const REQUIREMENTS = fileURLToPath(new URL("requirements.txt", import.meta.url));
const VENV = join(REPOSITORY, ".venv");
const INSTALL_TIMEOUT_MS = 5 * 60_000;
const CHECK_TIMEOUT_MS = 20_000;
const HINT = "install python3 (3.10 or later, with venv) and make PyPI reachable, or put a moto_server on PATH";

const venvServer = join(VENV, "bin", "moto_server");

/** Whether it starts at all; a pyenv shim, for example, may be on PATH and lead nowhere. */
async function works(server: string): Promise<boolean> {
  const { exitCode } = await execa(server, ["--help"], { reject: false, timeout: CHECK_TIMEOUT_MS });
  return exitCode === 0;
}

async function onPath(): Promise<string | undefined> {
  const folders = (process.env["PATH"] ?? "").split(delimiter).filter((folder) => folder !== "");
  const server = folders.map((folder) => join(folder, "moto_server")).find((path) => existsSync(path));
  return server !== undefined && (await works(server)) ? server : undefined;
}

async function run(command: string, parameters: readonly string[]): Promise<void> {
  try {
    await execa(command, parameters, { timeout: INSTALL_TIMEOUT_MS });
  } catch (error) {
    const reason = (error instanceof Error ? error.message : String(error)).slice(-2000);
    throw new KimtestError("TOOL_MISSING", `${command} ${parameters.join(" ")} failed: ${reason}`, {
      hint: HINT,
      cause: error,
    });
  }
}

/** Whether `.venv` holds what the requirements ask for now. */
async function isInstalled(): Promise<boolean> {
  if (!existsSync(venvServer)) return false;
  const stamp = join(VENV, "requirements.txt");
  return existsSync(stamp) && (await readFile(stamp, "utf8")) === (await readFile(REQUIREMENTS, "utf8"));
}

async function install(): Promise<void> {
  await rm(VENV, { recursive: true, force: true });
  await run("python3", ["-m", "venv", VENV]);
  const pip = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--requirement", REQUIREMENTS];
  await run(join(VENV, "bin", "python3"), pip);
  // The stamp comes last: an install that was killed half-way is done again.
  const stamp = join(VENV, "requirements.txt");
  await run("cp", [REQUIREMENTS, `${stamp}.new`]);
  await rename(`${stamp}.new`, stamp);
}

/** The path of a `moto_server` that works. */
export async function findMotoServer(): Promise<string> {
  if (await isInstalled()) return venvServer;
  const present = await onPath();
  if (present !== undefined) return present;
  const scratch = join(REPOSITORY, "node_modules", ".cache");
  await mkdir(scratch, { recursive: true });
  const lock = await takeFolderLock({
    path: join(scratch, "moto-install.lock"),
    scratch,
    waitMs: INSTALL_TIMEOUT_MS,
    clock: systemClock,
    what: "the installation of moto_server",
  });
  try {
    if (!(await isInstalled())) await install();
    return venvServer;
  } finally {
    await lock.release();
  }
}
