/** Unsigned 64-bit integers as typed by a person. Kept free of zod: the simulator starts a process per batch. */
import { KimtestError } from "./errors.ts";

export const MAX_U64 = 2n ** 64n - 1n;

/**
 * Reads a whole number from 0 to 2^64 - 1; `what` names it in the message.
 *
 * @throws KimtestError `USAGE` for anything else.
 */
export function parseU64(text: string, what: string): bigint {
  const value = /^\d{1,20}$/.test(text) ? BigInt(text) : undefined;
  if (value === undefined || value > MAX_U64) {
    throw new KimtestError("USAGE", `${what} is "${text}", but must be a whole number from 0 to ${MAX_U64.toString()}`);
  }
  return value;
}
