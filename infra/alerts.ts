/** Where alarms and digests go: a topic with one e-mail subscription, under a key that alarms may use. */
import * as pulumi from "@pulumi/pulumi";
import * as kms from "@pulumi/aws/kms/index.js";
import * as sns from "@pulumi/aws/sns/index.js";
import { nameOf, type Tags } from "./names.ts";
import { keyPolicy, topicPolicy } from "./resource-policies.ts";

export interface AlertsArgs {
  stack: string;
  tags: Tags;
  accountId: string;
  alertEmail: string;
}

export class Alerts extends pulumi.ComponentResource {
  readonly topicArn: pulumi.Output<string>;
  readonly keyArn: pulumi.Output<string>;

  constructor(name: string, args: AlertsArgs, options: pulumi.ComponentResourceOptions) {
    super("kimtest:infra:Alerts", name, {}, options);
    const { stack, tags, accountId } = args;
    const parent = { parent: this };

    const key = new kms.Key(
      nameOf(stack, "alerts-key"),
      {
        description: `kimtest ${stack}: messages on their way to the topic's subscribers`,
        enableKeyRotation: true,
        deletionWindowInDays: 7,
        policy: JSON.stringify(keyPolicy(accountId)),
        tags: { ...tags },
      },
      parent,
    );
    new kms.Alias(
      nameOf(stack, "alerts-key-name"),
      { name: `alias/${nameOf(stack, "alerts")}`, targetKeyId: key.keyId },
      parent,
    );
    const topic = new sns.Topic(
      nameOf(stack, "alerts"),
      {
        name: nameOf(stack, "alerts"),
        displayName: nameOf(stack, "alerts"),
        kmsMasterKeyId: key.arn,
        tags: { ...tags },
      },
      parent,
    );
    const policy = new sns.TopicPolicy(
      nameOf(stack, "alerts-policy"),
      { arn: topic.arn, policy: topic.arn.apply((arn) => JSON.stringify(topicPolicy(arn, accountId))) },
      parent,
    );
    // Pending until somebody clicks the link in the first message; `kimtest deploy-infra` says whether that is so.
    new sns.TopicSubscription(
      nameOf(stack, "alerts-email"),
      { topic: topic.arn, protocol: "email", endpoint: args.alertEmail },
      parent,
    );

    // An alarm made before the policy stands could be refused.
    this.topicArn = pulumi.all([topic.arn, policy.id]).apply(([arn]) => arn);
    this.keyArn = key.arn;
    this.registerOutputs({ topicArn: this.topicArn, keyArn: this.keyArn });
  }
}
