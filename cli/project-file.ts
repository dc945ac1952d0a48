/**
 * `kimtest.json`: what a checkout says once, so that nobody has to type it: which stack, where, as whom.
 *
 * Looked for in a folder and above it, as Git and Pulumi look for theirs. What it may say: contracts/project-file.ts.
 */
import { constants } from "node:fs";
import { open } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { KimtestError, reasonOf, systemCodeOf } from "../contracts/errors.ts";
import { parseJson } from "../contracts/json.ts";
import { projectFileSchema, type ProjectSettings } from "../contracts/project-file.ts";
import { bareName } from "./infra/stack-name.ts";

export const PROJECT_FILE = "kimtest.json";

/** As the file says it; a folder in `store` is absolute. */
export interface ProjectFile extends ProjectSettings {
  readonly path: string;
}

const MAX_BYTES = 64 * 1024;

/** undefined where there is none. @throws KimtestError `BAD_INPUT` with every fault of the file. */
export async function readProjectFile(start: string): Promise<ProjectFile | undefined> {
  for (let folder = resolve(start); ; folder = dirname(folder)) {
    const path = join(folder, PROJECT_FILE);
    const text = await textOf(path);
    if (text !== undefined) return checked(text, path);
    if (dirname(folder) === folder) return undefined;
  }
}

async function textOf(path: string): Promise<string | undefined> {
  let handle;
  try {
    // Without O_NONBLOCK a named pipe would be waited for.
    handle = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
    const { size } = await handle.stat();
    if (size > MAX_BYTES) throw faulty(path, `it is larger than ${String(MAX_BYTES)} bytes`);
    return await handle.readFile("utf8");
  } catch (error) {
    if (["ENOENT", "ENOTDIR"].includes(systemCodeOf(error) ?? "")) return undefined;
    throw error instanceof KimtestError ? error : faulty(path, reasonOf(error), error);
  } finally {
    await handle?.close();
  }
}

function checked(text: string, path: string): ProjectFile {
  let data: unknown;
  try {
    data = parseJson(text, path);
  } catch (error) {
    throw faulty(path, reasonOf(error).replace(`${path} `, ""), error);
  }
  const read = projectFileSchema.safeParse(data);
  if (!read.success) {
    // Names only: what somebody has written there by mistake may be a secret.
    const faults = read.error.issues.map((issue) =>
      [issue.path.join("."), issue.message].filter((part) => part !== "").join(": "),
    );
    throw faulty(path, faults.join("; "));
  }
  const { stack, region, profile, store } = read.data;
  if (stack !== undefined) bareName(stack, `stack in ${path}`);
  const isFolder = store !== undefined && !store.includes("://");
  return { path, stack, region, profile, store: isFolder ? resolve(dirname(path), store) : store };
}

const faulty = (path: string, what: string, cause?: unknown): KimtestError =>
  new KimtestError("BAD_INPUT", `${path} cannot be used: ${what}`, {
    hint: 'it may say "stack", "region", "profile" and "store", all as text; docs/reading-results.md',
    cause,
  });
