/**
 * Runs the program in this process against Pulumi's mocks and gives back what it registers.
 *
 * Proof limit: mocks answer whatever they are told to, and take any input. What they show is which resources are
 * registered, under which names and with which inputs; that Pulumi's real entry point sees the same is shown in
 * test/infra/.
 */
import * as pulumi from "@pulumi/pulumi";
import type { RunnerBundle } from "./delivery/runner-bundle.ts";

export const ACCOUNT_ID = "123456789012";
export const SHA256 = "ab".repeat(32);
/** A stand-in: what is in it is tested in delivery/. */
const BUNDLE: RunnerBundle = { sha256: SHA256, path: "/nowhere/bundle.tar.gz" };

export interface MockedResource {
  readonly type: string;
  readonly name: string;
  readonly inputs: Readonly<Record<string, unknown>>;
}

export interface MockedStack {
  readonly resources: readonly MockedResource[];
  readonly outputs: Readonly<Record<string, unknown>>;
  /** Tokens of the questions the program asked. */
  readonly invokes: readonly string[];
  /** The one custom resource of this type, and with this name where there are several. */
  readonly only: (type: string, name?: string) => Readonly<Record<string, unknown>>;
}

export interface MockOptions {
  readonly stack?: string;
  /** Zones that offer the instance type. */
  readonly zones?: readonly string[];
}

/** `config`: keys without their project; an e-mail address is always there. */
export async function mockedStack(
  config: Readonly<Record<string, string>> = {},
  { stack = "dev", zones }: MockOptions = {},
): Promise<MockedStack> {
  const resources: MockedResource[] = [];
  const invokes: string[] = [];
  const region = config["region"] ?? "us-east-1";
  const all = { alertEmail: "you@example.com", ...config };
  pulumi.runtime.setAllConfig(Object.fromEntries(Object.entries(all).map(([key, value]) => [`kimtest:${key}`, value])));
  await pulumi.runtime.setMocks(
    {
      newResource: ({ type, name, inputs }) => {
        resources.push({ type, name, inputs: inputs as Record<string, unknown> });
        return stateOf(type, name, inputs as Record<string, unknown>);
      },
      call: ({ token, inputs }) => {
        invokes.push(token);
        return answerOf(token, inputs as Record<string, unknown>, zones ?? [`${region}b`, `${region}a`]);
      },
    },
    "kimtest",
    stack,
  );
  // Resources are classes that register themselves: loaded after the mocks are in place.
  const { kimtestStack } = await import("./program.ts");
  try {
    const outputs = await resolved(await kimtestStack(Promise.resolve(BUNDLE)));
    return { resources, invokes, outputs, only: (type, name) => onlyOf(resources, type, name) };
  } finally {
    await pulumi.runtime.disconnect();
  }
}

async function resolved(outputs: object): Promise<Record<string, unknown>> {
  return new Promise((resolve) => {
    pulumi.all(outputs as Record<string, pulumi.Input<unknown>>).apply(resolve);
  });
}

function onlyOf(resources: readonly MockedResource[], type: string, name?: string): MockedResource["inputs"] {
  const found = resources.filter((one) => one.type === type && (name === undefined || one.name === name));
  if (found.length !== 1) throw new Error(`${found.length} resources of type ${type} ${name ?? ""}`);
  return found[0]!.inputs;
}

/** What AWS would add, as far as the program reads it. */
function stateOf(type: string, name: string, inputs: Record<string, unknown>) {
  const state: Record<string, unknown> = { ...inputs, arn: `arn:of:${name}` };
  switch (type) {
    case "aws:s3/bucket:Bucket":
      return { id: String(inputs["bucket"]), state };
    case "aws:kms/key:Key":
      return { id: `${name}-id`, state: { ...state, keyId: `${name}-id` } };
    case "aws:ec2/instance:Instance":
      return {
        id: "i-1",
        state: {
          ...state,
          primaryNetworkInterfaceId: "eni-1",
          ...("instanceMarketOptions" in inputs ? { spotInstanceRequestId: "sir-1" } : {}),
        },
      };
    case "aws:ec2/vpc:Vpc":
      return { id: "vpc-1", state: { ...state, defaultRouteTableId: "rtb-1" } };
    default:
      return { id: `${name}-id`, state };
  }
}

function answerOf(token: string, inputs: Record<string, unknown>, zones: readonly string[]): Record<string, unknown> {
  switch (token) {
    case "aws:index/getCallerIdentity:getCallerIdentity":
      return { accountId: ACCOUNT_ID };
    case "aws:ssm/getParameter:getParameter":
      return { value: `ami-of${String(inputs["name"])}` };
    case "aws:ec2/getInstanceTypeOfferings:getInstanceTypeOfferings":
      return { locations: [...zones] };
    default:
      throw new Error(`the program asked for ${token}`);
  }
}
