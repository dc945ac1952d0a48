/** Network and machine. */
import {
  AttachInternetGatewayCommand,
  AuthorizeSecurityGroupEgressCommand,
  CreateInternetGatewayCommand,
  CreateRouteCommand,
  CreateSecurityGroupCommand,
  CreateSubnetCommand,
  CreateTagsCommand,
  CreateVpcCommand,
  DescribeInstanceTypeOfferingsCommand,
  DescribeRouteTablesCommand,
  DescribeSecurityGroupsCommand,
  EC2Client,
  ModifySubnetAttributeCommand,
  RevokeSecurityGroupEgressCommand,
  RevokeSecurityGroupIngressCommand,
  RunInstancesCommand,
  type IpPermission,
  type ResourceType,
  type RunInstancesCommandInput,
} from "@aws-sdk/client-ec2";
import type { Apply, Invoke, Inputs } from "./inputs.ts";

const ec2 = (): EC2Client => new EC2Client({});

const tagged = (type: ResourceType, inputs: Inputs) => [{ ResourceType: type, Tags: inputs.tags() }];

function known(value: string | undefined, what: string): string {
  if (value === undefined) throw new Error(`the emulator did not answer with ${what}`);
  return value;
}

export function machine(): Record<string, Apply> {
  const client = ec2();
  return {
    "aws:ec2/vpc:Vpc": async (inputs) => {
      inputs.skip("enableDnsSupport", "enableDnsHostnames");
      const { Vpc } = await client.send(
        new CreateVpcCommand({ CidrBlock: inputs.text("cidrBlock"), TagSpecifications: tagged("vpc", inputs) }),
      );
      const id = known(Vpc?.VpcId, "a network");
      const Filters = [{ Name: "vpc-id", Values: [id] }];
      const { RouteTables } = await client.send(new DescribeRouteTablesCommand({ Filters }));
      return { id, outputs: { defaultRouteTableId: known(RouteTables?.[0]?.RouteTableId, "its route table") } };
    },
    "aws:ec2/internetGateway:InternetGateway": async (inputs) => {
      const { InternetGateway } = await client.send(
        new CreateInternetGatewayCommand({ TagSpecifications: tagged("internet-gateway", inputs) }),
      );
      const id = known(InternetGateway?.InternetGatewayId, "a gateway");
      await client.send(new AttachInternetGatewayCommand({ InternetGatewayId: id, VpcId: inputs.text("vpcId") }));
      return { id, outputs: {} };
    },
    "aws:ec2/defaultRouteTable:DefaultRouteTable": async (inputs) => {
      const RouteTableId = inputs.text("defaultRouteTableId");
      for (const route of inputs.parts("routes")) {
        const target = { DestinationCidrBlock: route.text("cidrBlock"), GatewayId: route.text("gatewayId") };
        await client.send(new CreateRouteCommand({ RouteTableId, ...target }));
        route.end();
      }
      await client.send(new CreateTagsCommand({ Resources: [RouteTableId], Tags: inputs.tags() }));
      return { id: RouteTableId, outputs: {} };
    },
    "aws:ec2/subnet:Subnet": async (inputs) => {
      const { Subnet } = await client.send(
        new CreateSubnetCommand({
          VpcId: inputs.text("vpcId"),
          CidrBlock: inputs.text("cidrBlock"),
          AvailabilityZone: inputs.text("availabilityZone"),
          TagSpecifications: tagged("subnet", inputs),
        }),
      );
      const id = known(Subnet?.SubnetId, "a subnet");
      const MapPublicIpOnLaunch = { Value: inputs.flag("mapPublicIpOnLaunch") };
      await client.send(new ModifySubnetAttributeCommand({ SubnetId: id, MapPublicIpOnLaunch }));
      return { id, outputs: {} };
    },
    "aws:ec2/defaultSecurityGroup:DefaultSecurityGroup": async (inputs) => {
      const Filters = [
        { Name: "vpc-id", Values: [inputs.text("vpcId")] },
        { Name: "group-name", Values: ["default"] },
      ];
      const { SecurityGroups } = await client.send(new DescribeSecurityGroupsCommand({ Filters }));
      const id = known(SecurityGroups?.[0]?.GroupId, "the default group");
      if (inputs.parts("ingress").length + inputs.parts("egress").length > 0) throw new Error("it is not emptied");
      await revokeAll(client, id);
      await client.send(new CreateTagsCommand({ Resources: [id], Tags: inputs.tags() }));
      return { id, outputs: {} };
    },
    "aws:ec2/securityGroup:SecurityGroup": async (inputs) => {
      const { GroupId } = await client.send(
        new CreateSecurityGroupCommand({
          GroupName: inputs.text("name"),
          Description: inputs.text("description"),
          VpcId: inputs.text("vpcId"),
          TagSpecifications: tagged("security-group", inputs),
        }),
      );
      const id = known(GroupId, "a group");
      if (inputs.parts("ingress").length > 0) throw new Error("the engine knows no rules inwards: there are none");
      await revokeAll(client, id);
      const IpPermissions = inputs.parts("egress").map(permission);
      await client.send(new AuthorizeSecurityGroupEgressCommand({ GroupId: id, IpPermissions }));
      return { id, outputs: {} };
    },
    "aws:ec2/instance:Instance": async (inputs) => {
      const { Instances } = await client.send(new RunInstancesCommand(instanceRequest(inputs)));
      const instance = Instances?.[0];
      return {
        id: known(instance?.InstanceId, "an instance"),
        outputs: {
          primaryNetworkInterfaceId: known(instance?.NetworkInterfaces?.[0]?.NetworkInterfaceId, "its interface"),
          // moto makes no spot request for an instance that is run with market options.
          spotInstanceRequestId: instance?.SpotInstanceRequestId ?? "",
        },
      };
    },
    "aws:ec2/tag:Tag": async (inputs) => {
      const resource = inputs.text("resourceId");
      const tag = { Key: inputs.text("key"), Value: inputs.text("value") };
      if (resource !== "") await client.send(new CreateTagsCommand({ Resources: [resource], Tags: [tag] }));
      return { id: `${resource},${tag.Key}`, outputs: {} };
    },
  };
}

