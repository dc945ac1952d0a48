/** The whole stack against Pulumi's mocks: exact types, names and inputs. The limits of mocks: mocked-stack.fixture.ts. */
import { beforeAll, describe, expect, test } from "@jest/globals";
import { parseJson } from "../contracts/json.ts";
import { serviceSettingsSchema, stackParameterSchema } from "../contracts/stack.ts";
import { userData } from "./host/user-data.ts";
import { ACCOUNT_ID, mockedStack, SHA256, type MockedStack } from "./mocked-stack.fixture.ts";

const TAGS = { Project: "kimtest", Stack: "dev", ManagedBy: "pulumi" };
const named = (part: string) => ({ ...TAGS, Name: `kimtest-dev-${part}` });
const BUCKET = "kimtest-dev-123456789012-us-east-1";
const BUCKET_ARN = "arn:of:kimtest-dev-results";
const TOPIC_ARN = "arn:of:kimtest-dev-alerts";
const KEY_ARN = "arn:of:kimtest-dev-alerts-key";

const json = (value: unknown): unknown => JSON.parse(String(value)) as unknown;
const listed = ({ resources }: MockedStack) => resources.map(({ type, name }) => `${type} ${name}`).sort();

const COMPONENTS = [
  "kimtest:infra:Alerts kimtest-dev-alerts",
  "kimtest:infra:Delivery kimtest-dev-delivery",
  "kimtest:infra:Identity kimtest-dev-identity",
  "kimtest:infra:Instance kimtest-dev-machine",
  "kimtest:infra:Logs kimtest-dev-logs",
  "kimtest:infra:Monitoring kimtest-dev-monitoring",
  "kimtest:infra:Network kimtest-dev-network",
  "kimtest:infra:ResultsBucket kimtest-dev-results",
  "kimtest:infra:ServiceConfiguration kimtest-dev-service",
  "kimtest:infra:StackDescription kimtest-dev-description",
];
const ALWAYS = [
  "aws:cloudwatch/compositeAlarm:CompositeAlarm kimtest-dev-no-digest",
  "aws:cloudwatch/dashboard:Dashboard kimtest-dev-dashboard",
  "aws:cloudwatch/logGroup:LogGroup kimtest-dev-logs",
  "aws:cloudwatch/metricAlarm:MetricAlarm kimtest-dev-bootstrap-failed",
  "aws:cloudwatch/metricAlarm:MetricAlarm kimtest-dev-bundle-rejected",
  "aws:cloudwatch/metricAlarm:MetricAlarm kimtest-dev-disk-nearly-full",
  "aws:cloudwatch/metricAlarm:MetricAlarm kimtest-dev-instance-unhealthy",
  "aws:cloudwatch/metricAlarm:MetricAlarm kimtest-dev-no-digest-stored",
  "aws:cloudwatch/metricAlarm:MetricAlarm kimtest-dev-no-progress",
  "aws:cloudwatch/metricAlarm:MetricAlarm kimtest-dev-ran-26-hours",
  "aws:cloudwatch/metricAlarm:MetricAlarm kimtest-dev-restart-loop",
  "aws:ec2/defaultRouteTable:DefaultRouteTable kimtest-dev-routes",
  "aws:ec2/defaultSecurityGroup:DefaultSecurityGroup kimtest-dev-default-firewall",
  "aws:ec2/internetGateway:InternetGateway kimtest-dev-gateway",
  "aws:ec2/securityGroup:SecurityGroup kimtest-dev-firewall",
  "aws:ec2/subnet:Subnet kimtest-dev-subnet",
  ...["project", "stack", "managedby", "name", "purchase"].map(
    (tag) => `aws:ec2/tag:Tag kimtest-dev-interface-tag-${tag}`,
  ),
  "aws:ec2/vpc:Vpc kimtest-dev-network",
  "aws:iam/instanceProfile:InstanceProfile kimtest-dev-profile",
  "aws:iam/role:Role kimtest-dev-role",
  "aws:iam/rolePolicy:RolePolicy kimtest-dev-role-policy",
  "aws:kms/alias:Alias kimtest-dev-alerts-key-name",
  "aws:kms/key:Key kimtest-dev-alerts-key",
  "aws:s3/bucket:Bucket kimtest-dev-results",
  "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration kimtest-dev-results-lifecycle",
  "aws:s3/bucketObjectv2:BucketObjectv2 kimtest-dev-runner",
  "aws:s3/bucketOwnershipControls:BucketOwnershipControls kimtest-dev-results-ownership",
  "aws:s3/bucketPolicy:BucketPolicy kimtest-dev-results-policy",
  "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock kimtest-dev-results-private",
  "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration kimtest-dev-results-encryption",
  "aws:s3/bucketVersioning:BucketVersioning kimtest-dev-results-versioning",
  "aws:sns/topic:Topic kimtest-dev-alerts",
  "aws:sns/topicPolicy:TopicPolicy kimtest-dev-alerts-policy",
  "aws:sns/topicSubscription:TopicSubscription kimtest-dev-alerts-email",
  "aws:ssm/parameter:Parameter kimtest-dev-service-parameter",
  "aws:ssm/parameter:Parameter kimtest-dev-stack-parameter",
  "pulumi:providers:aws kimtest-dev-aws",
];
const MACHINE = "aws:ec2/instance:Instance kimtest-dev-instance-arm64-1";
const OF_SPOT = [
  "aws:cloudwatch/eventRule:EventRule kimtest-dev-spot-interruption",
  "aws:cloudwatch/eventTarget:EventTarget kimtest-dev-spot-interruption-mail",
  ...["project", "stack", "managedby", "name", "purchase"].map(
    (tag) => `aws:ec2/tag:Tag kimtest-dev-spot-request-tag-${tag}`,
  ),
  "kimtest:infra:SpotInterruption kimtest-dev-interruption",
];
const OF_BUDGET = ["aws:budgets/budget:Budget kimtest-dev-budget", "kimtest:infra:Spending kimtest-dev-spending"];

