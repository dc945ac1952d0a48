/** Which Rust toolchains rustup has, by their folders: asking it could make it fetch one. */
import { readdir } from "node:fs/promises";
import { homedir } from "node:os";
import { join } from "node:path";
import { isMissing } from "../store/atomic-file.ts";

export const rustupHome = (env: Readonly<NodeJS.ProcessEnv>): string =>
  env["RUSTUP_HOME"] ?? join(env["HOME"] ?? homedir(), ".rustup");

/** `name`: as it stands behind `cargo +`. A folder has the host behind it, `1.88-x86_64-unknown-linux-gnu`. */
export async function hasToolchain(home: string, name: string): Promise<boolean> {
  const folders = await readdir(join(home, "toolchains")).catch((error: unknown) => {
    if (isMissing(error)) return [];
    throw error;
  });
  return folders.some((folder) => folder.startsWith(name) && /^(-[a-z]|$)/.test(folder.slice(name.length)));
}
