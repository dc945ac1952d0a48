/**
 * Walks a folder as if it were a bucket: keys ascending in UTF-8 byte order, one directory in memory at a
 * time per level, whatever cannot be a key (links, sockets, the scratch folder) left out.
 */
import type { Dirent } from "node:fs";
import { readdir } from "node:fs/promises";
import { join } from "node:path";

import { isMissing } from "./atomic-file.ts";
import { compareKeys, faultOfKey } from "./keys.ts";

export interface FoundFile {
  readonly key: string;
  readonly path: string;
}

interface Candidate {
  /** A file's key, or a folder's key prefix ending in `/`: what decides its place in the order. */
  readonly sortKey: string;
  readonly path: string;
  readonly isFolder: boolean;
}

function candidateOf(folder: string, folderKey: string, entry: Dirent): Candidate | undefined {
  const key = folderKey + entry.name;
  if (faultOfKey(key) !== undefined) return undefined;
  const path = join(folder, entry.name);
  if (entry.isFile()) return { sortKey: key, path, isFolder: false };
  if (entry.isDirectory()) return { sortKey: `${key}/`, path, isFolder: true };
  return undefined;
}

/** Whether a key, or some key that begins with a folder's prefix, matches `prefix` and comes after `startAfter`. */
function mayMatch({ sortKey, isFolder }: Candidate, prefix: string, startAfter: string): boolean {
  const inPrefix = sortKey.startsWith(prefix) || (isFolder && prefix.startsWith(sortKey));
  const after = compareKeys(sortKey, startAfter) > 0 || (isFolder && startAfter.startsWith(sortKey));
  return inPrefix && after;
}

async function entriesOf(folder: string): Promise<Dirent[]> {
  try {
    return await readdir(folder, { withFileTypes: true });
  } catch (error) {
    if (isMissing(error)) return []; // no such prefix, or removed while we walk
    throw error;
  }
}

/** Files below `folder`, whose own key prefix is `folderKey` ("" or ending in `/`). */
export async function* walkFolder(
  folder: string,
  folderKey: string,
  prefix: string,
  startAfter: string,
): AsyncGenerator<FoundFile> {
  const candidates = (await entriesOf(folder))
    .map((entry) => candidateOf(folder, folderKey, entry))
    .filter((candidate) => candidate !== undefined)
    .filter((candidate) => mayMatch(candidate, prefix, startAfter))
    .sort((left, right) => compareKeys(left.sortKey, right.sortKey));
  for (const { sortKey, path, isFolder } of candidates) {
    if (isFolder) yield* walkFolder(path, sortKey, prefix, startAfter);
    else yield { key: sortKey, path };
  }
}
