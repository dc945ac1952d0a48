/** Reads a stored JSON object against its schema: a damaged one is an error that names it, never an empty default. */
import type { z } from "zod";
import { KimtestError } from "../../contracts/errors.ts";
import { parseJson } from "../../contracts/json.ts";
import type { ObjectStore } from "./object-store.ts";

/** Larger JSON objects are refused. */
const MAX_JSON_BYTES = 32 * 1024 * 1024;

export interface ReadJson<T> {
  readonly value: T;
  readonly etag: string;
  readonly modified: Date;
}

/**
 * Undefined when there is no such object.
 *
 * @throws KimtestError `CORRUPT_DATA` when it is not JSON or not of the schema, and what `store.get` throws.
 */
export async function readJson<T>(
  store: ObjectStore,
  key: string,
  schema: z.ZodType<T>,
): Promise<ReadJson<T> | undefined> {
  const object = await store.get(key, { maxBytes: MAX_JSON_BYTES });
  if (object === undefined) return undefined;
  const value = decodeJson(object.body.toString("utf8"), `${store.url}/${key}`, schema);
  return { value, etag: object.etag, modified: object.modified };
}

/** Parses and checks text; `what` names it in errors. */
export function decodeJson<T>(text: string, what: string, schema: z.ZodType<T>): T {
  const parsed = schema.safeParse(parseJson(text, what));
  if (parsed.success) return parsed.data;
  const issues = parsed.error.issues.slice(0, 3).map(({ path, message }) => `${path.join(".") || "(top)"}: ${message}`);
  throw new KimtestError("CORRUPT_DATA", `${what} does not have the expected shape: ${issues.join("; ")}`, {
    hint: "it was damaged or written by another version; move it away after a look, nothing overwrites it",
  });
}
