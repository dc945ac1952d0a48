/**
 * The commit of this simulator, which it does not know by itself: it is told by whoever starts it, or by the file
 * that lies beside a delivered program. Nothing is guessed.
 */
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { COMMIT_VARIABLE, RELEASE_COMMIT_FILE } from "../contracts/defaults.ts";
import { systemCodeOf } from "../contracts/errors.ts";

export const UNKNOWN_COMMIT = "unknown";

/** The bundler puts this module into a delivered program or into a chunk below it; beside sources there is no such file. */
const RELEASE = new URL(
  `${import.meta.url.includes("/chunks/") ? "../" : "./"}${RELEASE_COMMIT_FILE}`,
  import.meta.url,
);

export function simulatorCommit(environment: NodeJS.ProcessEnv, release: URL = RELEASE): string {
  const told = environment[COMMIT_VARIABLE]?.trim() ?? "";
  if (told !== "") return told;
  const released = firstLine(release);
  return released === "" ? UNKNOWN_COMMIT : released;
}

function firstLine(file: URL): string {
  try {
    return (readFileSync(fileURLToPath(file), "utf8").split("\n")[0] ?? "").trim();
  } catch (error) {
    if (systemCodeOf(error) === "ENOENT") return "";
    throw error;
  }
}
