/**
 * The commit of this simulator, which it does not know by itself: it is told by whoever starts it, or by the file
 * that lies beside a delivered program. Nothing is guessed.
 */
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { RELEASE_COMMIT_FILE } from "../contracts/defaults.ts";
import { systemCodeOf } from "../contracts/errors.ts";

/** Set by whoever starts the program and knows. */
export const COMMIT_VARIABLE = "KIMTEST_COMMIT";
export const UNKNOWN_COMMIT = "unknown";

/** A bundled program or chunk lies in this folder or one below it; sources have no such file. */
const BESIDE = ["./", "../"].map((folder) => new URL(`${folder}${RELEASE_COMMIT_FILE}`, import.meta.url));

export function simulatorCommit(environment: NodeJS.ProcessEnv, files: readonly URL[] = BESIDE): string {
  const told = environment[COMMIT_VARIABLE]?.trim() ?? "";
  if (told !== "") return told;
  for (const file of files) {
    const released = firstLine(file);
    if (released !== "") return released;
  }
  return UNKNOWN_COMMIT;
}

function firstLine(file: URL): string {
  try {
    return (readFileSync(fileURLToPath(file), "utf8").split("\n")[0] ?? "").trim();
  } catch (error) {
    if (systemCodeOf(error) === "ENOENT") return "";
    throw error;
  }
}
