/**
 * The runner as it is delivered: bundled, packed, and named by the hash of the archive.
 *
 * Layout: `runner.js` and the programs it starts, `chunks/`, `host/` (scripts and units of the machine),
 * `package.json` (which says that these are ECMAScript modules), `kimtest-commit`. Source maps stay here: they would make it three times
 * as large, and the names in a stack trace are readable without them.
 *
 * esbuild is loaded when it is used; all of this happens in each `pulumi up` and `preview`.
 */
import { execFile } from "node:child_process";
import { randomUUID } from "node:crypto";
import { mkdir, readdir, readFile, rename, rm, stat, writeFile } from "node:fs/promises";
import { join, relative } from "node:path";
import { promisify } from "node:util";
import { RELEASE_COMMIT_FILE } from "../../contracts/defaults.ts";
import { KimtestError, systemCodeOf } from "../../contracts/errors.ts";
import { bundleOptions, EMBEDDED_PROGRAMS, ROOT } from "./build-bundle.ts";
import { pack, type PackedFile } from "./pack.ts";

export const RUNNER_PROGRAMS = { runner: "runner/main.ts", ...EMBEDDED_PROGRAMS } as const;

const HOST_FOLDER = "infra/host";
/** What the bundle is made from. */
const DELIVERED = ["contracts", "embedded", "infra/delivery", HOST_FOLDER, "runner", "sim", "package-lock.json"];
const UNVERSIONED = "unversioned";
const GIT_LIMIT_MS = 10_000;
const BUNDLE_FOLDER = join(ROOT, ".kimtest/bundles");
/** Archives of earlier updates; none is read again. */
const OLD_MS = 24 * 3_600_000;

export interface RunnerBundle {
  readonly sha256: string;
  /** The archive on this machine. */
  readonly path: string;
}

/** Builds, packs and writes the bundle into a folder that git ignores. */
export async function buildRunnerBundle(): Promise<RunnerBundle> {
  const { archive, sha256 } = pack(await runnerFiles());
  const path = join(BUNDLE_FOLDER, `${sha256}.tar.gz`);
  await mkdir(BUNDLE_FOLDER, { recursive: true });
  await removeOld();
  // Another evaluation may be reading the same name.
  const draft = `${path}.${randomUUID()}.draft`;
  await writeFile(draft, archive);
  await rename(draft, path);
  return { sha256, path };
}

export async function runnerFiles(): Promise<PackedFile[]> {
  const [programs, host, commit] = await Promise.all([programFiles(), hostFiles(), releaseCommit()]);
  const manifest = `${JSON.stringify({ name: "kimtest-runner", private: true, type: "module" })}\n`;
  return [
    ...programs,
    ...host,
    text("package.json", manifest),
    text(
      RELEASE_COMMIT_FILE,
      `${commit}
`,
    ),
  ];
}

const text = (path: string, content: string): PackedFile => ({
  path,
  content: Buffer.from(content),
  executable: false,
});

/**
 * The newest commit that changed what is delivered, with `-dirty` when there are changes since; so that a commit to
 * the documentation delivers nothing. Without git or its history, `unversioned`: the runner says so in its digest.
 */
async function releaseCommit(): Promise<string> {
  const git = async (...args: string[]) => {
    const { stdout } = await promisify(execFile)("git", [...args, "--", ...DELIVERED], {
      cwd: ROOT,
      timeout: GIT_LIMIT_MS,
    });
    return stdout.trim();
  };
  try {
    const [commit, changes] = await Promise.all([
      git("log", "-1", "--format=%H"),
      git("status", "--porcelain", "--untracked-files=no"),
    ]);
    if (commit === "") return UNVERSIONED;
    return changes === "" ? commit : `${commit}-dirty`;
  } catch {
    return UNVERSIONED;
  }
}

async function programFiles(): Promise<PackedFile[]> {
  const { build } = await import("esbuild");
  const options = bundleOptions(RUNNER_PROGRAMS);
  const { outputFiles } = await build({ ...options, write: false, sourcemap: false });
  return outputFiles.map(({ path, contents }) => ({
    path: relative(join(ROOT, options.outdir), path).replaceAll("\\", "/"),
    content: contents,
    executable: false,
  }));
}

/** Everything but TypeScript, which runs where Pulumi runs. */
async function hostFiles(): Promise<PackedFile[]> {
  const folder = join(ROOT, HOST_FOLDER);
  const names = (await readdir(folder)).filter((name) => !name.endsWith(".ts") && !name.startsWith("."));
  if (!names.includes("bootstrap.sh")) {
    throw new KimtestError("BAD_INPUT", `${HOST_FOLDER}/bootstrap.sh is missing: a machine could not set itself up`);
  }
  return Promise.all(
    names.map(async (name) => ({
      path: `host/${name}`,
      content: await readFile(join(folder, name)),
      executable: name.endsWith(".sh"),
    })),
  );
}

async function removeOld(): Promise<void> {
  const nowMs = Date.now();
  for (const name of await readdir(BUNDLE_FOLDER)) {
    const path = join(BUNDLE_FOLDER, name);
    const found = await stat(path).catch(goneMeanwhile);
    if (found !== undefined && found.mtimeMs < nowMs - OLD_MS) await rm(path, { force: true });
  }
}

/** Another evaluation has renamed its draft, or removed the same old archive. */
function goneMeanwhile(error: unknown): undefined {
  if (systemCodeOf(error) !== "ENOENT") throw error;
}
