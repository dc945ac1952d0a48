/** `kimtest deploy-infra`: checks what a deployment needs, lets Pulumi do it, and says what is left to do by hand. */
import { Command } from "@commander-js/extra-typings";
import { KimtestError, reasonOf } from "../../contracts/errors.ts";
import type { EmailSubscription } from "../aws/subscription.ts";
import type { CliDeps } from "../deps.ts";
import type { Outputs, StackConfig } from "../infra/outputs.ts";
import type { Pulumi } from "../infra/pulumi.ts";
import { awsProfileOption, stackOption, yesOption } from "./options-infra.ts";
import { jsonOption } from "./options.ts";

export interface DeployInfraOptions {
  readonly stack: string;
  readonly preview?: true | undefined;
  readonly create?: true | undefined;
  readonly yes?: true | undefined;
  readonly json?: true | undefined;
  readonly region?: string | undefined;
  readonly profile?: string | undefined;
}

export function deployInfraCommand(deps: CliDeps) {
  return new Command("deploy-infra")
    .description("Deploy or update the stack on AWS (pulumi up), after checking what it needs.")
    .addOption(stackOption())
    .option("--preview", "show what would change, change nothing")
    .option("--create", "create the stack if there is none of that name")
    .addOption(yesOption())
    .option("--region <region>", "AWS region of a stack that is not deployed yet (default: its setting, us-east-1)")
    .addOption(awsProfileOption())
    .addOption(jsonOption())
    .addHelpText("after", "\nExamples:\n  kimtest deploy-infra --create\n  kimtest deploy-infra --stack prod --preview")
    .action((options) => deployInfra(options, deps));
}

export async function deployInfra(options: DeployInfraOptions, deps: CliDeps): Promise<void> {
  const [{ findProject }, { bareName, DEFAULT_REGION, settingOf }, { act }] = await Promise.all([
    import("../infra/project.ts"),
    import("../infra/outputs.ts"),
    import("../infra/pulumi.ts"),
  ]);
  bareName(options.stack);
  assertConsent(options, deps);
  const pulumi: Pulumi = {
    project: findProject(process.cwd()),
    stack: options.stack,
    env: options.profile === undefined ? {} : { AWS_PROFILE: options.profile },
  };
  const config = await checked(pulumi, options, deps);
  const setting = settingOf(config, pulumi.project.name, "region") ?? DEFAULT_REGION;
  const region = options.region ?? setting;
  if (region !== setting) await moveTo(region, pulumi, deps);
  const stack = ["--stack", pulumi.stack];
  if (options.preview) {
    await act(pulumi, ["preview", ...stack], deps);
    return;
  }
  await act(pulumi, ["up", ...stack, ...(options.yes ? ["--yes"] : [])], deps);
  await report(pulumi, settingOf(config, pulumi.project.name, "alertEmail") ?? "", options, deps);
}

function assertConsent(options: DeployInfraOptions, deps: CliDeps): void {
  if (options.preview === true && options.region !== undefined) {
    throw new KimtestError("USAGE", "--region changes the stack's settings, and --preview changes nothing", {
      hint: `set it first: pulumi config set region ${options.region} --stack ${options.stack}`,
    });
  }
  if (deps.ask === undefined && options.preview !== true && options.yes !== true) {
    throw new KimtestError("USAGE", "nobody can be asked here whether to deploy", {
      hint: "add --yes, or look first with --preview",
    });
  }
}

/** The stack's settings, once nothing is missing. @throws KimtestError `USAGE` that lists what is */
async function checked(pulumi: Pulumi, options: DeployInfraOptions, deps: CliDeps): Promise<StackConfig> {
  const [{ assertNothingMissing, checkPrerequisites }, { readIdentity }, { act }, { DEFAULT_REGION }] =
    await Promise.all([
      import("../infra/prerequisites.ts"),
      import("../aws/identity.ts"),
      import("../infra/pulumi.ts"),
      import("../infra/outputs.ts"),
    ]);
  const target = {
    region: options.region ?? process.env["AWS_REGION"] ?? DEFAULT_REGION,
    profile: options.profile,
  };
  const probes = { identity: () => readIdentity(target, deps.stop), stop: deps.stop };
  let found = await checkPrerequisites(pulumi, probes);
  if (!found.hasStack && (await mayCreate(options, deps))) {
    await act(pulumi, ["stack", "init", pulumi.stack, "--no-select"], deps);
    found = await checkPrerequisites(pulumi, probes);
  }
  assertNothingMissing(found.missing, `stack ${pulumi.stack} cannot be deployed`);
  if (found.config === undefined) throw new Error("no settings, and nothing that says why");
  return found.config;
}

