/**
 * The rules over our own stacks, all of whose kinds pass, and over broken ones: every rule is shown to fail, on one
 * resource broken in one way, and to say which. The pack itself, loaded by Pulumi: test/infra/policy-pack.test.ts.
 */
import { beforeAll, describe, expect, test } from "@jest/globals";
import { mockedStack, type MockedResource } from "../mocked-stack.fixture.ts";
import type { Resource } from "./resource.ts";
import { RESOURCE_RULES, STACK_RULES } from "./rules.ts";

const urnOf = (type: string, name: string) => `urn:pulumi:dev::kimtest::${type}::${name}`;
const BUCKET = "aws:s3/bucket:Bucket";

function resourceOf({ type, name, inputs }: MockedResource): Resource {
  // Mocks do not tell which resource a value comes from; every bucket setting of our stack is of its one bucket.
  const sources = "bucket" in inputs && type !== BUCKET ? { bucket: [urnOf(BUCKET, "kimtest-dev-results")] } : {};
  return { type, name, urn: urnOf(type, name), props: inputs, sources };
}

/** `rule: problem` of every violation. */
function violations(resources: readonly Resource[]): string[] {
  return [
    ...RESOURCE_RULES.flatMap(({ name, check }) =>
      resources.flatMap((resource) => check(resource).map((problem) => `${name}: ${problem}`)),
    ),
    ...STACK_RULES.flatMap(({ name, check }) => check(resources).map(({ problem }) => `${name}: ${problem}`)),
  ];
}

let ours: readonly Resource[] = [];
beforeAll(async () => {
  ours = (await mockedStack()).resources.map(resourceOf);
});

test.each([
  [{}],
  [{ purchase: "on-demand" }],
  [{ keepResults: "false", monthlyBudgetUsd: "0" }],
  [{ instanceType: "c6i.xlarge", spotMaxPrice: "0.1", region: "eu-west-1" }],
])("our own stack with %j keeps every rule", async (config) => {
  const resources = (await mockedStack(config)).resources.map(resourceOf);
  expect(resources.length).toBeGreaterThan(40);
  expect(violations(resources)).toEqual([]);
});

/** Our stack with one resource changed, found by type and by a part of its name. */
function broken(type: string, part: string, change: Readonly<Record<string, unknown>>): Resource[] {
  const found = ours.filter((resource) => resource.type === type && resource.name.includes(part));
  if (found.length !== 1) throw new Error(`${String(found.length)} resources ${type} ${part}`);
  return ours.map((resource) =>
    resource === found[0] ? { ...resource, props: { ...resource.props, ...change } } : resource,
  );
}
const added = (type: string, props: Readonly<Record<string, unknown>> = {}): Resource[] => [
  ...ours,
  { type, name: "added", urn: urnOf(type, "added"), props, sources: {} },
];
const TAGS = { Project: "kimtest", Stack: "dev", ManagedBy: "pulumi" };
const INSTANCE = "aws:ec2/instance:Instance";
const machine = (change: Readonly<Record<string, unknown>>) => broken(INSTANCE, "instance", change);
const rolePolicy = (...statements: object[]) =>
  broken("aws:iam/rolePolicy:RolePolicy", "role", {
    policy: JSON.stringify({ Version: "2012-10-17", Statement: statements }),
  });
const allow = (Action: unknown, Resource: unknown, rest: object = {}) => ({
  Sid: "S",
  Effect: "Allow",
  Action,
  Resource,
  ...rest,
});

