/** Puts this very kimtest, and the Node.js that runs it, where a service can rely on them. */
import { createHash } from "node:crypto";
import { chmod, copyFile, mkdir, readdir, readFile, rename, rm, stat, symlink, writeFile } from "node:fs/promises";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { RELEASE_COMMIT_FILE } from "../../contracts/defaults.ts";
import { KimtestError, systemCodeOf } from "../../contracts/errors.ts";
import { readCommit } from "../../runner/phases/prepare/commit.ts";

/** The one that runs, and the one before it. */
const KEPT_RELEASES = 2;
const MAX_FILES = 2_000;

/** The folder of our bundle: `kimtest.js` and what it loads. */
export function bundleFolder(): string {
  if (import.meta.url.endsWith(".ts")) return fileURLToPath(new URL("../../dist/", import.meta.url));
  return fileURLToPath(new URL(import.meta.url.includes("/chunks/") ? "../" : "./", import.meta.url));
}

/** Returns the release's name, the beginning of its content's SHA-256. Nothing that runs is touched. */
export async function installRelease(programFolder: string, bundle: string, stop: AbortSignal): Promise<string> {
  const files = await bundleFiles(bundle);
  const { commit } = await readCommit(join(bundle, ".."), stop);
  const name = await contentHash(bundle, files, commit);
  const folder = join(programFolder, "releases", name);
  if (!(await exists(folder))) {
    const draft = `${folder}.draft`;
    await rm(draft, { recursive: true, force: true });
    for (const file of files) {
      await mkdir(dirname(join(draft, file)), { recursive: true });
      await copyFile(join(bundle, file), join(draft, file));
    }
    await writeFile(join(draft, RELEASE_COMMIT_FILE), `${commit}\n`);
    await rename(draft, folder);
  }
  await installNode(programFolder);
  await pointTo(join(programFolder, "current"), folder);
  return name;
}

async function bundleFiles(bundle: string): Promise<string[]> {
  const entries = await readdir(bundle, { recursive: true, withFileTypes: true }).catch((error: unknown) => {
    if (systemCodeOf(error) === "ENOENT") return [];
    throw error;
  });
  const files = entries
    .filter((entry) => entry.isFile() && /\.(js|json)$/.test(entry.name))
    .map((entry) => relative(bundle, join(entry.parentPath, entry.name)))
    .sort();
  if (!files.includes("kimtest.js") || files.length > MAX_FILES) {
    throw new KimtestError("NOT_FOUND", `${bundle} is not a whole build of kimtest`, { hint: "npm run build" });
  }
  return files;
}

async function contentHash(bundle: string, files: readonly string[], commit: string): Promise<string> {
  const hash = createHash("sha256").update(commit);
  for (const file of files) hash.update(`\n${file}\n`).update(await readFile(join(bundle, file)));
  return hash.digest("hex").slice(0, 16);
}

/** A copy: the one that npm keeps in a checkout goes away with it. */
async function installNode(programFolder: string): Promise<void> {
  const path = join(programFolder, "node");
  const draft = `${path}.draft`;
  await copyFile(process.execPath, draft);
  await chmod(draft, 0o755);
  await rename(draft, path);
}

async function pointTo(link: string, target: string): Promise<void> {
  const draft = `${link}.draft`;
  await rm(draft, { force: true });
  await symlink(target, draft);
  await rename(draft, link);
}

/** To be called when the service runs the release: what it ran before loads its parts as it needs them. */
export async function removeOldReleases(programFolder: string, current: string): Promise<void> {
  const folder = join(programFolder, "releases");
  const others = (await readdir(folder)).filter((name) => name !== current);
  const dated = await Promise.all(
    others.map(async (name) => ({ name, atMs: (await stat(join(folder, name))).mtimeMs })),
  );
  const old = dated.sort((a, b) => b.atMs - a.atMs).slice(KEPT_RELEASES - 1);
  for (const { name } of old) await rm(join(folder, name), { recursive: true, force: true });
}

async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}