async function mayCreate(options: DeployInfraOptions, deps: CliDeps): Promise<boolean> {
  if (options.create || deps.ask === undefined) return options.create ?? false;
  const answer = await deps.ask(`there is no stack ${options.stack}; create it? [y/N] `);
  return /^y(?:es)?$/i.test(answer.trim());
}

/** A stack that exists cannot move: Pulumi would replace everything in it, the bucket first. */
async function moveTo(region: string, pulumi: Pulumi, deps: CliDeps): Promise<void> {
  const [{ readOutputs }, { read }] = await Promise.all([import("../infra/outputs.ts"), import("../infra/pulumi.ts")]);
  const outputs = await readOutputs(pulumi, deps.stop);
  if (outputs !== undefined && outputs.region !== region) {
    throw new KimtestError(
      "USAGE",
      `stack ${pulumi.stack} is deployed in ${outputs.region} and cannot move to ${region}`,
      {
        hint: "deploy another stack there (--stack NAME --create), or destroy this one first",
      },
    );
  }
  const set = await read(pulumi, ["config", "set", "region", region, "--stack", pulumi.stack], deps.stop);
  if (set.exitCode !== 0) throw new KimtestError("CLOUD_FAILED", `pulumi cannot set the region: ${set.reason}`);
}

type EmailState = EmailSubscription["state"] | "absent" | "unknown";

async function report(pulumi: Pulumi, email: string, options: DeployInfraOptions, deps: CliDeps): Promise<void> {
  const [{ bareName, readOutputs }, { readSubscriptions }, { jsonText }] = await Promise.all([
    import("../infra/outputs.ts"),
    import("../aws/subscription.ts"),
    import("../json.ts"),
  ]);
  const outputs = await readOutputs(pulumi, deps.stop);
  if (outputs === undefined) {
    throw new KimtestError("CORRUPT_DATA", `pulumi up succeeded, but stack ${pulumi.stack} has no outputs`);
  }
  const target = { region: outputs.region, profile: options.profile };
  let state: EmailState = "unknown";
  try {
    const subscriptions = await readSubscriptions(outputs.sns_topic, target, deps.stop);
    state = stateOf(email, subscriptions);
  } catch (error) {
    if (!(error instanceof KimtestError)) throw error;
    deps.err(`${reasonOf(error)}\n`);
    deps.setExitCode(error.exitCode);
  }
  deps.out(
    options.json
      ? jsonText({ stack: pulumi.stack, ...outputs, email: { address: email, subscription: state } })
      : outputsText(outputs, email, state),
  );
  deps.err(nextText(bareName(pulumi.stack), outputs, email, state));
}

/** A secret address cannot be told from others; our topic has one subscriber. */
function stateOf(email: string, subscriptions: readonly EmailSubscription[]): EmailState {
  const own = subscriptions.filter((one) => email === "[secret]" || one.email.toLowerCase() === email.toLowerCase());
  const best = (["confirmed", "pending", "deleted"] as const).find((state) => own.some((one) => one.state === state));
  return best ?? "absent";
}

const STATE_TEXT: Readonly<Record<EmailState, string>> = {
  confirmed: "confirmed",
  pending: "NOT CONFIRMED: nothing is delivered",
  deleted: "UNSUBSCRIBED: nothing is delivered",
  absent: "NOT SUBSCRIBED: nothing is delivered",
  unknown: "subscription unknown",
};

function outputsText(outputs: Outputs, email: string, state: EmailState): string {
  const rows = [...Object.entries(outputs), ["email", `${email} (${STATE_TEXT[state]})`]];
  return rows.map(([name, value]) => `${String(name).padEnd(16)}${String(value)}\n`).join("");
}

function nextText(stack: string, outputs: Outputs, email: string, state: EmailState): string {
  const { region, sns_topic: topic, s3_bucket: bucket } = outputs;
  const subscribe = `aws sns subscribe --region ${region} --topic-arn ${topic} --protocol email --notification-endpoint ${email}`;
  const confirm: Readonly<Record<EmailState, readonly string[]>> = {
    confirmed: [],
    pending: [
      `  confirm the e-mail: open the link that AWS Notifications sent to ${email} (look in spam, too)`,
      `  no mail? ${subscribe}`,
    ],
    deleted: [`  subscribe again: ${subscribe}`],
    absent: [`  subscribe: ${subscribe}`],
    unknown: [`  look: aws sns list-subscriptions-by-topic --region ${region} --topic-arn ${topic}`],
  };
  const lines = [
    "next:",
    ...confirm[state],
    `  watch it: npx kimtest infra-logs --stack ${stack} --region ${region}`,
    `  see results: AWS_REGION=${region} npx kimtest infra-status --store s3://${bucket}`,
  ];
  return `${lines.join("\n")}\n`;
}
