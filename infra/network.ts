/**
 * A small network of the stack's own (docs/adr/0007-own-network.md): one subnet with a way out and none in.
 *
 * The subnet's zone is chosen once. The list of zones that offer a type grows, and another choice would replace the
 * subnet and with it the machine, so it is ignored afterwards, unless the zone is given in the configuration.
 */
import * as pulumi from "@pulumi/pulumi";
import * as ec2 from "@pulumi/aws/ec2/index.js";
import { nameOf, type Tags } from "./names.ts";

const NETWORK = "10.42.0.0/24";

export interface NetworkArgs {
  stack: string;
  tags: Tags;
  availabilityZone: string;
  /** False when the zone was not given but picked: then it stays as it was. */
  zoneIsGiven: boolean;
}

export class Network extends pulumi.ComponentResource {
  readonly subnetId: pulumi.Output<string>;
  readonly securityGroupId: pulumi.Output<string>;

  constructor(name: string, args: NetworkArgs, options: pulumi.ComponentResourceOptions) {
    super("kimtest:infra:Network", name, {}, options);
    const { stack, tags } = args;
    const named = (part: string): Tags => ({ ...tags, Name: nameOf(stack, part) });
    const parent = { parent: this };

    const vpc = new ec2.Vpc(
      nameOf(stack, "network"),
      { cidrBlock: NETWORK, enableDnsSupport: true, enableDnsHostnames: true, tags: named("network") },
      parent,
    );
    const gateway = new ec2.InternetGateway(
      nameOf(stack, "gateway"),
      { vpcId: vpc.id, tags: named("gateway") },
      parent,
    );
    const routes = new ec2.DefaultRouteTable(
      nameOf(stack, "routes"),
      {
        defaultRouteTableId: vpc.defaultRouteTableId,
        routes: [{ cidrBlock: "0.0.0.0/0", gatewayId: gateway.id }],
        tags: named("routes"),
      },
      parent,
    );
    const subnet = new ec2.Subnet(
      nameOf(stack, "subnet"),
      {
        vpcId: vpc.id,
        cidrBlock: NETWORK,
        availabilityZone: args.availabilityZone,
        // Here and not on the instance: a stopped instance has no address, which would read as a change there.
        mapPublicIpOnLaunch: true,
        tags: named("subnet"),
      },
      {
        ...parent,
        // Two subnets cannot have the same range at the same time.
        deleteBeforeReplace: true,
        ignoreChanges: args.zoneIsGiven ? [] : ["availabilityZone"],
      },
    );
    // AWS makes this group with every network and lets its members talk to each other: emptied, it lets nothing through.
    new ec2.DefaultSecurityGroup(
      nameOf(stack, "default-firewall"),
      { vpcId: vpc.id, ingress: [], egress: [], tags: named("default-firewall") },
      parent,
    );
    const firewall = new ec2.SecurityGroup(
      nameOf(stack, "firewall"),
      {
        name: nameOf(stack, "firewall"),
        description: "kimtest: nothing in (access is by Session Manager), https out",
        vpcId: vpc.id,
        ingress: [],
        // AWS, GitHub, crates, Docker and the package mirrors of Amazon Linux all speak https. DNS and time come from
        // addresses of the network itself, which security groups do not filter.
        egress: [{ protocol: "tcp", fromPort: 443, toPort: 443, cidrBlocks: ["0.0.0.0/0"], description: "https" }],
        tags: named("firewall"),
      },
      parent,
    );

    // Who starts in the subnet wants the way out to be there.
    this.subnetId = pulumi.all([subnet.id, routes.id]).apply(([id]) => id);
    this.securityGroupId = firewall.id;
    this.registerOutputs({ subnetId: this.subnetId, securityGroupId: this.securityGroupId });
  }
}
