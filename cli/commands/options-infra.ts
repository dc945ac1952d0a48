/** Options that the commands on a deployed stack share. */
import { Option } from "@commander-js/extra-typings";

export const stackOption = (): Option<"--stack <name>", undefined, string> =>
  new Option("--stack <name>", "the Pulumi stack").default("dev");

export const yesOption = (): Option<"--yes"> => new Option("--yes", "do not ask (needed where there is no terminal)");

export const awsProfileOption = (): Option<"--profile <name>"> =>
  new Option("--profile <name>", "AWS profile (default: AWS_PROFILE, kimtest.json, or the default credentials)");

/** Of commands on what is deployed: how they find it: cli/aws/stack.ts. */
export const deployedStackOption = (): Option<"--stack <name>"> =>
  new Option("--stack <name>", "the deployed stack (default: KIMTEST_STACK, kimtest.json, Pulumi's, or the only one)");

export const regionOption = (): Option<"--region <region>"> =>
  new Option(
    "--region <region>",
    "AWS region (default: AWS_REGION, kimtest.json, Pulumi's, the profile's, or us-east-1)",
  );