describe("a spot stack with its defaults", () => {
  let stack: MockedStack;
  beforeAll(async () => {
    stack = await mockedStack();
  });

  test("registers exactly these resources", () => {
    expect(listed(stack)).toEqual([...COMPONENTS, ...ALWAYS, MACHINE, ...OF_SPOT, ...OF_BUDGET].sort());
  });

  test("asks AWS three questions", () => {
    expect([...stack.invokes].sort()).toEqual([
      "aws:ec2/getInstanceTypeOfferings:getInstanceTypeOfferings",
      "aws:index/getCallerIdentity:getCallerIdentity",
      "aws:ssm/getParameter:getParameter",
    ]);
  });

  test("bucket: private, encrypted, versioned, kept", () => {
    expect(stack.only("aws:s3/bucket:Bucket")).toEqual({ bucket: BUCKET, forceDestroy: false, tags: TAGS });
    expect(stack.only("aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock")).toEqual({
      bucket: BUCKET,
      blockPublicAcls: true,
      blockPublicPolicy: true,
      ignorePublicAcls: true,
      restrictPublicBuckets: true,
    });
    expect(stack.only("aws:s3/bucketOwnershipControls:BucketOwnershipControls")).toEqual({
      bucket: BUCKET,
      rule: { objectOwnership: "BucketOwnerEnforced" },
    });
    expect(
      stack.only("aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration"),
    ).toEqual({ bucket: BUCKET, rules: [{ applyServerSideEncryptionByDefault: { sseAlgorithm: "AES256" } }] });
    expect(stack.only("aws:s3/bucketVersioning:BucketVersioning")).toEqual({
      bucket: BUCKET,
      versioningConfiguration: { status: "Enabled" },
    });
    const { bucket, policy } = stack.only("aws:s3/bucketPolicy:BucketPolicy");
    expect([bucket, json(policy)]).toEqual([
      BUCKET,
      {
        Version: "2012-10-17",
        Statement: [
          {
            Sid: "TlsOnly",
            Effect: "Deny",
            Principal: "*",
            Action: "s3:*",
            Resource: [BUCKET_ARN, `${BUCKET_ARN}/*`],
            Condition: { Bool: { "aws:SecureTransport": "false" } },
          },
        ],
      },
    ]);
  });

  test("alerts: a topic under a key that alarms and events may use", () => {
    const key = stack.only("aws:kms/key:Key");
    expect({ ...key, policy: json(key["policy"]) }).toEqual({
      description: "kimtest dev: messages on their way to the topic's subscribers",
      enableKeyRotation: true,
      deletionWindowInDays: 7,
      tags: TAGS,
      policy: {
        Version: "2012-10-17",
        Statement: [
          {
            Sid: "Account",
            Effect: "Allow",
            Principal: { AWS: `arn:aws:iam::${ACCOUNT_ID}:root` },
            Action: "kms:*",
            Resource: "*",
          },
          {
            Sid: "Alarms",
            Effect: "Allow",
            Principal: { Service: "cloudwatch.amazonaws.com" },
            Action: ["kms:Decrypt", "kms:GenerateDataKey"],
            Resource: "*",
            Condition: { StringEquals: { "aws:SourceAccount": ACCOUNT_ID } },
          },
          {
            Sid: "Events",
            Effect: "Allow",
            Principal: { Service: "events.amazonaws.com" },
            Action: ["kms:Decrypt", "kms:GenerateDataKey"],
            Resource: "*",
          },
        ],
      },
    });
    expect(stack.only("aws:kms/alias:Alias")).toEqual({
      name: "alias/kimtest-dev-alerts",
      targetKeyId: "kimtest-dev-alerts-key-id",
    });
    expect(stack.only("aws:sns/topic:Topic")).toEqual({
      name: "kimtest-dev-alerts",
      displayName: "kimtest-dev-alerts",
      kmsMasterKeyId: KEY_ARN,
      tags: TAGS,
    });
    const { arn, policy } = stack.only("aws:sns/topicPolicy:TopicPolicy");
    expect([arn, json(policy)]).toEqual([
      TOPIC_ARN,
      {
        Version: "2012-10-17",
        Statement: [
          {
            Sid: "Alarms",
            Effect: "Allow",
            Principal: { Service: "cloudwatch.amazonaws.com" },
            Action: "sns:Publish",
            Resource: TOPIC_ARN,
            Condition: { StringEquals: { "aws:SourceAccount": ACCOUNT_ID } },
          },
          {
            Sid: "Events",
            Effect: "Allow",
            Principal: { Service: "events.amazonaws.com" },
            Action: "sns:Publish",
            Resource: TOPIC_ARN,
          },
        ],
      },
    ]);
    expect(stack.only("aws:sns/topicSubscription:TopicSubscription")).toEqual({
      topic: TOPIC_ARN,
      protocol: "email",
      endpoint: "you@example.com",
    });
  });

  test("logs are kept for a week", () => {
    expect(stack.only("aws:cloudwatch/logGroup:LogGroup")).toEqual({
      name: "kimtest-dev-logs",
      retentionInDays: 7,
      tags: TAGS,
    });
  });

  test("identity: one role, for EC2 only, with one policy", () => {
    const role = stack.only("aws:iam/role:Role");
    expect({ ...role, assumeRolePolicy: json(role["assumeRolePolicy"]) }).toEqual({
      name: "kimtest-dev-instance-us-east-1",
      description: "kimtest dev: the machine that runs the tests",
      assumeRolePolicy: {
        Version: "2012-10-17",
        Statement: [{ Effect: "Allow", Principal: { Service: "ec2.amazonaws.com" }, Action: "sts:AssumeRole" }],
      },
      tags: TAGS,
    });
    const { name, role: policyRole, policy } = stack.only("aws:iam/rolePolicy:RolePolicy");
    expect([name, policyRole]).toEqual(["kimtest-dev-instance-us-east-1", "kimtest-dev-instance-us-east-1"]);
    const { Statement } = json(policy) as { Statement: { Sid: string; Resource: unknown }[] };
    expect(Object.fromEntries(Statement.map(({ Sid, Resource }) => [Sid, Resource]))).toEqual({
      ListResults: [BUCKET_ARN],
      ReadResultsAndBundles: [
        "checkpoints/*",
        "failures/*",
        "failure-index/*",
        "digests/*",
        "signatures/*",
        "benchmarks/*",
        "formal-verification/*",
        "fuzz-corpus/*",
        "tools/*",
        "cycles/*",
        "runner/*",
      ].map((objects) => `${BUCKET_ARN}/${objects}`),
      WriteResults: [
        "checkpoints/*",
        "failures/*",
        "failure-index/*",
        "digests/*",
        "signatures/*",
        "benchmarks/*",
        "formal-verification/*",
        "fuzz-corpus/*",
        "tools/*",
        "cycles/*",
      ].map((objects) => `${BUCKET_ARN}/${objects}`),
      MinimizeCorpus: [`${BUCKET_ARN}/fuzz-corpus/*/${"?".repeat(40)}`],
      PutMetrics: "*",
      WriteLogs: ["arn:of:kimtest-dev-logs", "arn:of:kimtest-dev-logs:log-stream:*"],
      ReadOwnSettings: ["arn:of:kimtest-dev-service-parameter"],
      SendMessages: [TOPIC_ARN],
      EncryptMessages: [KEY_ARN],
      SystemsManagerAgent: "*",
    });
    expect(stack.only("aws:iam/instanceProfile:InstanceProfile")).toEqual({
      name: "kimtest-dev-instance-us-east-1",
      role: "kimtest-dev-instance-us-east-1",
      tags: TAGS,
    });
  });

  test("network: a way out, none in", () => {
    expect(stack.only("aws:ec2/vpc:Vpc")).toEqual({
      cidrBlock: "10.42.0.0/24",
      enableDnsSupport: true,
      enableDnsHostnames: true,
      tags: named("network"),
    });
    expect(stack.only("aws:ec2/internetGateway:InternetGateway")).toEqual({ vpcId: "vpc-1", tags: named("gateway") });
    expect(stack.only("aws:ec2/defaultRouteTable:DefaultRouteTable")).toEqual({
      defaultRouteTableId: "rtb-1",
      routes: [{ cidrBlock: "0.0.0.0/0", gatewayId: "kimtest-dev-gateway-id" }],
      tags: named("routes"),
    });
    expect(stack.only("aws:ec2/subnet:Subnet")).toEqual({
      vpcId: "vpc-1",
      cidrBlock: "10.42.0.0/24",
      availabilityZone: "us-east-1a",
      mapPublicIpOnLaunch: true,
      tags: named("subnet"),
    });
    expect(stack.only("aws:ec2/defaultSecurityGroup:DefaultSecurityGroup")).toEqual({
      vpcId: "vpc-1",
      ingress: [],
      egress: [],
      tags: named("default-firewall"),
    });
    expect(stack.only("aws:ec2/securityGroup:SecurityGroup")).toEqual({
      name: "kimtest-dev-firewall",
      description: "kimtest: nothing in (access is by Session Manager), https out",
      vpcId: "vpc-1",
      ingress: [],
      egress: [{ protocol: "tcp", fromPort: 443, toPort: 443, cidrBlocks: ["0.0.0.0/0"], description: "https" }],
      tags: named("firewall"),
    });
  });

  test("instance: persistent spot, IMDSv2, encrypted gp3", () => {
    expect(stack.only("aws:ec2/instance:Instance")).toEqual({
      ami: "ami-of/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-arm64",
      instanceType: "c7g.xlarge",
      instanceMarketOptions: {
        marketType: "spot",
        spotOptions: { spotInstanceType: "persistent", instanceInterruptionBehavior: "stop" },
      },
      iamInstanceProfile: "kimtest-dev-instance-us-east-1",
      subnetId: "kimtest-dev-subnet-id",
      vpcSecurityGroupIds: ["kimtest-dev-firewall-id"],
      instanceInitiatedShutdownBehavior: "stop",
      metadataOptions: {
        httpEndpoint: "enabled",
        httpTokens: "required",
        httpPutResponseHopLimit: 1,
        instanceMetadataTags: "disabled",
      },
      rootBlockDevice: {
        volumeType: "gp3",
        volumeSize: 60,
        encrypted: true,
        deleteOnTermination: true,
        tags: { ...named("instance"), Purchase: "spot" },
      },
      monitoring: false,
      userData: userData({ stack: "dev", region: "us-east-1", serviceParameter: "/kimtest/dev/service" }),
      userDataReplaceOnChange: false,
      tags: { ...named("instance"), Purchase: "spot" },
    });
    expect(stack.only("aws:ec2/tag:Tag", "kimtest-dev-spot-request-tag-stack")).toEqual({
      resourceId: "sir-1",
      key: "Stack",
      value: "dev",
    });
    expect(stack.only("aws:ec2/tag:Tag", "kimtest-dev-interface-tag-name")).toEqual({
      resourceId: "eni-1",
      key: "Name",
      value: "kimtest-dev-instance",
    });
  });

  test("a spot interruption is mailed in one readable line", () => {
    const rule = stack.only("aws:cloudwatch/eventRule:EventRule");
    expect({ ...rule, eventPattern: json(rule["eventPattern"]) }).toEqual({
      name: "kimtest-dev-spot-interruption",
      description: "kimtest dev: EC2 takes the spot machine back",
      eventPattern: {
        source: ["aws.ec2"],
        "detail-type": ["EC2 Spot Instance Interruption Warning"],
        detail: { "instance-id": ["i-1"] },
      },
      tags: TAGS,
    });
    expect(stack.only("aws:cloudwatch/eventTarget:EventTarget")).toEqual({
      rule: "kimtest-dev-spot-interruption",
      targetId: "alerts",
      arn: TOPIC_ARN,
      inputTransformer: {
        inputPaths: { instance: "$.detail.instance-id", action: "$.detail.instance-action", time: "$.time" },
        inputTemplate:
          '"kimtest dev: EC2 takes the spot machine <instance> back (<action>) two minutes after <time>. ' +
          'The cycle goes on when EC2 starts it again; kimtest infra-status tells."',
      },
    });
  });

  test("alarms: one in full, and the composite", () => {
    expect(stack.only("aws:cloudwatch/metricAlarm:MetricAlarm", "kimtest-dev-no-progress")).toEqual({
      name: "kimtest-dev-no-progress",
      alarmDescription: "Nothing has moved for 15 minutes: see kimtest infra-status, then kimtest infra-logs.",
      namespace: "Kimberlite/Testing",
      metricName: "Progress",
      dimensions: { Stack: "dev" },
      statistic: "Sum",
      period: 300,
      evaluationPeriods: 3,
      datapointsToAlarm: 3,
      comparisonOperator: "LessThanThreshold",
      threshold: 1,
      treatMissingData: "breaching",
      alarmActions: [TOPIC_ARN],
      okActions: [TOPIC_ARN],
      tags: TAGS,
    });
    expect(stack.only("aws:cloudwatch/compositeAlarm:CompositeAlarm")).toEqual({
      alarmName: "kimtest-dev-no-digest",
      alarmDescription: "No digest was stored in 26 hours in which the machine ran: see kimtest infra-logs.",
      alarmRule: 'ALARM("kimtest-dev-no-digest-stored") AND ALARM("kimtest-dev-ran-26-hours")',
      alarmActions: [TOPIC_ARN],
      okActions: [TOPIC_ARN],
      tags: TAGS,
    });
    const ran = stack.only("aws:cloudwatch/metricAlarm:MetricAlarm", "kimtest-dev-ran-26-hours");
    expect([ran["dimensions"], ran["alarmActions"], ran["okActions"]]).toEqual([
      { InstanceId: "i-1" },
      undefined,
      undefined,
    ]);
  });

  test("the service's settings satisfy their contract", () => {
    const { insecureValue, ...rest } = stack.only("aws:ssm/parameter:Parameter", "kimtest-dev-service-parameter");
    expect(rest).toEqual({
      name: "/kimtest/dev/service",
      type: "String",
      tier: "Standard",
      description: "What the service of this kimtest stack runs; read at each of its starts",
      tags: TAGS,
    });
    expect(serviceSettingsSchema.parse(parseJson(String(insecureValue), "settings"))).toEqual({
      version: 1,
      stack: "dev",
      region: "us-east-1",
      s3_bucket: BUCKET,
      sns_topic: TOPIC_ARN,
      log_group: "kimtest-dev-logs",
      bundle: { key: `runner/${SHA256}.tar.gz`, sha256: SHA256 },
      profile: "kimberlite",
      github_repo: "https://github.com/kimberlitedb/kimberlite.git",
      github_branch: "main",
      run_duration_hours: 48,
      enable_fuzzing: true,
      enable_formal_verification: true,
      enable_benchmarks: true,
      seed_offset: 0n,
      vopr_flags: [],
    });
  });

  test("the stack's parameter satisfies its contract", () => {
    const { insecureValue, name } = stack.only("aws:ssm/parameter:Parameter", "kimtest-dev-stack-parameter");
    expect(name).toBe("/kimtest/dev/stack");
    expect(stackParameterSchema.parse(json(insecureValue))).toEqual({
      version: 1,
      stack: "dev",
      region: "us-east-1",
      account_id: ACCOUNT_ID,
      instance_id: "i-1",
      instance_type: "c7g.xlarge",
      architecture: "arm64",
      purchase: "spot",
      s3_bucket: BUCKET,
      sns_topic: TOPIC_ARN,
      log_group: "kimtest-dev-logs",
      alarms: [
        "kimtest-dev-no-progress",
        "kimtest-dev-disk-nearly-full",
        "kimtest-dev-restart-loop",
        "kimtest-dev-bootstrap-failed",
        "kimtest-dev-bundle-rejected",
        "kimtest-dev-instance-unhealthy",
        "kimtest-dev-no-digest",
      ],
      dashboard: "kimtest-dev-dashboard",
      service_parameter: "/kimtest/dev/service",
    });
  });

  test("the runner is delivered under its hash", async () => {
    const { source, ...rest } = stack.only("aws:s3/bucketObjectv2:BucketObjectv2");
    expect(rest).toEqual({
      bucket: BUCKET,
      key: `runner/${SHA256}.tar.gz`,
      contentType: "application/gzip",
      tags: TAGS,
    });
    expect(await (source as { path: Promise<string> }).path).toBe("/nowhere/bundle.tar.gz");
  });

  test("the budget is the account's", () => {
    const warn = (notificationType: string, threshold: number) => ({
      notificationType,
      comparisonOperator: "GREATER_THAN",
      threshold,
      thresholdType: "PERCENTAGE",
      subscriberEmailAddresses: ["you@example.com"],
    });
    expect(stack.only("aws:budgets/budget:Budget")).toEqual({
      name: "kimtest-dev-budget-us-east-1",
      budgetType: "COST",
      timeUnit: "MONTHLY",
      limitAmount: "60",
      limitUnit: "USD",
      notifications: [warn("ACTUAL", 80), warn("ACTUAL", 100), warn("FORECASTED", 100)],
      tags: TAGS,
    });
  });

  test("outputs", () => {
    expect(stack.outputs).toEqual({
      instance_id: "i-1",
      s3_bucket: BUCKET,
      sns_topic: TOPIC_ARN,
      log_group: "kimtest-dev-logs",
      region: "us-east-1",
      dashboard_url:
        "https://us-east-1.console.aws.amazon.com/cloudwatch/home?region=us-east-1#dashboards/dashboard/kimtest-dev-dashboard",
      stack_parameter: "/kimtest/dev/stack",
    });
  });
});

