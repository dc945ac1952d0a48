/** Tells when EC2 takes the spot machine away. By EventBridge, so that it does not depend on the machine. */
import * as pulumi from "@pulumi/pulumi";
import * as cloudwatch from "@pulumi/aws/cloudwatch/index.js";
import { nameOf, type Tags } from "./names.ts";

export interface SpotInterruptionArgs {
  stack: string;
  tags: Tags;
  instanceId: pulumi.Input<string>;
  topicArn: pulumi.Input<string>;
}

/** https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/spot-instance-termination-notices.html */
export const interruptionPattern = (instanceId: string): object => ({
  source: ["aws.ec2"],
  "detail-type": ["EC2 Spot Instance Interruption Warning"],
  detail: { "instance-id": [instanceId] },
});

/** One line for people; EventBridge fills in what stands between < and >, and wants the line in quotes. */
export const interruptionMessage = (stack: string): string =>
  JSON.stringify(
    `kimtest ${stack}: EC2 takes the spot machine <instance> back (<action>) two minutes after <time>. ` +
      "The cycle goes on when EC2 starts it again; kimtest infra-status tells.",
  );

export class SpotInterruption extends pulumi.ComponentResource {
  constructor(name: string, args: SpotInterruptionArgs, options: pulumi.ComponentResourceOptions) {
    super("kimtest:infra:SpotInterruption", name, {}, options);
    const { stack, tags } = args;
    const rule = new cloudwatch.EventRule(
      nameOf(stack, "spot-interruption"),
      {
        name: nameOf(stack, "spot-interruption"),
        description: `kimtest ${stack}: EC2 takes the spot machine back`,
        eventPattern: pulumi.output(args.instanceId).apply((id) => JSON.stringify(interruptionPattern(id))),
        tags: { ...tags },
      },
      { parent: this },
    );
    new cloudwatch.EventTarget(
      nameOf(stack, "spot-interruption-mail"),
      {
        rule: rule.name,
        targetId: "alerts",
        arn: args.topicArn,
        inputTransformer: {
          inputPaths: { instance: "$.detail.instance-id", action: "$.detail.instance-action", time: "$.time" },
          inputTemplate: interruptionMessage(stack),
        },
      },
      { parent: this },
    );
    this.registerOutputs({});
  }
}
