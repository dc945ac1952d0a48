/** `kimtest fetch-failure KEY`: brings one archived failure here and says how to reproduce it. */
import { basename, join, resolve } from "node:path";
import { Command } from "@commander-js/extra-typings";
import { DEFAULT_FETCH_FOLDER } from "../../contracts/defaults.ts";
import { KimtestError } from "../../contracts/errors.ts";
import type { CliDeps } from "../deps.ts";
import { jsonOption, storeOption } from "./options.ts";

interface FetchFailureOptions {
  readonly store: string;
  readonly json?: true | undefined;
  readonly to: string;
}

export function fetchFailureCommand(deps: CliDeps) {
  return new Command("fetch-failure")
    .description("Fetch an archived failure.")
    .argument("<key>", "as list-failures shows it, for example vopr/seed-17-1700000000000.json")
    .addOption(storeOption())
    .addOption(jsonOption())
    .option("--to <folder>", "where to put it", DEFAULT_FETCH_FOLDER)
    .addHelpText("after", "\nExample:\n  kimtest fetch-failure vopr/seed-17-1700000000000.json")
    .action((key, options) => fetchFailure(key, options, deps));
}

export async function fetchFailure(typed: string, options: FetchFailureOptions, deps: CliDeps): Promise<void> {
  const [{ openStore }, { failureKeyFrom }, { stringifyJson }, { saveStream }] = await Promise.all([
    import("../../runner/store/open-store.ts"),
    import("../../contracts/bucket.ts"),
    import("../../contracts/json.ts"),
    import("../../runner/store/save-stream.ts"),
  ]);
  // A parsed key holds a seed or a target name and digits: its last part cannot lead out of the folder.
  const { kind, key } = failureKeyFrom(typed);
  const store = await openStore(options.store, { mustExist: true });
  const source = await store.openRead(key);
  if (source === undefined) {
    throw new KimtestError("NOT_FOUND", `${key} is not in ${store.url}`, {
      hint: "`kimtest list-failures` shows what is",
    });
  }
  const path = join(resolve(options.to), basename(key));
  await saveStream(source.stream, path, source.info.size);
  const next = kind === "vopr" ? `npx kimtest vopr-repro ${path}` : `tar -xzOf ${path} failure.json`;
  if (options.json) deps.out(`${stringifyJson({ key, path, size: source.info.size, next })}\n`);
  else deps.out(`${path}\n`);
  deps.err(kind === "vopr" ? `reproduce it: ${next}\n` : `look at it: ${next}\n`);
}
