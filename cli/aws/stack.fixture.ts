/** What a deployment leaves for the CLI, put into an AWS emulator: a machine and the parameters that tell of it. */
import { CreateTagsCommand, EC2Client, RequestSpotInstancesCommand, RunInstancesCommand } from "@aws-sdk/client-ec2";
import { PutParameterCommand, SSMClient } from "@aws-sdk/client-ssm";
import { stringifyJson } from "../../contracts/json.ts";
import { WORK } from "../../contracts/work-settings.fixture.ts";
import {
  serviceParameterName,
  stackParameterName,
  type ServiceSettings,
  type StackParameter,
} from "../../contracts/stack.ts";

const IMAGE = "ami-12c6146b";

export const partsOf = (stack: string, change: Partial<StackParameter> = {}): StackParameter => ({
  version: 1,
  stack,
  region: "us-east-1",
  account_id: "123456789012",
  instance_id: "i-0123456789abcdef0",
  instance_type: "c7g.xlarge",
  architecture: "arm64",
  purchase: "spot",
  s3_bucket: `kimtest-${stack}-123456789012-us-east-1`,
  sns_topic: `arn:aws:sns:us-east-1:123456789012:kimtest-${stack}-alerts`,
  log_group: `kimtest-${stack}-logs`,
  alarms: [`kimtest-${stack}-disk-nearly-full`, `kimtest-${stack}-no-progress`],
  dashboard: `kimtest-${stack}`,
  service_parameter: serviceParameterName(stack),
  ...change,
});

export const DELIVERED_SHA = "ab".repeat(32);

const settingsOf = (stack: string): ServiceSettings => ({
  ...WORK,
  version: 1,
  stack,
  region: "us-east-1",
  s3_bucket: `kimtest-${stack}-123456789012-us-east-1`,
  sns_topic: `arn:aws:sns:us-east-1:123456789012:kimtest-${stack}-alerts`,
  log_group: `kimtest-${stack}-logs`,
  bundle: { key: `runner/${DELIVERED_SHA}.tar.gz`, sha256: DELIVERED_SHA },
  github_repo: "https://github.com/kimberlitedb/kimberlite.git",
  github_branch: "main",
});

export const serviceText = (stack: string): string => stringifyJson(settingsOf(stack), 0);

export async function putParameter(name: string, value: unknown, region = "us-east-1"): Promise<void> {
  const client = new SSMClient({ region });
  const text = typeof value === "string" ? value : stringifyJson(value, 0);
  await client.send(new PutParameterCommand({ Name: name, Value: text, Type: "String", Overwrite: true }));
  client.destroy();
}

/** Both parameters of a stack. */
export async function putStack(stack: string, change: Partial<StackParameter> = {}, region?: string): Promise<void> {
  await putParameter(stackParameterName(stack), partsOf(stack, change), region);
  await putParameter(serviceParameterName(stack), settingsOf(stack), region);
}

/** A running machine; the emulator's spot machines do not name their request, as EC2's do. */
export async function startMachine(stack: string, purchase: "spot" | "on-demand" = "on-demand"): Promise<string> {
  const client = new EC2Client({});
  const tags = [
    { Key: "Project", Value: "kimtest" },
    { Key: "Stack", Value: stack },
  ];
  try {
    if (purchase === "on-demand") {
      const started = await client.send(new RunInstancesCommand({ ImageId: IMAGE, MinCount: 1, MaxCount: 1 }));
      return started.Instances?.[0]?.InstanceId ?? "";
    }
    const requested = await client.send(
      new RequestSpotInstancesCommand({
        InstanceCount: 1,
        Type: "persistent",
        SpotPrice: "0.05",
        LaunchSpecification: { ImageId: IMAGE, InstanceType: "c7g.xlarge" },
      }),
    );
    const { SpotInstanceRequestId: request = "", InstanceId: id = "" } = requested.SpotInstanceRequests?.[0] ?? {};
    await client.send(new CreateTagsCommand({ Resources: [id, request], Tags: tags }));
    return id;
  } finally {
    client.destroy();
  }
}
