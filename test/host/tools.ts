/**
 * Finds, or installs into `.venv/host`, the programs that the tests of infra/host need.
 *
 * The AWS CLI and ShellCheck come from PyPI. cloud-init does not: it is taken from the system where it is installed,
 * else its Debian package is fetched with apt-get and unpacked, not installed; only its schema check is run.
 */
import { existsSync } from "node:fs";
import { mkdir, readdir } from "node:fs/promises";
import { join } from "node:path";

import { execa } from "execa";

import { KimtestError } from "../../contracts/errors.ts";
import { installTools, runInstaller, type PythonTools } from "../python-tools.ts";

const HINT =
  "install python3 (3.10 or later, with venv) and make PyPI reachable; cloud-init: install it, or use a Debian system with apt-get";

async function hasProgram(name: string): Promise<boolean> {
  const { exitCode } = await execa(name, ["--version"], { reject: false, timeout: 20_000 });
  return exitCode === 0;
}

async function fetchCloudInit(folder: string): Promise<void> {
  if (await hasProgram("cloud-init")) return;
  const cwd = join(folder, "cloud-init");
  await mkdir(cwd, { recursive: true });
  try {
    await runInstaller("apt-get", ["download", "cloud-init"], { cwd, hint: HINT });
  } catch {
    // A new machine has no package lists yet.
    await runInstaller("apt-get", ["update", "--quiet"], { cwd, hint: HINT });
    await runInstaller("apt-get", ["download", "cloud-init"], { cwd, hint: HINT });
  }
  const archive = (await readdir(cwd)).find((name) => name.endsWith(".deb"));
  if (archive === undefined) throw new KimtestError("TOOL_MISSING", "apt-get fetched no package", { hint: HINT });
  await runInstaller("dpkg-deb", ["--extract", archive, "."], { cwd, hint: HINT });
}

const HOST: PythonTools = {
  name: "host",
  requirements: new URL("requirements.txt", import.meta.url),
  hint: HINT,
  finish: fetchCloudInit,
};

export interface HostTools {
  /** Holds `aws` and `shellcheck`. */
  readonly programs: string;
  /** Runs cloud-init's check of a cloud-config. */
  checkCloudConfig(path: string): Promise<{ exitCode: number | undefined; output: string }>;
}

export async function findHostTools(): Promise<HostTools> {
  const folder = await installTools(HOST);
  const programs = join(folder, "bin");
  const modules = join(folder, "cloud-init", "usr", "lib", "python3", "dist-packages");
  return {
    programs,
    async checkCloudConfig(path) {
      const parameters = ["schema", "--config-file", path];
      const options = { reject: false, all: true, timeout: 60_000 } as const;
      const result = existsSync(modules)
        ? await execa(join(programs, "python3"), ["-m", "cloudinit.cmd.main", ...parameters], {
            ...options,
            env: { PYTHONPATH: modules },
          })
        : await execa("cloud-init", parameters, options);
      return { exitCode: result.exitCode, output: result.all };
    },
  };
}
