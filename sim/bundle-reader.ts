/**
 * Reading a bundle (bundle.ts) that may come from anywhere. Apart from the writing, and loaded only when one is
 * read, because checking it takes a library that would slow every start.
 */
import { createHash } from "node:crypto";
import { openSync, closeSync, fstatSync, readFileSync } from "node:fs";
import { inflateSync } from "node:zlib";
import { z } from "zod";
import { KimtestError, reasonOf } from "../contracts/errors.ts";
import { parseJson } from "../contracts/json.ts";
import { seedSchema } from "../contracts/seed.ts";
import { CHECKED_FROM, CHECKSUM_AT, HEADER_BYTES, MAGIC, VERSION, type Bundle } from "./bundle.ts";
import { CHOICE_NAMES, PLACE_NAMES, type Choice, type DecisionLog } from "./decisions/decisions.ts";
import { TRACE_TYPES, type TraceType } from "./trace.ts";

/** A run has at most some four million decisions (scheduler.ts), and they take less: what is larger is none of ours. */
const MAX_FILE_BYTES = 64 * 1024 * 1024;
const MAX_CONTENT_BYTES = 256 * 1024 * 1024;

/** More draws than that no stream of a run makes; to go there would take for ever. */
const MAX_POSITION = 2 ** 26;

const whole = z.int().nonnegative();
const position = whole.max(MAX_POSITION);
const fields = z.union([z.string(), z.number(), z.boolean()]);
const typeSchema = z.enum(Object.keys(TRACE_TYPES) as [TraceType, ...TraceType[]]);

const bundleSchema = z.object({
  seed: seedSchema,
  scenario: z.string(),
  commit: z.string(),
  flags: z.array(z.string()),
  failure: z.object({ invariant: z.string(), message: z.string() }),
  events: whole,
  simulated_time_us: whole,
  replicas: z.array(
    z.object({ replica: whole, status: z.string(), view: whole, op: whole, commit: whole, checkpoint: whole }),
  ),
  trace: z.array(z.object({ seq: whole, event: whole, time_us: whole, type: typeSchema }).catchall(fields)),
  decisions: z
    .object({
      positions: z.partialRecord(z.enum(PLACE_NAMES as [string, ...string[]]), z.record(z.string(), z.array(position))),
      taken: z.array(z.tuple([z.enum(CHOICE_NAMES as [Choice, ...Choice[]]), whole, whole, whole])),
      whole: z.boolean(),
    })
    .nullable(),
  minimized_from: z.object({ events: whole, decisions: whole }).nullable(),
});

/** @throws KimtestError `USAGE` (exit code 2) for what is no bundle, of another version, cut short or damaged. */
export function decodeBundle(bytes: Buffer, name: string): Bundle {
  if (bytes.length < MAGIC.length || bytes.subarray(0, MAGIC.length).toString("latin1") !== MAGIC) {
    throw unusable(name, "is no bundle of this program", "bundles are written with --bundle-out and end in .kmb");
  }
  const version = bytes[MAGIC.length] ?? 0;
  if (version > VERSION) {
    throw unusable(name, `is of version ${version}, this program reads ${VERSION}`, "use a newer release");
  }
  if (version < VERSION && bytes.length >= HEADER_BYTES) {
    throw unusable(name, `is of version ${version}, this program reads ${VERSION}`, "use the release that wrote it");
  }
  const length = bytes.length < HEADER_BYTES ? 0 : bytes.readUInt32LE(CHECKED_FROM);
  const missing = HEADER_BYTES + length - bytes.length;
  if (missing > 0) {
    const atLeast = bytes.length < HEADER_BYTES ? "at least " : "";
    throw unusable(name, `is cut short: ${atLeast}${missing} bytes are missing`, "fetch it again");
  }
  const checksum = createHash("sha256").update(bytes.subarray(CHECKED_FROM)).digest();
  if (!checksum.equals(bytes.subarray(CHECKSUM_AT, CHECKED_FROM))) {
    throw unusable(name, "is damaged: its checksum does not fit", "fetch it again");
  }
  return contentOf(bytes.subarray(HEADER_BYTES), name);
}

function contentOf(content: Buffer, name: string): Bundle {
  let json: unknown;
  try {
    json = parseJson(inflateSync(content, { maxOutputLength: MAX_CONTENT_BYTES }).toString("utf8"), "its content");
  } catch (error) {
    throw unusable(name, `cannot be unpacked: ${reasonOf(error)}`, "bundles are written with --bundle-out", error);
  }
  const parsed = bundleSchema.safeParse(json);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  const where = issue === undefined ? "" : `: ${issue.path.join(".")} ${issue.message}`;
  throw unusable(name, `has another content than a bundle${where}`, "bundles are written with --bundle-out");
}

/** @throws KimtestError `USAGE` as `decodeBundle`, and for a file that cannot be read or is far too large. */
export function readBundle(path: string): Bundle {
  return decodeBundle(bytesOf(path), path);
}

function bytesOf(path: string): Buffer {
  let file: number | undefined;
  try {
    file = openSync(path, "r");
    const { size } = fstatSync(file);
    if (size <= MAX_FILE_BYTES) return readFileSync(file);
  } catch (error) {
    throw unusable(path, `cannot be read: ${reasonOf(error)}`, "name a bundle", error);
  } finally {
    if (file !== undefined) closeSync(file);
  }
  throw unusable(path, `is larger than any bundle (${MAX_FILE_BYTES} bytes)`, "name a bundle");
}

function unusable(name: string, what: string, hint: string, cause?: unknown): KimtestError {
  return new KimtestError("USAGE", `${name} ${what}`, { hint, cause });
}

/** The decisions of a bundle as a run follows them; null when it carries none. */
export function logOf({ decisions }: Bundle): DecisionLog | null {
  if (decisions === null) return null;
  const { positions, taken, whole: isWhole } = decisions;
  const decoded = taken.map(([choice, index, number, timeUs]) => ({ choice: choice as Choice, index, number, timeUs }));
  return { positions, taken: decoded, whole: isWhole };
}
