/** Options that the commands on a deployed stack share. */
import { Option } from "@commander-js/extra-typings";

export const stackOption = (): Option<"--stack <name>", undefined, string> =>
  new Option("--stack <name>", "the Pulumi stack").default("dev");

export const yesOption = (): Option<"--yes"> => new Option("--yes", "do not ask (needed where there is no terminal)");

export const awsProfileOption = (): Option<"--profile <name>"> =>
  new Option("--profile <name>", "AWS profile (default: AWS_PROFILE, or the default credentials)");

/** Of commands on what is deployed: they find it without Pulumi (cli/aws/stack.ts). */
export const deployedStackOption = (): Option<"--stack <name>"> =>
  new Option("--stack <name>", "the deployed stack (default: KIMTEST_STACK, or the only one there is)");

export const regionOption = (): Option<"--region <region>"> =>
  new Option("--region <region>", "AWS region (default: AWS_REGION, or the profile's, or us-east-1)");
