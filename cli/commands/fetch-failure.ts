/** `kimtest fetch-failure KEY`: brings one archived failure here and says how to reproduce it. */
import { basename, join, resolve } from "node:path";
import { Command } from "@commander-js/extra-typings";
import { DEFAULT_FETCH_FOLDER } from "../../contracts/defaults.ts";
import { KimtestError } from "../../contracts/errors.ts";
import type { CliDeps } from "../deps.ts";
import { withStore } from "../store.ts";
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
  const [{ failureKeyFrom }, { saveStream }, { shellQuoted }, { jsonText }] = await Promise.all([
    import("../../contracts/bucket.ts"),
    import("../../runner/store/save-stream.ts"),
    import("../../runner/tools/shell.ts"),
    import("../json.ts"),
  ]);
  // A parsed key holds a seed or a target name and digits: its last part cannot lead out of the folder.
  const { kind, key } = failureKeyFrom(typed);
  const path = join(resolve(options.to), basename(key));
  const size = await withStore(options.store, async (store) => {
    const source = await store.openRead(key);
    if (source === undefined) {
      throw new KimtestError("NOT_FOUND", `${key} is not in ${store.url}`, {
        hint: "`kimtest list-failures` shows what is",
      });
    }
    try {
      await saveStream(source.stream, path, source.info.size);
    } finally {
      // Where the folder cannot be made, nobody has read it.
      source.stream.destroy();
    }
    return source.info.size;
  });
  const file = shellQuoted(path);
  const next = kind === "vopr" ? `npx kimtest vopr-repro ${file}` : `tar -xzOf ${file} failure.json`;
  deps.out(options.json ? jsonText({ key, path, size, next }) : `${path}\n`);
  deps.err(kind === "vopr" ? `reproduce it: ${next}\n` : `look at it: ${next}\n`);
}
