/**
 * The stack: everything that one deployment is made of, from its configuration to its outputs.
 *
 * Reads top to bottom: who and where we are, what is kept, who may do what, the machine, who watches it, and where
 * all of that is written down.
 */
import * as pulumi from "@pulumi/pulumi";
import { getCallerIdentity } from "@pulumi/aws/getCallerIdentity.js";
import { Provider } from "@pulumi/aws/provider.js";
import * as ec2 from "@pulumi/aws/ec2/index.js";
import * as ssm from "@pulumi/aws/ssm/index.js";
import { KimtestError } from "../contracts/errors.ts";
import { serviceParameterName } from "../contracts/stack.ts";
import { Alerts } from "./alerts.ts";
import { readConfig, type StackConfig } from "./config.ts";
import { dashboardUrl } from "./dashboard.ts";
import { Delivery } from "./delivery/delivery.ts";
import type { RunnerBundle } from "./delivery/runner-bundle.ts";
import { Identity } from "./identity.ts";
import { imageParameter, Instance } from "./instance.ts";
import { Logs } from "./logs.ts";
import { Monitoring } from "./monitoring.ts";
import { bucketName, checkStackName, nameOf, PROJECT, tagsOf } from "./names.ts";
import { Network } from "./network.ts";
import { ServiceConfiguration, StackDescription } from "./parameters.ts";
import { ResultsBucket } from "./results-bucket.ts";
import { Spending } from "./spending.ts";
import { SpotInterruption } from "./spot-interruption.ts";

export interface StackOutputs {
  instance_id: pulumi.Output<string>;
  s3_bucket: pulumi.Output<string>;
  sns_topic: pulumi.Output<string>;
  log_group: pulumi.Output<string>;
  region: string;
  dashboard_url: pulumi.Output<string>;
  stack_parameter: pulumi.Output<string>;
}