describe("each switch", () => {
  const instanceOf = (stack: MockedStack) => stack.only("aws:ec2/instance:Instance");
  const settingsOf = (stack: MockedStack) =>
    parseJson(
      String(stack.only("aws:ssm/parameter:Parameter", "kimtest-dev-service-parameter")["insecureValue"]),
      "settings",
    );

  test("on-demand: no market options, no spot request, no interruption", async () => {
    const stack = await mockedStack({ purchase: "on-demand" });
    expect(listed(stack)).toEqual([...COMPONENTS, ...ALWAYS, MACHINE, ...OF_BUDGET].sort());
    expect(Object.keys(instanceOf(stack))).not.toContain("instanceMarketOptions");
    expect(instanceOf(stack)["tags"]).toEqual({ ...named("instance"), Purchase: "on-demand" });
  });

  test("no budget", async () => {
    expect(listed(await mockedStack({ monthlyBudgetUsd: "0" }))).toEqual(
      [...COMPONENTS, ...ALWAYS, MACHINE, ...OF_SPOT].sort(),
    );
  });

  test("a highest price", async () => {
    expect(instanceOf(await mockedStack({ spotMaxPrice: "0.08" }))["instanceMarketOptions"]).toEqual({
      marketType: "spot",
      spotOptions: { spotInstanceType: "persistent", instanceInterruptionBehavior: "stop", maxPrice: "0.08" },
    });
  });

  test("another processor: another image and another resource", async () => {
    const stack = await mockedStack({ instanceType: "c6i.xlarge", machineGeneration: "3", volumeSize: "100" });
    const machine = "kimtest-dev-instance-x86_64-3";
    expect(stack.only("aws:ec2/instance:Instance", machine)).toMatchObject({
      ami: "ami-of/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-x86_64",
      instanceType: "c6i.xlarge",
      rootBlockDevice: { volumeSize: 100 },
    });
  });

  test.each([
    [{ enableFuzzing: "false" }, { enable_fuzzing: false, enable_benchmarks: true }],
    [{ enableFormalVerification: "false" }, { enable_formal_verification: false, enable_fuzzing: true }],
    [{ enableBenchmarks: "false" }, { enable_benchmarks: false, enable_formal_verification: true }],
    [{ runDurationHours: "6" }, { run_duration_hours: 6 }],
    [{ seedOffset: "18446744073709551615" }, { seed_offset: 18446744073709551615n }],
    [{ voprFlags: '["-v","--check-determinism"]' }, { vopr_flags: ["-v", "--check-determinism"] }],
    [
      { githubRepo: "https://example.org/a.git", githubBranch: "b/c" },
      { github_repo: "https://example.org/a.git", github_branch: "b/c" },
    ],
    [{ profile: "embedded" }, { profile: "embedded" }],
  ])("%j reaches the service, and leaves the machine as it is", async (config, expected) => {
    const [stack, plain] = [await mockedStack(config), await mockedStack()];
    expect(settingsOf(stack)).toMatchObject(expected);
    expect(instanceOf(stack)).toEqual(instanceOf(plain));
  });

  test("results that go with the stack", async () => {
    expect((await mockedStack({ keepResults: "false" })).only("aws:s3/bucket:Bucket")).toEqual({
      bucket: BUCKET,
      forceDestroy: true,
      tags: TAGS,
    });
  });

  test("log retention", async () => {
    expect((await mockedStack({ logRetentionDays: "30" })).only("aws:cloudwatch/logGroup:LogGroup")).toMatchObject({
      retentionInDays: 30,
    });
  });

  test("another region and a given zone", async () => {
    const stack = await mockedStack(
      { region: "eu-west-1", availabilityZone: "eu-west-1c" },
      { zones: ["eu-west-1a", "eu-west-1c"] },
    );
    expect(stack.only("aws:ec2/subnet:Subnet")["availabilityZone"]).toBe("eu-west-1c");
    expect(stack.only("aws:s3/bucket:Bucket")["bucket"]).toBe("kimtest-dev-123456789012-eu-west-1");
    expect(stack.only("pulumi:providers:aws")).toMatchObject({ region: "eu-west-1" });
  });
});

