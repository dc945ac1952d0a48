/** `kimtest infra-destroy`: takes a stack down, says before what is lost, and makes sure after that nothing is left. */
import { setTimeout as delay } from "node:timers/promises";
import { Command } from "@commander-js/extra-typings";
import { KimtestError, reasonOf } from "../../contracts/errors.ts";
import type { BucketSize } from "../aws/bucket.ts";
import type { AwsTarget } from "../aws/client.ts";
import type { Machines } from "../aws/machines.ts";
import type { CliDeps } from "../deps.ts";
import type { Outputs, StackConfig } from "../infra/outputs.ts";
import type { Pulumi } from "../infra/pulumi.ts";
import { awsProfileOption, stackOption, yesOption } from "./options-infra.ts";

export interface InfraDestroyOptions {
  readonly stack: string;
  readonly yes?: true | undefined;
  readonly deleteData?: true | undefined;
  readonly profile?: string | undefined;
}

export interface Patience {
  readonly pollMs: number;
  readonly limitMs: number;
}
/** A machine takes a minute or so to be terminated. */
const PATIENCE: Patience = { pollMs: 5_000, limitMs: 5 * 60_000 };

export function infraDestroyCommand(deps: CliDeps) {
  return new Command("infra-destroy")
    .description("Destroy the stack; the bucket with the results is kept.")
    .addOption(stackOption())
    .addOption(yesOption())
    .option("--delete-data", "delete the bucket and everything in it, too")
    .addOption(awsProfileOption())
    .addHelpText(
      "after",
      "\nExamples:\n  kimtest infra-destroy\n  kimtest infra-destroy --stack prod --delete-data --yes",
    )
    .action((options) => infraDestroy(options, deps));
}

interface Scene {
  readonly pulumi: Pulumi;
  readonly name: string;
  readonly config: StackConfig;
  readonly outputs: Outputs | undefined;
  readonly account: string;
  readonly target: AwsTarget;
}

export async function infraDestroy(
  options: InfraDestroyOptions,
  deps: CliDeps,
  patience: Patience = PATIENCE,
): Promise<void> {
  const [{ bareName }, { MachineRoom }, { readBucketSize }, { act }] = await Promise.all([
    import("../infra/outputs.ts"),
    import("../aws/machines.ts"),
    import("../aws/bucket.ts"),
    import("../infra/pulumi.ts"),
  ]);
  bareName(options.stack);
  if (deps.ask === undefined && options.yes !== true) {
    throw new KimtestError("USAGE", "nobody can be asked here whether to destroy the stack", { hint: "add --yes" });
  }
  const scene = await look(options, deps);
  const { pulumi, name, outputs, target } = scene;
  const machines = new MachineRoom(target, deps.stop);
  try {
    const before = await machines.find(name);
    const size = outputs === undefined ? undefined : await readBucketSize(outputs.s3_bucket, target, deps.stop);
    deps.err(`${consequences(scene, before, size, options.deleteData ?? false).join("\n")}\n`);
    await assertWanted(options, name, deps);
    if (options.deleteData) await destroyWithData(scene, deps);
    else await act(pulumi, ["destroy", "--yes", "--stack", pulumi.stack], deps);
    await makeSure(scene, before, machines, patience, deps);
  } finally {
    machines.close();
  }
  const bucket =
    outputs === undefined ? "" : `; s3://${outputs.s3_bucket} is ${options.deleteData ? "deleted" : "kept"}`;
  deps.out(`stack ${pulumi.stack} is destroyed, no instance and no spot request is left${bucket}\n`);
  if (bucket === "" || options.deleteData === true) return;
  deps.err(`to deploy onto the kept bucket: pulumi config set adoptBucket true --stack ${pulumi.stack}\n`);
}

