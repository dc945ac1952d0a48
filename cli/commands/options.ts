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
  new Option("--profile <profile>", "what to test: embedded, kimberlite, or the path of a profile file").default(
    "embedded",
  );
