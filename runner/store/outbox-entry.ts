/**
 * The file format of one waiting put.
 *
 * ```
 * kimtest-outbox 1 SHA256\n      of everything that follows
 * {"sequence":…,"key":…,…}\n
 * BODY
 * ```
 *
 * Everything that delivery needs is in the one file, and one checksum covers all of it: a damaged file is
 * noticed before anything of it reaches the store.
 */
import { createHash } from "node:crypto";

import { z } from "zod";

import { KimtestError } from "../../contracts/errors.ts";
import { parseJson } from "../../contracts/json.ts";
import { faultOfKey } from "./keys.ts";

const FIRST_LINE = /^kimtest-outbox 1 ([0-9a-f]{64})$/;
const NEWLINE = 0x0a;
/** A key has at most 1024 bytes, in JSON at most six times as many. */
export const MAX_HEADER_BYTES = 8 * 1024;

const headerSchema = z.strictObject({
  sequence: z.int().positive(),
  key: z.string().refine((key) => faultOfKey(key) === undefined),
  /** May be replaced by a later put of the same key while it waits. */
  supersedes: z.boolean(),
  bodyBytes: z.int().nonnegative(),
});

export type EntryHeader = Readonly<z.infer<typeof headerSchema>>;

export interface DecodedHeader {
  readonly header: EntryHeader;
  /** Where the body starts in the file. */
  readonly bodyOffset: number;
  readonly sha256: string;
}

export function encodeEntry(header: EntryHeader, body: Buffer): Buffer[] {
  const headerLine = Buffer.from(`${JSON.stringify(header)}\n`);
  const sha256 = createHash("sha256").update(headerLine).update(body).digest("hex");
  return [Buffer.from(`kimtest-outbox 1 ${sha256}\n`), headerLine, body];
}

const corrupt = (what: string, reason: string): KimtestError => new KimtestError("CORRUPT_DATA", `${what} ${reason}`);

/**
 * Reads the header from the beginning of an entry file (`MAX_HEADER_BYTES` of it are enough). The checksum
 * is not verified here.
 *
 * @throws KimtestError `CORRUPT_DATA` naming `what`.
 */
export function decodeHeader(start: Buffer, what: string): DecodedHeader {
  const firstEnd = start.indexOf(NEWLINE);
  const secondEnd = start.indexOf(NEWLINE, firstEnd + 1);
  const sha256 = FIRST_LINE.exec(start.toString("utf8", 0, Math.max(firstEnd, 0)))?.[1];
  if (sha256 === undefined || secondEnd === -1) throw corrupt(what, "does not begin like an outbox entry");
  const parsed = headerSchema.safeParse(parseJson(start.toString("utf8", firstEnd + 1, secondEnd), what));
  if (!parsed.success) throw corrupt(what, `has a bad header: ${z.prettifyError(parsed.error)}`);
  return { header: parsed.data, bodyOffset: secondEnd + 1, sha256 };
}

/** @throws KimtestError `CORRUPT_DATA` naming `what` when anything is not as it was written. */
export function decodeEntry(file: Buffer, what: string): { header: EntryHeader; body: Buffer } {
  const { header, bodyOffset, sha256 } = decodeHeader(file, what);
  const body = file.subarray(bodyOffset);
  if (body.length !== header.bodyBytes) {
    throw corrupt(what, `has a body of ${String(body.length)} bytes instead of ${String(header.bodyBytes)}`);
  }
  const actual = createHash("sha256")
    .update(file.subarray(file.indexOf(NEWLINE) + 1))
    .digest("hex");
  if (actual !== sha256) throw corrupt(what, "does not match its checksum");
  return { header, body };
}

const SEQUENCE_DIGITS = 16;
const FILE_NAME = /^(\d{16})\.entry$/;

/** Sorts as the sequence does. */
export const entryFileName = (sequence: number): string => `${String(sequence).padStart(SEQUENCE_DIGITS, "0")}.entry`;

/** The sequence in a file name, or undefined for another file. */
export function sequenceOf(fileName: string): number | undefined {
  const digits = FILE_NAME.exec(fileName)?.[1];
  return digits === undefined ? undefined : Number(digits);
}
