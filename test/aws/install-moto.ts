/**
 * Finds the AWS emulator (`moto_server`), or installs it into `.venv/aws` of the checkout.
 */
import { existsSync } from "node:fs";
import { delimiter, join } from "node:path";

import { execa } from "execa";

import { installTools, installedFolder, type PythonTools } from "../python-tools.ts";

const CHECK_TIMEOUT_MS = 20_000;

const MOTO: PythonTools = {
  name: "aws",
  requirements: new URL("requirements.txt", import.meta.url),
  hint: "install python3 (3.10 or later, with venv) and make PyPI reachable, or put a moto_server on PATH",
};
const serverIn = (folder: string): string => join(folder, "bin", "moto_server");

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

/** The path of a `moto_server` that works. */
export async function findMotoServer(): Promise<string> {
  const installed = await installedFolder(MOTO);
  if (installed !== undefined) return serverIn(installed);
  return (await onPath()) ?? serverIn(await installTools(MOTO));
}
