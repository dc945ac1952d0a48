/** Room for a build: when the disk is nearly full, folders that a build makes again are removed, in their order. */
import { realpath, rm, statfs } from "node:fs/promises";
import { dirname, join, sep } from "node:path";
import type { Build } from "../../../contracts/profile/source.ts";
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

export async function makeRoom(workTree: string, build: Build, freeBytes: FreeBytes): Promise<Room> {
  const pruned: string[] = [];
  const left = [...build.prune];
  for (;;) {
    const freeGibibytes = (await freeBytes(workTree)) / GIBIBYTE;
    const isEnough = freeGibibytes >= build.min_free_gibibytes;
    const folder = isEnough ? undefined : left.shift();
    if (folder === undefined) return { freeGibibytes, isEnough, pruned };
    if (await removeBelow(workTree, folder)) pruned.push(folder);
  }
}

/** False when there is nothing of that name. A link in the repository must not lead out of it. */
async function removeBelow(workTree: string, folder: string): Promise<boolean> {
  try {
    const root = await realpath(workTree);
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