export const machineInvokes = (): Record<string, Invoke> => ({
  "aws:ec2/getInstanceTypeOfferings:getInstanceTypeOfferings": async (inputs) => {
    const Filters = inputs
      .parts("filters")
      .map((filter) => ({ Name: filter.text("name"), Values: filter.texts("values") }));
    const LocationType = inputs.text("locationType") as "availability-zone";
    const { InstanceTypeOfferings = [] } = await ec2().send(
      new DescribeInstanceTypeOfferingsCommand({ LocationType, Filters }),
    );
    return { id: "offerings", locations: InstanceTypeOfferings.map(({ Location }) => known(Location, "a zone")) };
  },
});

/** What AWS allows a new group by itself. */
async function revokeAll(client: EC2Client, GroupId: string): Promise<void> {
  const { SecurityGroups } = await client.send(new DescribeSecurityGroupsCommand({ GroupIds: [GroupId] }));
  const { IpPermissions: inwards = [], IpPermissionsEgress: outwards = [] } = SecurityGroups?.[0] ?? {};
  if (inwards.length > 0) {
    await client.send(new RevokeSecurityGroupIngressCommand({ GroupId, IpPermissions: inwards }));
  }
  if (outwards.length > 0) {
    await client.send(new RevokeSecurityGroupEgressCommand({ GroupId, IpPermissions: outwards }));
  }
}

function permission(rule: Inputs): IpPermission {
  const description = rule.text("description");
  const read = {
    IpProtocol: rule.text("protocol"),
    FromPort: rule.number("fromPort"),
    ToPort: rule.number("toPort"),
    IpRanges: rule.texts("cidrBlocks").map((CidrIp) => ({ CidrIp, Description: description })),
  };
  rule.end();
  return read;
}

function instanceRequest(inputs: Inputs): RunInstancesCommandInput {
  const metadata = inputs.part("metadataOptions");
  const disk = inputs.part("rootBlockDevice");
  inputs.skip("userDataReplaceOnChange");
  const request: RunInstancesCommandInput = {
    MinCount: 1,
    MaxCount: 1,
    ImageId: inputs.text("ami"),
    InstanceType: inputs.text("instanceType") as "c7g.xlarge",
    SubnetId: inputs.text("subnetId"),
    SecurityGroupIds: inputs.texts("vpcSecurityGroupIds"),
    IamInstanceProfile: { Name: inputs.text("iamInstanceProfile") },
    InstanceInitiatedShutdownBehavior: inputs.text("instanceInitiatedShutdownBehavior") as "stop",
    Monitoring: { Enabled: inputs.flag("monitoring") },
    UserData: Buffer.from(inputs.text("userData")).toString("base64"),
    MetadataOptions: {
      HttpEndpoint: metadata.text("httpEndpoint") as "enabled",
      HttpTokens: metadata.text("httpTokens") as "required",
      HttpPutResponseHopLimit: metadata.number("httpPutResponseHopLimit"),
      InstanceMetadataTags: metadata.text("instanceMetadataTags") as "disabled",
    },
    BlockDeviceMappings: [
      {
        DeviceName: "/dev/xvda",
        Ebs: {
          VolumeType: disk.text("volumeType") as "gp3",
          VolumeSize: disk.number("volumeSize"),
          Encrypted: disk.flag("encrypted"),
          DeleteOnTermination: disk.flag("deleteOnTermination"),
        },
      },
    ],
    TagSpecifications: [...tagged("instance", inputs), { ResourceType: "volume", Tags: disk.tags() }],
  };
  metadata.end();
  disk.end();
  if (inputs.maybe("instanceMarketOptions") === undefined) return request;
  const market = inputs.part("instanceMarketOptions");
  const spot = market.part("spotOptions");
  const maxPrice = spot.maybe("maxPrice");
  return {
    ...request,
    InstanceMarketOptions: {
      MarketType: market.text("marketType") as "spot",
      SpotOptions: {
        SpotInstanceType: spot.text("spotInstanceType") as "persistent",
        InstanceInterruptionBehavior: spot.text("instanceInterruptionBehavior") as "stop",
        ...(typeof maxPrice === "string" ? { MaxPrice: maxPrice } : {}),
      },
    },
  };
}
