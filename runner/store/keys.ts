/**
 * Which keys both stores take: those that are one plain file below a folder and one object in a bucket.
 *
 * The rule is the same for both, so that a bucket can be copied into a folder and back, and no key,
 * whatever made it (a fuzz target's name, a file in an archive), can leave the store's root.
 */
import { KimtestError } from "../../contracts/errors.ts";

/** S3's own limit. */
const MAX_KEY_BYTES = 1024;
/** NAME_MAX of common file systems. */
const MAX_SEGMENT_BYTES = 255;
/** Where the folder store keeps unfinished files and locks; hidden from `list`, so closed to keys. */
export const SCRATCH_FOLDER = ".tmp";
/** C0, DEL and the two non-characters that an S3 listing (XML 1.0) cannot carry. */
const isUnprintable = (unit: number): boolean => unit < 0x20 || unit === 0x7f || unit === 0xfffe || unit === 0xffff;

function faultOfText(text: string): string | undefined {
  if (!text.isWellFormed()) return "is not valid Unicode";
  for (let index = 0; index < text.length; index++) {
    if (isUnprintable(text.charCodeAt(index))) return "holds a control character";
  }
  if (Buffer.byteLength(text) > MAX_KEY_BYTES) return `is longer than ${MAX_KEY_BYTES} bytes`;
  return undefined;
}

function faultOfSegment(segment: string): string | undefined {
  if (segment === "") return "has an empty segment (a leading, trailing or double /)";
  if (segment === "." || segment === "..") return `has a segment "${segment}"`;
  if (Buffer.byteLength(segment) > MAX_SEGMENT_BYTES) return `has a segment longer than ${MAX_SEGMENT_BYTES} bytes`;
  return undefined;
}

/** What is wrong with a key, or undefined. */
export function faultOfKey(key: string): string | undefined {
  if (key === "") return "is empty";
  const segments = key.split("/");
  const fault = faultOfText(key) ?? segments.map(faultOfSegment).find((found) => found !== undefined);
  if (fault !== undefined) return fault;
  return segments[0] === SCRATCH_FOLDER ? `lies in "${SCRATCH_FOLDER}/", which is reserved` : undefined;
}

/** What is wrong with a listing prefix, or undefined. The part after the last `/` may be any beginning of a name. */
export function faultOfPrefix(prefix: string): string | undefined {
  const folders = prefix.split("/").slice(0, -1);
  return faultOfText(prefix) ?? folders.map(faultOfSegment).find((found) => found !== undefined);
}

const shown = (text: string): string => JSON.stringify(text.length > 100 ? `${text.slice(0, 100)}…` : text);

/** @throws KimtestError `BAD_INPUT` naming the fault. */
export function assertKey(key: string): void {
  const fault = faultOfKey(key);
  if (fault !== undefined) throw new KimtestError("BAD_INPUT", `object key ${shown(key)} ${fault}`);
}

/** @throws KimtestError `BAD_INPUT` naming the fault. */
export function assertPrefix(prefix: string): void {
  const fault = faultOfPrefix(prefix);
  if (fault !== undefined) throw new KimtestError("BAD_INPUT", `listing prefix ${shown(prefix)} ${fault}`);
}

/** The order of listings: UTF-8 bytes, which differs from `<` on strings beyond the basic plane. */
export function compareKeys(left: string, right: string): number {
  return Buffer.compare(Buffer.from(left), Buffer.from(right));
}
