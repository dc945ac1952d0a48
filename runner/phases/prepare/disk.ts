/**
 * Room for a build: when the disk is nearly full, folders that a build makes again are removed. First the runner's own,
 * the builds of fuzz targets, which the fuzz phase makes anew in its own time; then the profile's, in their order.
 */
import { realpath, rm, statfs } from "node:fs/promises";
import { dirname, join, relative, sep } from "node:path";
import type { Build } from "../../../contracts/profile/source.ts";
import { fuzzBuildFolder } from "../../platform/folders.ts";
import { isMissing } from "../../store/atomic-file.ts";

const GIBIBYTE = 1024 ** 3;

/** Free bytes on the disk of a folder, for whoever is not root. */
export type FreeBytes = (folder: string) => Promise<number>;

export const freeBytesOf: FreeBytes = async (folder) => {
  const { bavail, bsize } = await statfs(folder);
  return bavail * bsize;
};

export interface Room {
  readonly freeGibibytes: number;
  readonly isEnough: boolean;
  /** Folders that were removed. */
  readonly pruned: readonly string[];
}

export interface Places {
  readonly workTree: string;
  readonly stateFolder: string;
}

export async function makeRoom({ workTree, stateFolder }: Places, build: Build, freeBytes: FreeBytes): Promise<Room> {
  const measure = async (): Promise<number> => (await freeBytes(workTree)) / GIBIBYTE;
  const removable = [
    { root: stateFolder, folder: relative(stateFolder, fuzzBuildFolder(stateFolder)), name: "builds of fuzz targets" },
    ...build.prune.map((folder) => ({ root: workTree, folder, name: folder })),
  ];
  const pruned: string[] = [];
  let freeGibibytes = await measure();
  for (const { root, folder, name } of removable) {
    if (freeGibibytes >= build.min_free_gibibytes) break;
    if (!(await removeBelow(root, folder))) continue;
    pruned.push(name);
    freeGibibytes = await measure();
  }
  return { freeGibibytes, isEnough: freeGibibytes >= build.min_free_gibibytes, pruned };
}

/** False when there is nothing of that name. A link in the repository must not lead out of it. */
async function removeBelow(parent: string, folder: string): Promise<boolean> {
  try {
    const root = await realpath(parent);
    const path = join(await realpath(dirname(join(root, folder))), folder.split("/").at(-1) ?? "");
    if (!path.startsWith(root + sep)) return false;
    await rm(path, { recursive: true });
    return true;
  } catch (error) {
    if (isMissing(error)) return false;
    throw error;
  }
}

export function roomText({ pruned, freeGibibytes, isEnough }: Room, build: Build): string | null {
  if (pruned.length === 0 && isEnough) return null;
  const removed = pruned.length === 0 ? "" : `; ${pruned.join(", ")} removed, and built anew`;
  const state = `${freeGibibytes.toFixed(1)} GiB of disk are free`;
  return isEnough
    ? `the disk was nearly full, ${state} now${removed}`
    : `the disk is nearly full: ${state}, ${String(build.min_free_gibibytes)} are wanted${removed}`;
}
