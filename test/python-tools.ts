/**
 * Programs that the tests need and that PyPI has: each set in a virtual environment of its own below `.venv`.
 *
 * Tests that need them fail without them, they never skip: a suite that is green because half of it did not
 * run is what this project exists to prevent. Several Jest workers may come here at once; one installs, the
 * others wait for it.
 */
import { existsSync } from "node:fs";
import { mkdir, readFile, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

import { execa } from "execa";

import { KimtestError } from "../contracts/errors.ts";
import { systemClock } from "../runner/platform/clock.ts";
import { takeFolderLock } from "../runner/store/folder-lock.ts";

const REPOSITORY = fileURLToPath(new URL("..", import.meta.url));
export const INSTALL_TIMEOUT_MS = 5 * 60_000;

export interface PythonTools {
  /** Folder below `.venv`. */
  readonly name: string;
  readonly requirements: URL;
  /** What to do where the installation is not possible. */
  readonly hint: string;
  /** What PyPI does not have; called before the installation counts as complete. */
  readonly finish?: (folder: string) => Promise<void>;
}

export async function runInstaller(
  command: string,
  parameters: readonly string[],
  options: { readonly hint: string; readonly cwd?: string },
): Promise<void> {
  try {
    await execa(command, parameters, {
      timeout: INSTALL_TIMEOUT_MS,
      ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
    });
  } catch (error) {
    const reason = (error instanceof Error ? error.message : String(error)).slice(-2000);
    throw new KimtestError("TOOL_MISSING", `${command} ${parameters.join(" ")} failed: ${reason}`, {
      hint: options.hint,
      cause: error,
    });
  }
}

const folderOf = (tools: PythonTools): string => join(REPOSITORY, ".venv", tools.name);
const stampOf = (tools: PythonTools): string => join(folderOf(tools), "requirements.txt");

/** The folder of the installation, or undefined where it does not hold what the requirements ask for now. */
export async function installedFolder(tools: PythonTools): Promise<string | undefined> {
  if (!existsSync(stampOf(tools))) return undefined;
  const same = (await readFile(stampOf(tools), "utf8")) === (await readFile(tools.requirements, "utf8"));
  return same ? folderOf(tools) : undefined;
}

async function install(tools: PythonTools): Promise<void> {
  const folder = folderOf(tools);
  const requirements = fileURLToPath(tools.requirements);
  await rm(folder, { recursive: true, force: true });
  await runInstaller("python3", ["-m", "venv", folder], tools);
  const pip = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--requirement", requirements];
  await runInstaller(join(folder, "bin", "python3"), pip, tools);
  await tools.finish?.(folder);
  // The stamp comes last: an install that was killed half-way is done again.
  await runInstaller("cp", [requirements, `${stampOf(tools)}.new`], tools);
  await rename(`${stampOf(tools)}.new`, stampOf(tools));
}

/** The folder of the installation, which is made first where it is missing or out of date. */
export async function installTools(tools: PythonTools): Promise<string> {
  const present = await installedFolder(tools);
  if (present !== undefined) return present;
  const scratch = join(REPOSITORY, "node_modules", ".cache");
  await mkdir(scratch, { recursive: true });
  const lock = await takeFolderLock({
    path: join(scratch, `${tools.name}-install.lock`),
    scratch,
    waitMs: INSTALL_TIMEOUT_MS,
    clock: systemClock,
    what: `the installation of .venv/${tools.name}`,
  });
  try {
    if ((await installedFolder(tools)) === undefined) await install(tools);
    return folderOf(tools);
  } finally {
    await lock.release();
  }
}
