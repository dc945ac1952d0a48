/**
 * Finds what Criterion wrote: `GROUP[/FUNCTION][/PARAMETER]/new/` with `benchmark.json`, `estimates.json` and
 * `sample.json` in it. Beside `new` stand `base`, `change`, `report` and baselines with names of their own; a
 * benchmark may be called `new` itself, so a folder counts only if it is called so and holds one of the files.
 */
import { lstat, readdir } from "node:fs/promises";
import { join, relative } from "node:path";
import { KimtestError, systemCodeOf } from "../../contracts/errors.ts";

export const CRITERION_FILES = ["benchmark.json", "estimates.json", "sample.json"] as const;
export type CriterionFile = (typeof CRITERION_FILES)[number];

/** Group, function, parameter, `new`, and one to spare. */
const MAX_DEPTH = 5;
const MAX_FOLDERS = 20_000;

export interface CriterionFolder {
  /** The benchmark's folder, without `new`, relative to Criterion's. */
  readonly name: string;
  /** Absolute, with `new`. */
  readonly path: string;
  /** Last change of each file, Unix milliseconds; files that are not there are missing here. */
  readonly modifiedMs: ReadonlyMap<CriterionFile, number>;
}

/**
 * Sorted by name; undefined when there is no such folder.
 *
 * @throws KimtestError `LIMIT_EXCEEDED` when the tree is far larger than Criterion's ever is.
 */
export async function criterionFolders(root: string): Promise<CriterionFolder[] | undefined> {
  const found: CriterionFolder[] = [];
  let visited = 0;

  async function visit(path: string, depth: number): Promise<void> {
    visited += 1;
    if (visited > MAX_FOLDERS) {
      throw new KimtestError("LIMIT_EXCEEDED", `${root} has more than ${MAX_FOLDERS} folders`, {
        hint: "point the profile at target/criterion, not at a whole target folder, or remove old results",
      });
    }
    const entries = await readdir(path, { withFileTypes: true });
    const files = CRITERION_FILES.filter((name) => entries.some((entry) => entry.isFile() && entry.name === name));
    const isResult = depth > 0 && /[\\/]new$/.test(path) && files.length > 0;
    if (isResult) {
      const modified = await Promise.all(
        files.map(async (name) => [name, (await lstat(join(path, name))).mtimeMs] as const),
      );
      found.push({ name: relative(root, join(path, "..")), path, modifiedMs: new Map(modified) });
    }
    if (depth === MAX_DEPTH) return;
    for (const entry of entries) if (entry.isDirectory()) await visit(join(path, entry.name), depth + 1);
  }

  try {
    await visit(root, 0);
  } catch (error) {
    if (systemCodeOf(error) === "ENOENT" && visited <= 1) return undefined;
    throw error;
  }
  return found.sort((a, b) => (a.name < b.name ? -1 : 1));
}
