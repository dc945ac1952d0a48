/**
 * Bundles (.kmb) as files: whoever writes one packs it here, whoever is given one unpacks it here. What is in one says
 * bundle.ts. (Kimberlite's own .kmb has neither magic nor version nor checksum, and its binary never writes one; this
 * format is ours.)
 *
 *   bytes 0-3    "KMB1"
 *   byte  4      version of the content
 *   bytes 5-36   SHA-256 of what follows
 *   bytes 37-40  length of the content in bytes, the lowest first
 *   bytes 41-    the content: JSON, compressed with zlib's deflate
 */
import { createHash } from "node:crypto";
import { deflateSync, inflateSync } from "node:zlib";
import { KimtestError, reasonOf } from "./errors.ts";
import { parseJson, stringifyJson } from "./json.ts";

export const BUNDLE_EXTENSION = ".kmb";

/** A run has at most some four million decisions, and they take less: what is larger is none of ours. */
export const MAX_BUNDLE_BYTES = 64 * 1024 * 1024;
export const MAX_BUNDLE_CONTENT_BYTES = 256 * 1024 * 1024;

const MAGIC = "KMB1";
const VERSION = 2;
const CHECKSUM_AT = 5;
const CHECKED_FROM = 37;
const HEADER_BYTES = 41;

export function packBundle(value: unknown): Buffer {
  const content = deflateSync(Buffer.from(stringifyJson(value, 0)));
  const length = Buffer.alloc(HEADER_BYTES - CHECKED_FROM);
  length.writeUInt32LE(content.length);
  const checksum = createHash("sha256").update(length).update(content).digest();
  return Buffer.concat([Buffer.from(MAGIC), Buffer.from([VERSION]), checksum, length, content]);
}

/**
 * The content, not yet checked. `name` stands for the bundle in messages.
 *
 * @throws KimtestError `USAGE` (exit code 2) for what is no bundle, of another version, cut short, damaged, or of more
 *   than `maxContentBytes`.
 */
export function unpackBundle(bytes: Buffer, name: string, maxContentBytes: number): unknown {
  if (bytes.length < MAGIC.length || bytes.subarray(0, MAGIC.length).toString("latin1") !== MAGIC) {
    throw unusableBundle(name, "is no bundle of this program", "bundles are written with --bundle-out and end in .kmb");
  }
  const version = bytes[MAGIC.length] ?? 0;
  if (version > VERSION) {
    throw unusableBundle(name, `is of version ${version}, this program reads ${VERSION}`, "use a newer release");
  }
  if (version < VERSION && bytes.length >= HEADER_BYTES) {
    throw unusableBundle(
      name,
      `is of version ${version}, this program reads ${VERSION}`,
      "use the release that wrote it",
    );
  }
  const length = bytes.length < HEADER_BYTES ? 0 : bytes.readUInt32LE(CHECKED_FROM);
  const missing = HEADER_BYTES + length - bytes.length;
  if (missing > 0) {
    const atLeast = bytes.length < HEADER_BYTES ? "at least " : "";
    throw unusableBundle(name, `is cut short: ${atLeast}${missing} bytes are missing`, "fetch it again");
  }
  const checksum = createHash("sha256").update(bytes.subarray(CHECKED_FROM)).digest();
  if (!checksum.equals(bytes.subarray(CHECKSUM_AT, CHECKED_FROM))) {
    throw unusableBundle(name, "is damaged: its checksum does not fit", "fetch it again");
  }
  try {
    const content = inflateSync(bytes.subarray(HEADER_BYTES), { maxOutputLength: maxContentBytes });
    return parseJson(content.toString("utf8"), "its content");
  } catch (error) {
    throw unusableBundle(
      name,
      `cannot be unpacked: ${reasonOf(error)}`,
      "bundles are written with --bundle-out",
      error,
    );
  }
}

export function unusableBundle(name: string, what: string, hint: string, cause?: unknown): KimtestError {
  return new KimtestError("USAGE", `${name} ${what}`, { hint, cause });
}
