/**
 * The two SSM parameters by which a stack is found and run (contracts/stack.ts). One component each: the instance
 * needs the service's to be there when it starts, and the stack's tells of the instance.
 */
import * as pulumi from "@pulumi/pulumi";
import * as ssm from "@pulumi/aws/ssm/index.js";
import { KimtestError } from "../contracts/errors.ts";
import { stringifyJson } from "../contracts/json.ts";
import {
  serviceParameterName,
  serviceSettingsSchema,
  stackParameterName,
  stackParameterSchema,
  type ServiceSettings,
  type StackParameter,
} from "../contracts/stack.ts";
import { nameOf, type Tags } from "./names.ts";

/** Of the standard tier, which is free. */
const MAX_VALUE_BYTES = 4096;

/** @throws KimtestError `LIMIT_EXCEEDED` for what SSM would refuse. */
export function parameterValue(name: string, value: unknown): string {
  const text = stringifyJson(value, 0);
  const bytes = Buffer.byteLength(text);
  if (bytes > MAX_VALUE_BYTES) {
    throw new KimtestError(
      "LIMIT_EXCEEDED",
      `the SSM parameter ${name} would have ${bytes} bytes, but its tier takes ${MAX_VALUE_BYTES}`,
      { hint: "shorten kimtest:voprFlags, kimtest:githubRepo or kimtest:githubBranch" },
    );
  }
  return text;
}

export interface ParameterArgs<Value> {
  stack: string;
  tags: Tags;
  value: pulumi.Input<Value>;
}

/** For the CLI. */
export class StackDescription extends pulumi.ComponentResource {
  readonly parameterName: pulumi.Output<string>;

  constructor(name: string, args: ParameterArgs<StackParameter>, options: pulumi.ComponentResourceOptions) {
    super("kimtest:infra:StackDescription", name, {}, options);
    const parameterName = stackParameterName(args.stack);
    const parameter = new ssm.Parameter(
      nameOf(args.stack, "stack-parameter"),
      {
        name: parameterName,
        type: "String",
        tier: "Standard",
        description: "Where the parts of this kimtest stack are",
        // Not secret, and a preview should show what changes.
        insecureValue: pulumi
          .output(args.value)
          .apply((value) => parameterValue(parameterName, stackParameterSchema.parse(value))),
        tags: { ...args.tags },
      },
      { parent: this },
    );
    this.parameterName = parameter.name;
    this.registerOutputs({ parameterName: this.parameterName });
  }
}

/** For the service on the instance. */
export class ServiceConfiguration extends pulumi.ComponentResource {
  readonly parameterArn: pulumi.Output<string>;

  constructor(name: string, args: ParameterArgs<ServiceSettings>, options: pulumi.ComponentResourceOptions) {
    super("kimtest:infra:ServiceConfiguration", name, {}, options);
    const parameterName = serviceParameterName(args.stack);
    const parameter = new ssm.Parameter(
      nameOf(args.stack, "service-parameter"),
      {
        name: parameterName,
        type: "String",
        tier: "Standard",
        description: "What the service of this kimtest stack runs; read at each of its starts",
        insecureValue: pulumi
          .output(args.value)
          .apply((value) => parameterValue(parameterName, serviceSettingsSchema.parse(value))),
        tags: { ...args.tags },
      },
      { parent: this },
    );
    this.parameterArn = parameter.arn;
    this.registerOutputs({ parameterArn: this.parameterArn });
  }
}