/** `delivered`: the runner, being built. */
export async function kimtestStack(delivered: Promise<RunnerBundle>): Promise<StackOutputs> {
  const stack = pulumi.getStack();
  checkStackName(stack);
  const config = readConfig(pulumi.runtime.allConfig());
  const { region } = config;
  const tags = tagsOf(stack);

  const provider = new Provider(nameOf(stack, "aws"), { region });
  const [{ accountId }, image, availabilityZone, bundle] = await Promise.all([
    getCallerIdentity({}, { provider }),
    ssm.getParameter({ name: imageParameter(config.architecture) }, { provider }),
    zoneOf(config, provider),
    delivered,
  ]);
  const shared = { stack, tags };
  const inAws = { provider };

  const bucket = new ResultsBucket(
    nameOf(stack, "results"),
    {
      ...shared,
      bucketName: bucketName(stack, accountId, region),
      keepResults: config.keepResults,
      adoptBucket: config.adoptBucket,
    },
    inAws,
  );
  const logs = new Logs(nameOf(stack, "logs"), { ...shared, retentionDays: config.logRetentionDays }, inAws);
  const alerts = new Alerts(nameOf(stack, "alerts"), { ...shared, accountId, alertEmail: config.alertEmail }, inAws);
  const delivery = new Delivery(nameOf(stack, "delivery"), { ...shared, bucket: bucket.name, bundle }, inAws);

  const service = new ServiceConfiguration(
    nameOf(stack, "service"),
    {
      ...shared,
      value: pulumi
        .all([bucket.name, alerts.topicArn, logs.groupName, delivery.key])
        .apply(([s3_bucket, sns_topic, log_group, key]) => ({
          version: 1 as const,
          stack,
          region,
          s3_bucket,
          sns_topic,
          log_group,
          bundle: { key, sha256: bundle.sha256 },
          profile: config.profile,
          github_repo: config.githubRepo,
          github_branch: config.githubBranch,
          run_duration_hours: config.runDurationHours,
          enable_fuzzing: config.enableFuzzing,
          enable_formal_verification: config.enableFormalVerification,
          enable_benchmarks: config.enableBenchmarks,
          seed_offset: config.seedOffset,
          vopr_flags: config.voprFlags,
        })),
    },
    inAws,
  );
  const identity = new Identity(
    nameOf(stack, "identity"),
    {
      ...shared,
      region,
      bucketArn: bucket.arn,
      logGroupArn: logs.groupArn,
      topicArn: alerts.topicArn,
      keyArn: alerts.keyArn,
      serviceParameterArn: service.parameterArn,
    },
    inAws,
  );
  const network = new Network(
    nameOf(stack, "network"),
    { ...shared, availabilityZone, zoneIsGiven: config.availabilityZone !== "" },
    inAws,
  );
  const instance = new Instance(
    nameOf(stack, "machine"),
    {
      ...shared,
      region,
      instanceType: config.instanceType,
      architecture: config.architecture,
      generation: config.machineGeneration,
      imageId: image.value,
      purchase: config.purchase,
      spotMaxPrice: config.spotMaxPrice,
      volumeSizeGib: config.volumeSize,
      subnetId: network.subnetId,
      securityGroupId: network.securityGroupId,
      instanceProfileName: identity.instanceProfileName,
      serviceParameter: serviceParameterName(stack),
    },
    // Its set-up reads the settings, fetches the bundle and writes logs: all of it is to be there first.
    { ...inAws, dependsOn: [service, delivery, logs] },
  );
  const { instanceId } = instance;
  const { topicArn } = alerts;

  const monitoring = new Monitoring(nameOf(stack, "monitoring"), { ...shared, region, instanceId, topicArn }, inAws);
  if (config.purchase === "spot") {
    new SpotInterruption(nameOf(stack, "interruption"), { ...shared, instanceId, topicArn }, inAws);
  }
  if (config.monthlyBudgetUsd > 0) {
    const { monthlyBudgetUsd, alertEmail } = config;
    new Spending(nameOf(stack, "spending"), { ...shared, region, monthlyBudgetUsd, alertEmail }, inAws);
  }

  const description = new StackDescription(
    nameOf(stack, "description"),
    {
      ...shared,
      value: pulumi
        .all([instanceId, bucket.name, topicArn, logs.groupName, monitoring.alarmNames, monitoring.dashboardName])
        .apply(([instance_id, s3_bucket, sns_topic, log_group, alarms, dashboard]) => ({
          version: 1 as const,
          stack,
          region,
          account_id: accountId,
          instance_id,
          instance_type: config.instanceType,
          architecture: config.architecture,
          purchase: config.purchase,
          s3_bucket,
          sns_topic,
          log_group,
          alarms,
          dashboard,
          service_parameter: serviceParameterName(stack),
        })),
    },
    inAws,
  );

  return {
    instance_id: instanceId,
    s3_bucket: bucket.name,
    sns_topic: topicArn,
    log_group: logs.groupName,
    region,
    dashboard_url: monitoring.dashboardName.apply((name) => dashboardUrl(region, name)),
    stack_parameter: description.parameterName,
  };
}

/** The zone of the configuration, else the first that offers the instance type: not every zone has every type. */
async function zoneOf(config: StackConfig, provider: Provider): Promise<string> {
  const { locations } = await ec2.getInstanceTypeOfferings(
    { locationType: "availability-zone", filters: [{ name: "instance-type", values: [config.instanceType] }] },
    { provider },
  );
  const [first] = locations.toSorted();
  const zone = config.availabilityZone === "" ? first : config.availabilityZone;
  if (zone === undefined || !locations.includes(zone)) {
    const where = zone ?? config.region;
    throw new KimtestError(
      "USAGE",
      `${PROJECT}:instanceType is "${config.instanceType}", which ${where} does not offer`,
      {
        hint: `it is offered in: ${locations.length === 0 ? "no zone of this region" : locations.toSorted().join(", ")}`,
      },
    );
  }
  return zone;
}
