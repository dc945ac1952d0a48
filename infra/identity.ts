/** Who the instance is: a role with one policy (instance-policy.ts), and the profile that EC2 wants around a role. */
import * as pulumi from "@pulumi/pulumi";
import * as iam from "@pulumi/aws/iam/index.js";
import { assumeRolePolicy, instancePolicy } from "./instance-policy.ts";
import { nameOf, type Tags } from "./names.ts";

export interface IdentityArgs {
  stack: string;
  tags: Tags;
  region: string;
  bucketArn: pulumi.Input<string>;
  logGroupArn: pulumi.Input<string>;
  topicArn: pulumi.Input<string>;
  keyArn: pulumi.Input<string>;
  serviceParameterArn: pulumi.Input<string>;
}

export class Identity extends pulumi.ComponentResource {
  /** Known once the role has its policy: a machine that starts before cannot read its settings. */
  readonly instanceProfileName: pulumi.Output<string>;

  constructor(name: string, args: IdentityArgs, options: pulumi.ComponentResourceOptions) {
    super("kimtest:infra:Identity", name, {}, options);
    const { stack, tags, region } = args;
    const parent = { parent: this };
    // Region in the name: roles are global, and stacks of one name may exist in two regions.
    const roleName = nameOf(stack, `instance-${region}`);

    const role = new iam.Role(
      nameOf(stack, "role"),
      {
        name: roleName,
        description: `kimtest ${stack}: the machine that runs the tests`,
        assumeRolePolicy: JSON.stringify(assumeRolePolicy()),
        tags: { ...tags },
      },
      parent,
    );
    const { bucketArn, logGroupArn, topicArn, keyArn, serviceParameterArn } = args;
    const policy = new iam.RolePolicy(
      nameOf(stack, "role-policy"),
      {
        name: roleName,
        role: role.name,
        policy: pulumi
          .all([bucketArn, logGroupArn, topicArn, keyArn, serviceParameterArn])
          .apply(([bucket, logGroup, topic, key, serviceParameter]) =>
            JSON.stringify(
              instancePolicy({
                region,
                bucketArn: bucket,
                logGroupArn: logGroup,
                topicArn: topic,
                keyArn: key,
                serviceParameterArn: serviceParameter,
              }),
            ),
          ),
      },
      parent,
    );
    const profile = new iam.InstanceProfile(
      nameOf(stack, "profile"),
      { name: roleName, role: role.name, tags: { ...tags } },
      parent,
    );

    this.instanceProfileName = pulumi.all([profile.name, policy.id]).apply(([profileName]) => profileName);
    this.registerOutputs({ instanceProfileName: this.instanceProfileName });
  }
}