test("two stacks in one account have no name in common", async () => {
  // What AWS holds two resources apart by; tags and descriptions may agree.
  const namesOf = ({ resources }: MockedStack) =>
    resources.flatMap(({ type, name, inputs }) => [
      name,
      ...["name", "bucket", "alarmName", "dashboardName"].flatMap((field) =>
        typeof inputs[field] === "string" && !type.startsWith("pulumi:") ? [inputs[field]] : [],
      ),
    ]);
  const [one, other] = [
    await mockedStack({}, { stack: "dev" }),
    await mockedStack({}, { stack: "a-long-name-of-20-ch" }),
  ];
  const [first, second] = [new Set(namesOf(one)), new Set(namesOf(other))];
  expect(first.size).toBe(second.size);
  expect(first.size).toBeGreaterThan(60);
  expect([...first].filter((name) => second.has(name))).toEqual([]);
  const bucket = String(other.only("aws:s3/bucket:Bucket")["bucket"]);
  expect([bucket, bucket.length <= 63]).toEqual(["kimtest-a-long-name-of-20-ch-123456789012-us-east-1", true]);
});

describe("refused before anything is made", () => {
  test.each(["Dev", "1dev", "-dev", "a-name-of-21-letters-", "my_stack"])("the stack name %j", async (stack) => {
    await expect(mockedStack({}, { stack })).rejects.toMatchObject({ code: "USAGE" });
  });

  test("a bad key", async () => {
    await expect(mockedStack({ volumeSize: "1" })).rejects.toMatchObject({
      message: expect.stringContaining('kimtest:volumeSize is "1"') as unknown,
    });
  });

  test("a type that the region, or the given zone, does not offer", async () => {
    await expect(mockedStack({}, { zones: [] })).rejects.toMatchObject({
      message: 'kimtest:instanceType is "c7g.xlarge", which us-east-1 does not offer',
      hint: "it is offered in: no zone of this region",
    });
    await expect(mockedStack({ availabilityZone: "us-east-1e" })).rejects.toMatchObject({
      message: 'kimtest:instanceType is "c7g.xlarge", which us-east-1e does not offer',
      hint: "it is offered in: us-east-1a, us-east-1b",
    });
  });
});
