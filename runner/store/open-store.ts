/**
 * From what a person types (`--store s3://bucket/prefix`, `--store .kimtest/store`) to an open store.
 *
 * The S3 module is imported only for an s3:// location: it takes most of a second, which every command on
 * a folder store would pay.
 */
import { stat } from "node:fs/promises";
import { resolve } from "node:path";

import { KimtestError } from "../../contracts/errors.ts";
import { isMissing } from "./atomic-file.ts";
import { FolderStore } from "./folder-store.ts";
import { faultOfKey } from "./keys.ts";
import type { ObjectStore } from "./object-store.ts";

export type StoreLocation =
  | { readonly kind: "s3"; readonly bucket: string; readonly prefix: string }
  | { readonly kind: "folder"; readonly path: string };

export interface OpenStoreOptions {
  /** Refuse a folder that does not exist yet; for commands that only read. */
  readonly mustExist?: boolean;
  /** Of a bucket; undefined for what the environment says. */
  readonly region?: string | undefined;
  readonly profile?: string | undefined;
  /** Of a bucket, for whoever waits at a terminal: less than the runner's own patience. */
  readonly requestTimeoutMs?: number;
  readonly maxAttempts?: number;
}

const URL_SCHEME = /^[A-Za-z][A-Za-z0-9+.-]*:\/\//;
/** https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html */
const BUCKET = /^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/;
const HINT = "give s3://bucket, s3://bucket/prefix or the path of a folder";

function badLocation(location: string, reason: string): KimtestError {
  return new KimtestError("USAGE", `store "${location}" ${reason}`, { hint: HINT });
}

/** Pure, except that a relative path is taken from the working directory. @throws KimtestError `USAGE`. */
export function parseStoreLocation(location: string): StoreLocation {
  if (location.trim() === "" || location.includes("\0")) throw badLocation(location, "is not a location");
  if (!URL_SCHEME.test(location)) return { kind: "folder", path: resolve(location) };
  if (!location.startsWith("s3://")) throw badLocation(location, "is neither s3:// nor a folder");
  const [bucket = "", ...rest] = location.slice("s3://".length).replace(/\/$/, "").split("/");
  if (bucket === "") throw badLocation(location, "names no bucket");
  if (!BUCKET.test(bucket)) throw badLocation(location, `names "${bucket}", which cannot be a bucket`);
  const prefix = rest.join("/");
  const fault = prefix === "" ? undefined : faultOfKey(prefix);
  if (fault !== undefined) throw badLocation(location, `has a prefix that ${fault}`);
  return { kind: "s3", bucket, prefix };
}

async function assertFolder(path: string, mustExist: boolean): Promise<void> {
  try {
    if ((await stat(path)).isDirectory()) return;
  } catch (error) {
    if (!isMissing(error)) throw error;
    if (!mustExist) return;
    throw new KimtestError("NOT_FOUND", `there is no store at ${path}`, {
      hint: "run `npm run cycle` first, or name another with --store s3://bucket or --store PATH",
      cause: error,
    });
  }
  throw badLocation(path, "is a file, not a folder");
}

/**
 * Opens a store; a bucket is not asked for anything yet.
 *
 * @throws KimtestError `USAGE` for a location that can be no store, `NOT_FOUND` with `mustExist`.
 */
export async function openStore(
  location: string,
  { mustExist = false, ...limits }: OpenStoreOptions = {},
): Promise<ObjectStore> {
  const parsed = parseStoreLocation(location);
  if (parsed.kind === "folder") {
    await assertFolder(parsed.path, mustExist);
    return new FolderStore(parsed.path);
  }
  const { S3Store } = await import("./s3-store.ts");
  return new S3Store({ ...parsed, ...limits });
}