async function look(options: InfraDestroyOptions, deps: CliDeps): Promise<Scene> {
  const [{ findProject }, { bareName, DEFAULT_REGION, readOutputs, settingOf }, prerequisites, { readIdentity }] =
    await Promise.all([
      import("../infra/project.ts"),
      import("../infra/outputs.ts"),
      import("../infra/prerequisites.ts"),
      import("../aws/identity.ts"),
    ]);
  const name = bareName(options.stack);
  const { profile, stack } = options;
  const env: Record<string, string> = profile === undefined ? {} : { AWS_PROFILE: profile };
  const pulumi: Pulumi = { project: findProject(process.cwd()), stack, env };
  let account = "";
  const identity = async (): Promise<void> => {
    account = await readIdentity({ region: process.env["AWS_REGION"] ?? DEFAULT_REGION, profile }, deps.stop);
  };
  const { missing, config, hasStack } = await prerequisites.checkPrerequisites(pulumi, { identity, stop: deps.stop });
  if (!hasStack) {
    throw new KimtestError("NOT_DEPLOYED", `there is no stack ${stack}`, {
      hint: "`pulumi stack ls` shows what there is",
    });
  }
  // An address for alarms is needed by `pulumi up` only.
  const needed = missing.filter(({ what }) => options.deleteData === true || !what.startsWith("alertEmail"));
  prerequisites.assertNothingMissing(needed, `stack ${stack} cannot be destroyed`);
  if (config === undefined) throw new Error("no settings, and nothing that says why");
  const outputs = await readOutputs(pulumi, deps.stop);
  const region = outputs?.region ?? settingOf(config, pulumi.project.name, "region") ?? DEFAULT_REGION;
  return { pulumi, name, config, outputs, account, target: { region, profile } };
}

function consequences(scene: Scene, machines: Machines, size: BucketSize | undefined, deletesData: boolean): string[] {
  const { pulumi, outputs, account, target } = scene;
  const bucket = outputs === undefined ? [] : [`  bucket s3://${outputs.s3_bucket}, ${sizeText(size)}`];
  const lostBucket = bucket.map((line) => `${line}, and every older version of them`);
  return [
    `stack ${pulumi.stack} in ${target.region}, account ${account}`,
    "lost:",
    ...machines.instances.flatMap(({ id, state, volumes }) => [
      `  instance ${id} (${state})`,
      ...volumes.map(
        (volume) => `  its disk ${volume}: the build, the running cycle's newest minutes, what waits for the bucket`,
      ),
    ]),
    ...machines.spotRequests.map(({ id, state }) => `  spot request ${id} (${state})`),
    ...(machines.instances.length === 0 ? ["  no instance: none is there now"] : []),
    "  alarms, dashboard, budget, SNS topic with its subscription, roles, parameters",
    ...(outputs === undefined ? [] : [`  log group ${outputs.log_group} with its logs`]),
    ...(deletesData ? lostBucket : []),
    "kept:",
    ...(deletesData || bucket.length === 0 ? ["  nothing"] : bucket),
  ];
}

function sizeText(size: BucketSize | undefined): string {
  if (size === undefined) return "size unknown";
  const { objects, bytes, isAll } = size;
  const count = `${objects.toLocaleString("en-US")} object${objects === 1 ? "" : "s"}`;
  return `${isAll ? "" : "more than "}${count}, ${(bytes / 1e6).toFixed(1)} MB`;
}

async function assertWanted(options: InfraDestroyOptions, name: string, deps: CliDeps): Promise<void> {
  if (options.yes || deps.ask === undefined) return;
  const answer = (await deps.ask(`type ${name} to destroy it: `)).trim();
  if (answer === name) return;
  throw new KimtestError("USAGE", `stack ${name} was not destroyed: "${answer}" is not its name`);
}

const KEEP = "keepResults";

/**
 * What Pulumi does with a bucket on destroy stands in the stack's state, not in the program: the state must first
 * say that the bucket may go, with all that is in it. Afterwards the setting is as it was, for the next deployment.
 */
