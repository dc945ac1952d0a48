/** `kimtest infra-digest`: the newest digest, as people read it or as it is stored. */
import { KimtestError } from "../../contracts/errors.ts";
import type { CliDeps } from "../deps.ts";
import { withResults, type ResultsChoice } from "../store.ts";
import { fieldsOption, jsonOption, utcOption } from "./options.ts";
import { readingCommand } from "./options-place.ts";

interface InfraDigestOptions extends ResultsChoice {
  readonly json?: true | undefined;
  readonly fields?: string | undefined;
  readonly utc?: true | undefined;
}

export function infraDigestCommand(deps: CliDeps) {
  return readingCommand("infra-digest")
    .description("Show the newest digest.")
    .addOption(jsonOption())
    .addOption(fieldsOption())
    .addOption(utcOption())
    .addHelpText(
      "after",
      "\nJSON is as stored: docs/schemas/Digest.json.\n\nExamples:\n  kimtest infra-digest\n" +
        "  kimtest infra-digest --fields verdict,reason\n" +
        "  kimtest infra-digest --store s3://my-results --json | jq .vopr",
    )
    .action((options) => infraDigest(options, deps));
}

export async function infraDigest(options: InfraDigestOptions, deps: CliDeps): Promise<void> {
  const [
    { readJson },
    { digestSchema },
    { DIGEST_KEY },
    { digestText },
    { fitted },
    { jsonText },
    { fieldsOf },
    { instantText },
  ] = await Promise.all([
    import("../../runner/store/read-json.ts"),
    import("../../contracts/digest.ts"),
    import("../../contracts/bucket.ts"),
    import("../../runner/phases/digest/text.ts"),
    import("../fitted.ts"),
    import("../json.ts"),
    import("../fields.ts"),
    import("../times.ts"),
  ]);
  const { pick } = fieldsOf(options.fields, digestSchema);
  const isJson = options.json === true || options.fields !== undefined;
  await withResults(options, deps, async (store) => {
    const read = await readJson(store, DIGEST_KEY, digestSchema);
    if (read === undefined) {
      throw new KimtestError("NOT_FOUND", `there is no digest in ${store.url} yet`, {
        hint: "a digest is stored at the end of each cycle; `kimtest infra-status` shows the one that is running",
      });
    }
    const instant = instantText(deps.timeZone, options.utc);
    deps.out(isJson ? jsonText(pick(read.value)) : `${fitted(digestText(read.value, instant), deps.columns)}\n`);
  });
}
