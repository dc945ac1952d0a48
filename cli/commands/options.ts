/** Options that several commands share. */
import { Option } from "@commander-js/extra-typings";
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
