/** Whole numbers on a command line. */
import { KimtestError } from "../contracts/errors.ts";

/** @throws KimtestError `USAGE` for what is no whole number, or out of range. */
export function wholeNumber(text: string, what: string, low: number, high: number): number {
  const value = /^\d{1,15}$/.test(text) ? Number(text) : NaN;
  if (value >= low && value <= high) return value;
  throw new KimtestError("USAGE", `${what} is "${text}", but must be a whole number from ${low} to ${high}`, {
    hint: "write it in digits alone",
  });
}