async function destroyWithData(scene: Scene, deps: CliDeps): Promise<void> {
  const [{ act, read }, { settingOf }] = await Promise.all([
    import("../infra/pulumi.ts"),
    import("../infra/outputs.ts"),
  ]);
  const { pulumi, config } = scene;
  const stack = ["--stack", pulumi.stack];
  const change = async (args: readonly string[], stop: AbortSignal): Promise<void> => {
    const { exitCode, reason } = await read(pulumi, ["config", ...args, ...stack], stop);
    if (exitCode !== 0) throw new KimtestError("CLOUD_FAILED", `pulumi config ${args.join(" ")} failed: ${reason}`);
  };
  const wasFalse = settingOf(config, pulumi.project.name, KEEP) === "false";
  await change(["set", KEEP, "false"], deps.stop);
  try {
    await act(pulumi, ["up", "--yes", ...stack], deps);
    await act(pulumi, ["destroy", "--yes", ...stack], deps);
  } finally {
    // Also after Ctrl-C, hence no signal.
    if (!wasFalse) await change(["rm", KEEP], new AbortController().signal);
  }
}

/** @throws KimtestError `CLOUD_FAILED` that says what is left and how to remove it */
async function makeSure(
  scene: Scene,
  before: Machines,
  room: { find: (name: string, known: Machines) => Promise<Machines> } & Remover,
  patience: Patience,
  deps: CliDeps,
): Promise<void> {
  const { name, target } = scene;
  let left: Machines = before;
  try {
    left = await room.find(name, before);
    if (isEmpty(left)) return;
    deps.err(`left by pulumi destroy: ${listText(left)}; removing\n`);
    const deadlineMs = performance.now() + patience.limitMs;
    for (;;) {
      await remove(left, room);
      left = await room.find(name, { ...merged(before, left) });
      if (isEmpty(left)) return;
      if (performance.now() >= deadlineMs) throw new KimtestError("CLOUD_FAILED", "they are still there");
      await delay(patience.pollMs, undefined, { signal: deps.stop });
    }
  } catch (error) {
    if (!(error instanceof KimtestError) && !deps.stop.aborted) throw error;
    throw new KimtestError("CLOUD_FAILED", `the stack is destroyed, but may cost on: ${reasonOf(error)}`, {
      hint: handwork(left, target.region, name),
      cause: error,
    });
  }
}

interface Remover {
  cancel(requests: Machines["spotRequests"]): Promise<void>;
  terminate(instances: Machines["instances"]): Promise<void>;
}

/** The request first: it would replace the instance. */
async function remove(left: Machines, room: Remover): Promise<void> {
  if (left.spotRequests.length > 0) await room.cancel(left.spotRequests);
  const instances = left.instances.filter(({ state }) => state !== "shutting-down");
  if (instances.length > 0) await room.terminate(instances);
}

const isEmpty = ({ instances, spotRequests }: Machines): boolean => instances.length + spotRequests.length === 0;

const merged = (one: Machines, other: Machines): Machines => ({
  instances: [...one.instances, ...other.instances],
  spotRequests: [...one.spotRequests, ...other.spotRequests],
});

function listText({ instances, spotRequests }: Machines): string {
  const parts = [
    ...spotRequests.map(({ id, state }) => `spot request ${id} (${state})`),
    ...instances.map(({ id, state }) => `instance ${id} (${state})`),
  ];
  return parts.join(", ");
}

function handwork({ instances, spotRequests }: Machines, region: string, name: string): string {
  const ids = (items: readonly { readonly id: string }[]): string => items.map(({ id }) => id).join(" ");
  const lines = [
    "in this order:",
    ...(spotRequests.length === 0
      ? []
      : [`aws ec2 cancel-spot-instance-requests --region ${region} --spot-instance-request-ids ${ids(spotRequests)}`]),
    ...(instances.length === 0
      ? []
      : [`aws ec2 terminate-instances --region ${region} --instance-ids ${ids(instances)}`]),
    `aws ec2 describe-instances --region ${region} --filters Name=tag:Project,Values=kimtest Name=tag:Stack,Values=${name}`,
  ];
  return lines.join("\n  ");
}
