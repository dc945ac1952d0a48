/** Alarms and dashboard; what they say is data in alarms.ts and dashboard.ts. */
import * as pulumi from "@pulumi/pulumi";
import * as cloudwatch from "@pulumi/aws/cloudwatch/index.js";
import { bothOf, METRIC_ALARMS, NO_DIGEST, NO_DIGEST_STORED, RAN_ALL_THE_TIME } from "./alarms.ts";
import { dashboardBody } from "./dashboard.ts";
import { nameOf, type Tags } from "./names.ts";
import { STACK_DIMENSION } from "../contracts/metrics.ts";

export interface MonitoringArgs {
  stack: string;
  tags: Tags;
  region: string;
  instanceId: pulumi.Input<string>;
  topicArn: pulumi.Input<string>;
}

export class Monitoring extends pulumi.ComponentResource {
  readonly dashboardName: pulumi.Output<string>;
  /** Those that notify, by name. */
  readonly alarmNames: pulumi.Output<string[]>;

  constructor(name: string, args: MonitoringArgs, options: pulumi.ComponentResourceOptions) {
    super("kimtest:infra:Monitoring", name, {}, options);
    const { stack, tags, region, instanceId, topicArn } = args;
    const parent = { parent: this };
    const notify = { alarmActions: [topicArn], okActions: [topicArn] };

    const alarms = new Map<string, cloudwatch.MetricAlarm>();
    for (const plan of METRIC_ALARMS) {
      const alarm = new cloudwatch.MetricAlarm(
        nameOf(stack, plan.part),
        {
          name: nameOf(stack, plan.part),
          alarmDescription: plan.description,
          namespace: plan.namespace,
          metricName: plan.metricName,
          dimensions: { [plan.dimension]: plan.dimension === STACK_DIMENSION ? stack : instanceId },
          statistic: plan.statistic,
          period: plan.periodSeconds,
          evaluationPeriods: plan.evaluationPeriods,
          datapointsToAlarm: plan.evaluationPeriods,
          comparisonOperator: plan.comparisonOperator,
          threshold: plan.threshold,
          treatMissingData: plan.treatMissingData,
          ...(plan.notifies ? notify : {}),
          tags: { ...tags },
        },
        parent,
      );
      alarms.set(plan.part, alarm);
    }
    const parts = [alarms.get(NO_DIGEST_STORED)!, alarms.get(RAN_ALL_THE_TIME)!];
    const noDigest = new cloudwatch.CompositeAlarm(
      nameOf(stack, NO_DIGEST.part),
      {
        alarmName: nameOf(stack, NO_DIGEST.part),
        alarmDescription: NO_DIGEST.description,
        alarmRule: pulumi.all(parts.map((part) => part.name)).apply((names) => bothOf(...names)),
        ...notify,
        tags: { ...tags },
      },
      parent,
    );

    const notifying = METRIC_ALARMS.filter((plan) => plan.notifies).map((plan) => alarms.get(plan.part)!);
    const alarmArns = pulumi.all([...notifying.map((alarm) => alarm.arn), noDigest.arn]);
    const dashboard = new cloudwatch.Dashboard(
      nameOf(stack, "dashboard"),
      {
        dashboardName: nameOf(stack, "dashboard"),
        dashboardBody: pulumi
          .all([instanceId, alarmArns])
          .apply(([id, arns]) => JSON.stringify(dashboardBody({ stack, region, instanceId: id, alarmArns: arns }))),
      },
      parent,
    );

    this.dashboardName = dashboard.dashboardName;
    this.alarmNames = pulumi.all([...notifying.map((alarm) => alarm.name), noDigest.alarmName]);
    this.registerOutputs({ dashboardName: this.dashboardName, alarmNames: this.alarmNames });
  }
}
