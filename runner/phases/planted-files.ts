/** Writes the sources of a planted bug, which a profile holds as text. */
import { mkdir, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { plantedFolder } from "../platform/folders.ts";

/** Returns the folder; it holds these files and nothing of an earlier attempt. `files`: by path relative to it. */
export async function plantFiles(
  stateFolder: string,
  workload: string,
  files: Readonly<Record<string, string>>,
): Promise<string> {
  const folder = plantedFolder(stateFolder, workload);
  await rm(folder, { recursive: true, force: true });
  for (const [path, text] of Object.entries(files)) {
    const place = join(folder, path);
    await mkdir(dirname(place), { recursive: true });
    await writeFile(place, text);
  }
  return folder;
}
