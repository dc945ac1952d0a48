/** A command that reads results: its options say where from, the same for all (cli/store.ts). */
import { Command, Option } from "@commander-js/extra-typings";
import { awsProfileOption, deployedStackOption, regionOption } from "./options-infra.ts";

export const resultsStoreOption = (): Option<"--store <location>"> =>
  new Option(
    "--store <location>",
    "where results are read: s3://bucket[/prefix] or a folder (default: KIMTEST_STORE, kimtest.json, " +
      "the local .kimtest/store, or the deployed stack's bucket)",
  );

export const readingCommand = (name: string) =>
  new Command(name)
    .addOption(resultsStoreOption())
    .addOption(deployedStackOption())
    .addOption(regionOption())
    .addOption(awsProfileOption());
