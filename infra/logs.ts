/** The log group: bootstrap and service write here. Made here and not by them, so that its retention is ours. */
import * as pulumi from "@pulumi/pulumi";
import * as cloudwatch from "@pulumi/aws/cloudwatch/index.js";
import { nameOf, type Tags } from "./names.ts";

export interface LogsArgs {
  stack: string;
  tags: Tags;
  retentionDays: number;
}

export class Logs extends pulumi.ComponentResource {
  readonly groupName: pulumi.Output<string>;
  readonly groupArn: pulumi.Output<string>;

  constructor(name: string, args: LogsArgs, options: pulumi.ComponentResourceOptions) {
    super("kimtest:infra:Logs", name, {}, options);
    const group = new cloudwatch.LogGroup(
      nameOf(args.stack, "logs"),
      { name: nameOf(args.stack, "logs"), retentionInDays: args.retentionDays, tags: { ...args.tags } },
      { parent: this },
    );
    this.groupName = group.name;
    this.groupArn = group.arn;
    this.registerOutputs({ groupName: this.groupName, groupArn: this.groupArn });
  }
}
