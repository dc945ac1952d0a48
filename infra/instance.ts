/**
 * The machine: one persistent spot instance that stops when interrupted, or an on-demand one.
 *
 * What never replaces or stops it: new code (it comes as a bundle, see delivery/), new settings (an SSM parameter), a
 * newer image, other user data. Both are what they were when the machine was made (`ignoreChanges`): a newer image
 * would replace it in mid-cycle, and EC2 cannot start a persistent spot instance again whose user data was changed.
 *
 * What replaces it, after deleting the old one (two at once could exceed a small account's quota and would write to
 * one bucket): another instance type or way of purchase. EC2 cannot change either in place for spot.
 *
 * What makes a new one from the newest image and today's user data, and then deletes the old one: another
 * architecture, or a raised `machineGeneration`. They are part of the resource's name, because `ignoreChanges` would
 * give even a replacement the old image.
 *
 * No termination protection: EC2 has none for spot. Deleting the resource ends instance and spot request (the AWS
 * provider since 5.86); never terminate the instance by hand, a persistent request starts another.
 */
import * as pulumi from "@pulumi/pulumi";
import * as ec2 from "@pulumi/aws/ec2/index.js";
import type { Architecture } from "./architecture.ts";
import { userData } from "./host/user-data.ts";
import { nameOf, type Tags } from "./names.ts";

export interface InstanceArgs {
  stack: string;
  tags: Tags;
  region: string;
  instanceType: string;
  architecture: Architecture;
  generation: number;
  imageId: string;
  purchase: "spot" | "on-demand";
  /** USD per hour; "" for the on-demand price. */
  spotMaxPrice: string;
  volumeSizeGib: number;
  subnetId: pulumi.Input<string>;
  securityGroupId: pulumi.Input<string>;
  instanceProfileName: pulumi.Input<string>;
  serviceParameter: string;
}

/** The public parameter that holds the newest image; the standard one, because the minimal one lacks the SSM agent. */
export const imageParameter = (architecture: Architecture): string =>
  `/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-${architecture}`;

export class Instance extends pulumi.ComponentResource {
  readonly instanceId: pulumi.Output<string>;

  constructor(name: string, args: InstanceArgs, options: pulumi.ComponentResourceOptions) {
    super("kimtest:infra:Instance", name, {}, options);
    const { stack, tags, purchase } = args;
    // Purchase: the policy pack lets an on-demand machine pass only where that was meant.
    const named = { ...tags, Name: nameOf(stack, "instance"), Purchase: purchase };

    const instance = new ec2.Instance(
      nameOf(stack, `instance-${args.architecture}-${args.generation}`),
      {
        ami: args.imageId,
        instanceType: args.instanceType,
        ...(purchase === "spot" ? { instanceMarketOptions: spotOptions(args.spotMaxPrice) } : {}),
        iamInstanceProfile: args.instanceProfileName,
        subnetId: args.subnetId,
        vpcSecurityGroupIds: [args.securityGroupId],
        // The shutdown of the operating system must leave something to start again.
        instanceInitiatedShutdownBehavior: "stop",
        metadataOptions: {
          httpEndpoint: "enabled",
          httpTokens: "required",
          // One hop: the machine itself. Containers run tools of other people and need no AWS credentials.
          httpPutResponseHopLimit: 1,
          instanceMetadataTags: "disabled",
        },
        rootBlockDevice: {
          volumeType: "gp3",
          volumeSize: args.volumeSizeGib,
          encrypted: true,
          deleteOnTermination: true,
          tags: named,
        },
        // Free metrics every five minutes do; the agent reports every minute what matters.
        monitoring: false,
        userData: userData({ stack, region: args.region, serviceParameter: args.serviceParameter }),
        userDataReplaceOnChange: false,
        tags: named,
      },
      {
        parent: this,
        // Pulumi does not hand a component's dependencies on to what is in it.
        ...(options.dependsOn === undefined ? {} : { dependsOn: options.dependsOn }),
        ignoreChanges: ["ami", "userData"],
        replaceOnChanges: ["instanceType", "instanceMarketOptions"],
        deleteBeforeReplace: true,
      },
    );
    // EC2 makes these beside the instance and does not hand its tags on.
    const beside: [string, pulumi.Output<string>][] = [["interface", instance.primaryNetworkInterfaceId]];
    if (purchase === "spot") beside.push(["spot-request", instance.spotInstanceRequestId]);
    for (const [part, resourceId] of beside) {
      for (const [key, value] of Object.entries(named)) {
        new ec2.Tag(nameOf(stack, `${part}-tag-${key.toLowerCase()}`), { resourceId, key, value }, { parent: this });
      }
    }

    this.instanceId = instance.id;
    this.registerOutputs({ instanceId: this.instanceId });
  }
}

function spotOptions(maxPrice: string): ec2.InstanceArgs["instanceMarketOptions"] {
  return {
    marketType: "spot",
    spotOptions: {
      spotInstanceType: "persistent",
      instanceInterruptionBehavior: "stop",
      ...(maxPrice === "" ? {} : { maxPrice }),
    },
  };
}
