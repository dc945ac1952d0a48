/** The bundle (.kmb) that lies beside the record of a failing seed, on this disk. */
import { existsSync } from "node:fs";
import { basename } from "node:path";
import { BUNDLE_EXTENSION, MAX_BUNDLE_BYTES, MAX_BUNDLE_CONTENT_BYTES } from "../../contracts/bundle-file.ts";
import { bundleIdentitySchema, decodeBundleAs, type BundleIdentity } from "../../contracts/bundle.ts";
import { KimtestError, reasonOf } from "../../contracts/errors.ts";
import { voprFailureSchema } from "../../contracts/failure.ts";
import { readFileIfPresent } from "../../runner/store/atomic-file.ts";
import { decodeJson } from "../../runner/store/read-json.ts";

const RECORD_EXTENSION = ".json";

export const isBundle = (path: string): boolean => path.endsWith(BUNDLE_EXTENSION);

/** Whether the record in this file names a bundle; false for a file that is no record. */
export async function hasBundle(recordPath: string): Promise<boolean> {
  const text = await readFileIfPresent(recordPath);
  try {
    return text !== undefined && decodeJson(text.toString("utf8"), recordPath, voprFailureSchema).bundle_key !== null;
  } catch (error) {
    if (error instanceof KimtestError) return false;
    throw error;
  }
}

/** The bundle beside a record; undefined when there is none. */
export function bundleBeside(recordPath: string): string | undefined {
  if (!recordPath.endsWith(RECORD_EXTENSION)) return undefined;
  const path = recordPath.slice(0, -RECORD_EXTENSION.length) + BUNDLE_EXTENSION;
  return existsSync(path) ? path : undefined;
}

/** @throws KimtestError `NOT_FOUND`, `BAD_INPUT`, `LIMIT_EXCEEDED`, and `USAGE` for what is no bundle. */
export async function readIdentity(path: string): Promise<BundleIdentity> {
  const bytes = await readFileIfPresent(path, MAX_BUNDLE_BYTES).catch((error: unknown) => {
    if (error instanceof KimtestError) throw error;
    throw new KimtestError("BAD_INPUT", `${path} cannot be read: ${reasonOf(error)}`, {
      hint: "name the file itself, as fetch-failure brought it",
      cause: error,
    });
  });
  if (bytes === undefined) {
    throw new KimtestError("NOT_FOUND", `there is no file ${path}`, {
      hint: `fetch-failure brings a record and its bundle: kimtest fetch-failure ${basename(path, BUNDLE_EXTENSION)}`,
    });
  }
  return decodeBundleAs(bytes, path, bundleIdentitySchema, MAX_BUNDLE_CONTENT_BYTES);
}
