/** Options that several commands share. */
import { Option } from "@commander-js/extra-typings";
import { DEFAULT_STORE } from "../../contracts/defaults.ts";

export const storeOption = (): Option<"--store <location>", undefined, string> =>
  new Option("--store <location>", "where results live: s3://bucket[/prefix] or a folder").default(DEFAULT_STORE);

export const jsonOption = (): Option<"--json"> => new Option("--json", "print JSON");
