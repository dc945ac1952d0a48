/** Options that several commands share. */
import { Option } from "@commander-js/extra-typings";
import { KimtestError } from "../../contracts/errors.ts";
import { DEFAULT_STORE } from "../../contracts/defaults.ts";
import { WORKLOADS, type Workload } from "../../contracts/workloads.ts";

export const storeOption = (): Option<"--store <location>", undefined, string> =>
  new Option("--store <location>", "where results live: s3://bucket[/prefix] or a folder").default(DEFAULT_STORE);

/** With `fieldsOf` (cli/fields.ts). */
export const fieldsOption = (): Option<"--fields <names>"> =>
  new Option("--fields <names>", "print JSON of these fields only, separated by commas");

/** With `instantText` (cli/times.ts). */
export const utcOption = (): Option<"--utc"> =>
  new Option("--utc", "show times in UTC, not in this machine's time zone");

export const jsonOption = (): Option<"--json"> => new Option("--json", "print JSON");

export const repoOption = (): Option<"--repo <location>"> =>
  new Option("--repo <location>", "URL or path of the repository to test, in place of the profile's");

export const branchOption = (): Option<"--branch <reference>"> =>
  new Option("--branch <reference>", "branch, tag or commit hash to test, in place of the profile's");

export const onlyOption = (): Option<
  "--only <workloads>",
  undefined,
  undefined,
  undefined,
  false,
  readonly Workload[]
> => new Option("--only <workloads>", `run these alone, of ${WORKLOADS.join(", ")}`).argParser(parseOnly);

/** Workloads by their names, with commas between. */
export function parseOnly(text: string): readonly Workload[] {
  const names = text.split(",").map((name) => name.trim());
  const only = WORKLOADS.filter((workload) => names.includes(workload));
  const unknown = names.filter((name) => !WORKLOADS.some((workload) => workload === name));
  if (unknown.length === 0) return only;
  throw new KimtestError("USAGE", `--only is "${text}", but there is no workload "${unknown.join(", ")}"`, {
    hint: `use one or more of ${WORKLOADS.join(",")}`,
  });
}

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
