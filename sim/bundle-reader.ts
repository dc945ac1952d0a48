/**
 * Reading a bundle (bundle.ts) that may come from anywhere. Apart from the writing, and loaded only when one is
 * read, because checking it takes a library that would slow every start.
 */
import { openSync, closeSync, fstatSync, readFileSync } from "node:fs";
import { z } from "zod";
import { bundleIdentitySchema, decodeBundleAs } from "../contracts/bundle.ts";
import { MAX_BUNDLE_BYTES, MAX_BUNDLE_CONTENT_BYTES, unusableBundle } from "../contracts/bundle-file.ts";
import { reasonOf } from "../contracts/errors.ts";
import type { Bundle } from "./bundle.ts";
import { CHOICE_NAMES, PLACE_NAMES, type Choice, type DecisionLog } from "./decisions/decisions.ts";
import { TRACE_TYPES, type TraceType } from "./trace.ts";

/** More draws than that no stream of a run makes; to go there would take for ever. */
const MAX_POSITION = 2 ** 26;

const whole = z.int().nonnegative();
const position = whole.max(MAX_POSITION);
const fields = z.union([z.string(), z.number(), z.boolean()]);
const typeSchema = z.enum(Object.keys(TRACE_TYPES) as [TraceType, ...TraceType[]]);

const bundleSchema = z.object({
  ...bundleIdentitySchema.shape,
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
  return decodeBundleAs(bytes, name, bundleSchema, MAX_BUNDLE_CONTENT_BYTES);
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
    if (size <= MAX_BUNDLE_BYTES) return readFileSync(file);
  } catch (error) {
    throw unusableBundle(path, `cannot be read: ${reasonOf(error)}`, "name a bundle", error);
  } finally {
    if (file !== undefined) closeSync(file);
  }
  throw unusableBundle(path, `is larger than any bundle (${MAX_BUNDLE_BYTES} bytes)`, "name a bundle");
}

/** The decisions of a bundle as a run follows them; null when it carries none. */
export function logOf({ decisions }: Bundle): DecisionLog | null {
  if (decisions === null) return null;
  const { positions, taken, whole: isWhole } = decisions;
  const decoded = taken.map(([choice, index, number, timeUs]) => ({ choice: choice as Choice, index, number, timeUs }));
  return { positions, taken: decoded, whole: isWhole };
}
