/** Options that several commands share. */
import { Option } from "@commander-js/extra-typings";
import { KimtestError } from "../../contracts/errors.ts";
import { DEFAULT_STORE } from "../../contracts/defaults.ts";

export const storeOption = (): Option<"--store <location>", undefined, string> =>
  new Option("--store <location>", "where results live: s3://bucket[/prefix] or a folder").default(DEFAULT_STORE);

/** With `fieldsOf` (cli/fields.ts). */
export const fieldsOption = (): Option<"--fields <names>"> =>
  new Option("--fields <names>", "print JSON of these fields only, separated by commas");

/** With `instantText` (cli/times.ts). */
export const utcOption = (): Option<"--utc"> =>
  new Option("--utc", "show times in UTC, not in this machine's time zone");

export const jsonOption = (): Option<"--json"> => new Option("--json", "print JSON");

const MAX_WORKERS = 1_024;

export const workersOption = (): Option<"--workers <count>", undefined, undefined, undefined, false, number> =>
  new Option("--workers <count>", "processes at the same time (default: one per core)").argParser((text) => {
    const workers = /^\d{1,4}$/.test(text) ? Number(text) : 0;
    if (workers >= 1 && workers <= MAX_WORKERS) return workers;
    throw new KimtestError(
      "USAGE",
      `--workers is "${text}", but must be a whole number from 1 to ${String(MAX_WORKERS)}`,
    );
  });

export const profileOption = (): Option<"--profile <profile>", undefined, string> =>
  new Option("--profile <profile>", "what to test: embedded, or the path of a profile file").default("embedded");

const UNIT_MS: Record<string, number> = { s: 1_000, m: 60_000, h: 3_600_000 };
const MIN_DURATION_MS = 1_000;
const MAX_DURATION_MS = 14 * 24 * 3_600_000;

/** Reads the value of an option that is a length of time. */
export function parseDurationMs(option: string, text: string): number {
  const match = /^(\d+(?:\.\d+)?)([smh])$/.exec(text);
  const ms = match === null ? 0 : Number(match[1]) * (UNIT_MS[match[2] ?? ""] ?? 0);
  if (ms >= MIN_DURATION_MS && ms <= MAX_DURATION_MS) return ms;
  throw new KimtestError("USAGE", `${option} is "${text}", but must be 1s to 336h`, {
    hint: "for example 90s, 30m or 48h",
  });
}
