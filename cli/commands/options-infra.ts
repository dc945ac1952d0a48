/** Options that the commands on a deployed stack share. */
import { Option } from "@commander-js/extra-typings";

export const stackOption = (): Option<"--stack <name>", undefined, string> =>
  new Option("--stack <name>", "the Pulumi stack").default("dev");

export const yesOption = (): Option<"--yes"> => new Option("--yes", "do not ask (needed where there is no terminal)");

export const awsProfileOption = (): Option<"--profile <name>"> =>
  new Option("--profile <name>", "AWS profile (default: AWS_PROFILE, or the default credentials)");