describe("a broken stack fails, with exactly this", () => {
  const NAME = "kimtest-dev-instance-arm64-1";
  const cases: [string, () => Resource[], string[]][] = [
    [
      "a bucket that blocks no public policy",
      () => broken("aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock", "", { blockPublicPolicy: false }),
      ["no-public-bucket: kimtest-dev-results-private: blockPublicPolicy must be true"],
    ],
    [
      "a public acl",
      () => broken(BUCKET, "", { acl: "public-read" }),
      ["no-public-bucket: kimtest-dev-results: acl must be private"],
    ],
    [
      "an object with a public acl",
      () => broken("aws:s3/bucketObjectv2:BucketObjectv2", "", { acl: "public-read" }),
      ["no-public-bucket: kimtest-dev-runner: acl must be private"],
    ],
    [
      "a bucket policy for everybody",
      () =>
        broken("aws:s3/bucketPolicy:BucketPolicy", "", {
          policy: JSON.stringify({
            Statement: [{ Effect: "Allow", Principal: "*", Action: "s3:GetObject", Resource: "x" }],
          }),
        }),
      ["no-wildcard-access: kimtest-dev-results-policy, statement 1: allows everybody"],
    ],
    [
      "a bucket without settings",
      () => added(BUCKET, { tags: TAGS }),
      [
        "every-bucket-is-closed: added: has no public access block",
        "every-bucket-is-closed: added: has no encryption",
        "every-bucket-is-closed: added: has no policy that refuses requests without TLS",
      ],
    ],
    [
      "a volume in the clear",
      () => machine({ rootBlockDevice: { encrypted: false, tags: TAGS } }),
      [`encryption: ${NAME}: the root volume must be encrypted`],
    ],
    [
      "a second volume in the clear",
      () => machine({ ebsBlockDevices: [{ encrypted: true }, { deviceName: "/dev/sdb" }] }),
      [`encryption: ${NAME}: every volume must be encrypted`],
    ],
    [
      "a topic under the AWS-managed key",
      () => broken("aws:sns/topic:Topic", "", { kmsMasterKeyId: "alias/aws/sns" }),
      ["encryption: kimtest-dev-alerts: needs a key of its own; alarms cannot use the AWS-managed one"],
    ],
    [
      "a topic in the clear",
      () => broken("aws:sns/topic:Topic", "", { kmsMasterKeyId: undefined }),
      ["encryption: kimtest-dev-alerts: needs a key of its own; alarms cannot use the AWS-managed one"],
    ],
    [
      "a key that never rotates",
      () => broken("aws:kms/key:Key", "", { enableKeyRotation: false }),
      ["encryption: kimtest-dev-alerts-key: the key must rotate"],
    ],
    [
      "a bucket encryption without an algorithm",
      () =>
        broken("aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration", "", {
          rules: [],
        }),
      ["encryption: kimtest-dev-results-encryption: must name an encryption"],
    ],
    [
      "IMDSv1",
      () => machine({ metadataOptions: { httpTokens: "optional" } }),
      [`imdsv2: ${NAME}: IMDSv2 must be required`],
    ],
    [
      "no metadata options",
      () => machine({ metadataOptions: undefined }),
      [`imdsv2: ${NAME}: IMDSv2 must be required`],
    ],
    [
      "SSH from anywhere",
      () =>
        broken("aws:ec2/securityGroup:SecurityGroup", "firewall", {
          ingress: [{ protocol: "tcp", fromPort: 22, toPort: 22, cidrBlocks: ["0.0.0.0/0"] }],
        }),
      ["no-ingress: kimtest-dev-firewall: lets somebody in"],
    ],
    [
      "ingress as a rule of its own",
      () => added("aws:ec2/securityGroupRule:SecurityGroupRule", { type: "ingress" }),
      [
        "no-ingress: added: lets somebody in",
        "tags: added: nobody has said whether aws:ec2/securityGroupRule:SecurityGroupRule takes tags (infra/policy/tagging.ts)",
      ],
    ],
    [
      "an SSH key",
      () => machine({ keyName: "mine" }),
      [`no-ingress: ${NAME}: has an SSH key; access is by Session Manager`],
    ],
    [
      "a resource without a tag",
      () => broken("aws:cloudwatch/logGroup:LogGroup", "", { tags: { Project: "kimtest", Stack: "dev" } }),
      ["tags: kimtest-dev-logs: lacks the tags ManagedBy"],
    ],
    [
      "a volume without tags",
      () => machine({ rootBlockDevice: { encrypted: true } }),
      [`tags: ${NAME}: its volume lacks the tags Project, Stack, ManagedBy`],
    ],
    [
      "a type that nobody has looked at",
      () => added("aws:lambda/function:Function", { tags: TAGS }),
      ["tags: added: nobody has said whether aws:lambda/function:Function takes tags (infra/policy/tagging.ts)"],
    ],
    [
      "on-demand by accident",
      () => machine({ instanceMarketOptions: undefined }),
      [`spot-or-explicit-on-demand: ${NAME}: is on-demand, but does not say so (kimtest:purchase, the tag Purchase)`],
    ],
    [
      "a spot machine that terminates",
      () => machine({ instanceMarketOptions: { marketType: "spot", spotOptions: { spotInstanceType: "one-time" } } }),
      [
        `spot-or-explicit-on-demand: ${NAME}: a spot machine must be persistent and stop when interrupted, or it loses its disk`,
      ],
    ],
    [
      "every action",
      () => rolePolicy(allow("*", "arn:aws:s3:::b/x")),
      ["no-wildcard-access: kimtest-dev-role-policy, statement S: allows *"],
    ],
    [
      "every action of a service",
      () => rolePolicy(allow(["s3:GetObject", "s3:*"], "arn:aws:s3:::b/x")),
      ["no-wildcard-access: kimtest-dev-role-policy, statement S: allows s3:*"],
    ],
    [
      "some actions of a service",
      () => rolePolicy(allow("s3:Get*", "arn:aws:s3:::b/x")),
      ["no-wildcard-access: kimtest-dev-role-policy, statement S: allows s3:Get*"],
    ],
    [
      "every resource",
      () => rolePolicy(allow("s3:GetObject", "*")),
      ["no-wildcard-access: kimtest-dev-role-policy, statement S: allows s3:GetObject on everything"],
    ],
    [
      "every bucket",
      () => rolePolicy(allow("s3:GetObject", ["arn:aws:s3:::*"])),
      ["no-wildcard-access: kimtest-dev-role-policy, statement S: allows s3:GetObject on everything"],
    ],
    [
      "metrics of others",
      () => rolePolicy(allow("cloudwatch:PutMetricData", "*")),
      ["no-wildcard-access: kimtest-dev-role-policy, statement S: allows cloudwatch:PutMetricData in every namespace"],
    ],
    [
      "everything but",
      () => rolePolicy({ Effect: "Allow", NotAction: "iam:*", Resource: "arn:aws:s3:::b/x" }),
      [
        "no-wildcard-access: kimtest-dev-role-policy, statement 1: allows everything but what it names",
        "no-wildcard-access: kimtest-dev-role-policy, statement 1: names no action or no resource",
      ],
    ],
    [
      "a policy that cannot be read",
      () => broken("aws:iam/rolePolicy:RolePolicy", "role", { policy: "{" }),
      ["no-wildcard-access: kimtest-dev-role-policy: its policy is no policy document"],
    ],
    [
      "a role for everybody",
      () =>
        broken("aws:iam/role:Role", "role", {
          assumeRolePolicy: JSON.stringify({
            Statement: { Effect: "Allow", Principal: { AWS: "*" }, Action: "sts:AssumeRole" },
          }),
        }),
      ["no-wildcard-access: kimtest-dev-role, statement 1: allows everybody"],
    ],
    [
      "a policy from elsewhere",
      () => broken("aws:iam/role:Role", "role", { managedPolicyArns: ["arn:aws:iam::aws:policy/AdministratorAccess"] }),
      ["no-wildcard-access: kimtest-dev-role: policies of a role are resources of their own"],
    ],
    [
      "a key that another account may use as it likes",
      () =>
        broken("aws:kms/key:Key", "", {
          policy: JSON.stringify({
            Statement: [
              {
                Effect: "Allow",
                Principal: { AWS: "arn:aws:iam::210987654321:user/x" },
                Action: "kms:*",
                Resource: "*",
              },
            ],
          }),
        }),
      ["no-wildcard-access: kimtest-dev-alerts-key, statement 1: allows kms:*"],
    ],
  ];

  test.each(cases)("%s", (_what, make, expected) => {
    expect(violations(make())).toEqual(expected);
  });

  test("every rule is among them", () => {
    const failed = new Set(cases.flatMap(([, , expected]) => expected.map((violation) => violation.split(":")[0])));
    expect([...failed].sort()).toEqual([...RESOURCE_RULES, ...STACK_RULES].map(({ name }) => name).sort());
  });

  test("an attached policy", () => {
    expect(violations(added("aws:iam/rolePolicyAttachment:RolePolicyAttachment"))).toContain(
      "no-wildcard-access: added: attaches a policy from elsewhere; write its actions out instead",
    );
  });
});
