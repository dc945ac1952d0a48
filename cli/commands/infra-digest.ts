/** `kimtest infra-digest`: the newest digest, as people read it or as it is stored. */
import { KimtestError } from "../../contracts/errors.ts";
import type { CliDeps } from "../deps.ts";
import { withResults, type ResultsChoice } from "../store.ts";
import { jsonOption } from "./options.ts";
import { readingCommand } from "./options-place.ts";

interface InfraDigestOptions extends ResultsChoice {
  readonly json?: true | undefined;
}

export function infraDigestCommand(deps: CliDeps) {
  return readingCommand("infra-digest")
    .description("Show the newest digest.")
    .addOption(jsonOption())
    .addHelpText(
      "after",
      "\nExamples:\n  kimtest infra-digest\n  kimtest infra-digest --store s3://my-results --json | jq .vopr",
    )
    .action((options) => infraDigest(options, deps));
}

export async function infraDigest(options: InfraDigestOptions, deps: CliDeps): Promise<void> {
  const [{ readJson }, { digestSchema }, { DIGEST_KEY }, { digestText }, { jsonText }] = await Promise.all([
    import("../../runner/store/read-json.ts"),
    import("../../contracts/digest.ts"),
    import("../../contracts/bucket.ts"),
    import("../../runner/phases/digest/text.ts"),
    import("../json.ts"),
  ]);
  await withResults(options, deps, async (store) => {
    const read = await readJson(store, DIGEST_KEY, digestSchema);
    if (read === undefined) {
      throw new KimtestError("NOT_FOUND", `there is no digest in ${store.url} yet`, {
        hint: "a digest is stored at the end of each cycle; `kimtest infra-status` shows the one that is running",
      });
    }
    deps.out(options.json ? jsonText(read.value) : `${digestText(read.value)}\n`);
  });
}
