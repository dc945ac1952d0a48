/**
 * JSON that keeps every digit of an integer.
 *
 * Seeds are unsigned 64-bit integers and travel as plain JSON numbers; `JSON.parse` alone rounds those
 * above 2^53. `parseJson` returns such integers as `bigint` (all others stay `number`), `stringifyJson`
 * writes a `bigint` as a plain number. Both rest on "JSON.parse source text access"
 * (https://github.com/tc39/proposal-json-parse-with-source).
 */
import { KimtestError, reasonOf } from "./errors.ts";
import { parseWithEscapedKeys } from "./escaped-keys.ts";

declare global {
  interface JSON {
    /** A value that `JSON.stringify` writes as exactly this text. */
    rawJSON(text: string): { rawJSON: string };
  }
}

interface ReviverContext {
  /** The literal as written; present for primitives only. */
  source?: string;
}

const INTEGER = /^-?\d+$/;
/** 2^53 has 16 digits: text without such a run needs no exact parsing, and the reviver is slow. */
const LONG_DIGITS = /\d{16}/;

function keepInteger(this: unknown, _key: string, value: unknown, context?: ReviverContext): unknown {
  if (typeof value !== "number" || Number.isSafeInteger(value)) return value;
  const source = context?.source;
  return source !== undefined && INTEGER.test(source) ? BigInt(source) : value;
}

/**
 * Parses JSON text; integers beyond ±(2^53 - 1) come back as `bigint`.
 *
 * @throws KimtestError `CORRUPT_DATA` naming `what` when the text is not JSON.
 */
export function parseJson(text: string, what: string): unknown {
  try {
    return parseWithEscapedKeys(text, parseNatively);
  } catch (error) {
    throw new KimtestError("CORRUPT_DATA", `${what} is not valid JSON: ${reasonOf(error)}`, { cause: error });
  }
}

const parseNatively = (text: string): unknown =>
  LONG_DIGITS.test(text) ? (JSON.parse(text, keepInteger) as unknown) : (JSON.parse(text) as unknown);

function bigintAsNumber(_key: string, value: unknown): unknown {
  return typeof value === "bigint" ? JSON.rawJSON(value.toString()) : value;
}

/** JSON text with `bigint` written as a plain number. `indent` is in spaces; 0 gives one line. */
export function stringifyJson(value: unknown, indent = 2): string {
  return JSON.stringify(value, bigintAsNumber, indent);
}
